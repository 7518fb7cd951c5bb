//! Which statements may belong together, by their texts and the foreign keys between their tables.

use dbvitals_model::pg::series::{Line, Series};
use dbvitals_query::{
    Class, Lookup, Statement as Parsed, TableName,
    role::{Relation, Role},
};

use crate::pg::statement::links::{Links, Partner};

/// A statement that looks rows up by a key, and the lists it may be called for.
#[derive(Debug)]
pub struct Child<'a> {
    /// The lookup.
    pub line: &'a Line,
    /// The lists.
    pub candidates: Vec<Candidate<'a>>,
    /// All lookups of the same database and user: they follow the load, but are no measure of it.
    pub lookups: Vec<&'a Line>,
}

/// A list whose rows hold the key.
#[derive(Debug)]
pub struct Candidate<'a> {
    /// The list.
    pub line: &'a Line,
    /// How the two are linked.
    pub link: Link,
}

/// How a list and a lookup are linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The table that is looked up.
    pub table: TableName,
    /// The column it is looked up by.
    pub column: String,
    /// The table of the list.
    pub parent_table: TableName,
    /// The name it goes by in the list.
    pub parent_alias: String,
    /// Its column that holds the key.
    pub parent_column: String,
}

/// A list: a read that shows rows.
struct List<'a> {
    line: &'a Line,
    relations: Vec<Relation>,
}

/// The lookups of one database, with the lists each may belong to.
pub fn children<'a>(series: &'a Series, links: &Links<'_>) -> Vec<Child<'a>> {
    let here = || {
        series
            .lines
            .iter()
            .filter(|line| line.is_top_level && line.database.as_deref() == Some(links.database))
    };
    let lookups: Vec<(&Line, Lookup)> =
        here().filter_map(|line| Some((line, lookup(line)?))).collect();
    let lists: Vec<List<'_>> = here().filter_map(list).collect();
    let children = lookups.iter().map(|(line, lookup)| Child {
        line,
        candidates: lists
            .iter()
            .filter(|list| !std::ptr::eq(list.line, *line) && list.line.user == line.user)
            .filter_map(|list| {
                Some(Candidate { line: list.line, link: link(links, list, lookup)? })
            })
            .collect(),
        lookups: lookups.iter().map(|(line, _)| *line).collect(),
    });
    children.filter(|child| !child.candidates.is_empty()).collect()
}

/// The key a statement looks up by, if it is one column.
fn lookup(line: &Line) -> Option<Lookup> {
    let parsed = Parsed::parse(line.text.as_deref()?).ok()?;
    parsed.lookup().filter(|lookup| lookup.columns.len() == 1)
}

fn list(line: &Line) -> Option<List<'_>> {
    let parsed = Parsed::parse(line.text.as_deref()?).ok()?;
    let is_read = matches!(parsed.classify().class, Class::SimpleRead | Class::Join);
    is_read.then(|| List { line, relations: parsed.relations(&()) })
}

fn link(links: &Links<'_>, list: &List<'_>, lookup: &Lookup) -> Option<Link> {
    let column = lookup.columns.first()?;
    let partners = links.partners(&lookup.table, column);
    list.relations.iter().find_map(|relation| {
        let partner = partners.iter().find(|partner| is_shown(list, relation, partner))?;
        Some(Link {
            table: lookup.table.clone(),
            column: column.clone(),
            parent_table: relation.table.clone(),
            parent_alias: relation.alias.clone(),
            parent_column: partner.column.to_owned(),
        })
    })
}

/// Whether a list shows the key. A name without its table, where there are several, may be of any of them.
fn is_shown(list: &List<'_>, relation: &Relation, partner: &Partner<'_>) -> bool {
    if !relation.table.may_be(partner.schema, partner.table) {
        return false;
    }
    let shows = |relation: &Relation| {
        relation.uses.iter().any(|it| {
            it.role == Role::Shown && it.columns.iter().any(|column| column == partner.column)
        })
    };
    let text = || list.line.text.as_deref().unwrap_or_default().to_lowercase();
    relation.shows_all
        || shows(relation)
        || (list.relations.len() > 1 && text().contains(&partner.column.to_lowercase()))
}
