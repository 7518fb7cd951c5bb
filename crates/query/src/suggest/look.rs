//! A statement with what is known of its tables, as rules look at it.

use pg_query::{
    Node, NodeEnum,
    protobuf::{RangeVar, SelectStmt, a_const},
};

use super::{
    fact::{Facts, Table},
    query::{Query, each},
};
use crate::{
    condition::equality,
    lint::name::{quoted, written},
    rewrite::shape::inner,
    role::Relation,
};

/// A statement, its queries and what is known.
pub(super) struct Look<'a> {
    pub(super) root: &'a NodeEnum,
    pub(super) facts: &'a Facts<'a>,
    pub(super) queries: Vec<Query<'a>>,
    /// The tables, in the order of the text; sources refer to them by their place.
    pub(super) relations: Vec<Relation>,
}

/// A column that was found.
#[derive(Debug, Clone)]
pub(super) struct Found<'a> {
    /// The place of its table among the relations.
    pub(super) relation: usize,
    pub(super) name: String,
    /// What the catalogue tells of it.
    pub(super) column: Option<&'a dbvitals_model::pg::schema::Column>,
}

/// Whether what is done with a table matters.
pub(super) enum Size<'a, 'l> {
    /// It is large, or nothing is known because no server was asked.
    Matters(Option<&'l Table<'a>>),
    /// It is small, or is none of the tables the server told of: a view, a table of the system.
    Trifle,
}

impl<'a> Look<'a> {
    /// The column a node is; `None` for anything else and where its table cannot be told.
    pub(super) fn column(&self, query: &Query<'a>, node: &NodeEnum) -> Option<Found<'a>> {
        let NodeEnum::ColumnRef(column) = node else { return None };
        let (relation, name) = query.scope.find(column, &self.relations, self.facts)?;
        let column = self.table(relation).and_then(|table| table.column(name));
        Some(Found { relation, name: name.to_owned(), column })
    }

    /// The columns of a query's own tables in an expression, subqueries apart; `None` for one whose table cannot be
    /// told.
    pub(super) fn columns(&self, query: &Query<'a>, node: &'a NodeEnum) -> Vec<Option<Found<'a>>> {
        let mut found = Vec::new();
        each(node, &mut |node| {
            if matches!(node, NodeEnum::ColumnRef(_)) {
                found.push(self.column(query, node));
            }
        });
        found
    }

    /// Calls `visit` for all that stands in the conditions of the queries, each by itself.
    pub(super) fn in_conditions(&self, visit: &mut dyn FnMut(&Query<'a>, &'a NodeEnum)) {
        for query in &self.queries {
            for condition in query.conditions() {
                each(condition, &mut |node| visit(query, node));
            }
        }
    }

    pub(super) fn table(&self, relation: usize) -> Option<&Table<'a>> {
        self.facts.table(&self.relations.get(relation)?.table)
    }

    pub(super) fn size(&self, relation: usize) -> Size<'a, '_> {
        match self.table(relation) {
            Some(table) if table.is_large() => Size::Matters(Some(table)),
            None if !self.facts.is_known() => Size::Matters(None),
            _ => Size::Trifle,
        }
    }

    /// The table as it should be written: with its schema where that is known.
    pub(super) fn name(&self, relation: usize) -> String {
        match (self.table(relation), self.relations.get(relation)) {
            (Some(table), _) => {
                format!("{}.{}", quoted(&table.relation.schema), quoted(&table.relation.name))
            }
            (None, Some(relation)) => written(&relation.table),
            (None, None) => String::new(),
        }
    }

    /// The table with what it holds: `app.orders (20,000 rows, 5.2 MB)`.
    pub(super) fn sized(&self, relation: usize) -> String {
        let size = self.table(relation).map(|table| format!(" ({})", table.size()));
        format!("{}{}", self.name(relation), size.unwrap_or_default())
    }

    pub(super) fn alias(&self, relation: usize) -> &str {
        self.relations.get(relation).map_or("", |relation| &relation.alias)
    }

    /// The columns of a table that its query compares with values by `=`.
    pub(super) fn equal_columns(&self, query: &Query<'a>, relation: usize) -> Vec<String> {
        let mut names = Vec::new();
        for part in query.conjuncts() {
            if let NodeEnum::AExpr(e) = part
                && let Some(equal) = equality(e)
                && equal.is_single
                && let Some(found) = self.column(query, equal.column)
                && found.relation == relation
            {
                names.push(found.name);
            }
        }
        names
    }

    /// Whether a query picks at most one row of a table, by a unique key; or, where the keys are not known, by a
    /// column named as keys are.
    pub(super) fn is_pinned(&self, query: &Query<'a>, relation: usize) -> bool {
        let equal = self.equal_columns(query, relation);
        match self.table(relation) {
            Some(table) => {
                table.keys().into_iter().any(|key| key.iter().all(|name| equal.contains(name)))
            }
            None => equal.iter().any(|name| name == "id" || name == "uuid"),
        }
    }

    /// Whether another condition of a query already finds the rows of a table by an index.
    pub(super) fn is_served(&self, query: &Query<'a>, relation: usize) -> bool {
        let equal = self.equal_columns(query, relation);
        let by_index =
            self.table(relation).is_some_and(|table| equal.iter().any(|name| table.leads(name)));
        by_index || self.is_pinned(query, relation)
    }

    /// The `SELECT` the statement is, where it is one that can be written anew as a whole.
    pub(super) fn whole(&self, query: &Query<'a>) -> Option<&'a SelectStmt> {
        let NodeEnum::SelectStmt(root) = self.root else { return None };
        query.select().filter(|select| std::ptr::eq(*select, root.as_ref()))
    }
}

/// The text of a node that is a name.
pub(super) fn name_in(node: &Node) -> Option<&str> {
    match inner(Some(node))? {
        NodeEnum::String(text) => Some(&text.sval),
        _ => None,
    }
}

/// The text of a string constant, bare or with a type.
pub(super) fn literal(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            a_const::Val::Sval(text) => Some(&text.sval),
            _ => None,
        },
        NodeEnum::TypeCast(cast) => literal(inner(cast.arg.as_deref())?),
        _ => None,
    }
}

/// A table as it stands in a text, with its alias.
pub(super) fn as_item(range: &RangeVar) -> String {
    let name = written(&crate::survey::name_of(range));
    match &range.alias {
        Some(alias) => format!("{name} {}", quoted(&alias.aliasname)),
        None => name,
    }
}
