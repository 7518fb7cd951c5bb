//! What is made in the scratch database for a statement: types, functions, tables and views as the source has them.

mod tables;

use std::collections::BTreeSet;

use dbvitals_query::{
    Statement, TableName,
    verify::{self, Definition, Kind, Table, Uses},
};

use super::source::{Function, Relation, Source};
use crate::commands::query::analyze::rewrites::Known;

/// What to make, and what its data are made of.
#[derive(Debug, Default)]
pub(super) struct Copied {
    pub(super) definitions: Vec<Definition>,
    pub(super) tables: Vec<Table>,
    pub(super) kinds: Vec<Kind>,
    /// Constants that conditions ask for, those of the statement first.
    pub(super) constants: Vec<String>,
}

impl Copied {
    /// The error says what cannot be made, and what to do.
    pub(super) fn new(
        source: &Source,
        statement: &Statement,
        known: &Known<'_>,
        major: u32,
    ) -> Result<Self, String> {
        named(source, statement, known)?;
        steady(source, known)?;
        let columns = verify::columns_named(statement).filter(|_| is_plain(source));
        let tables = tables::tables(source, columns.as_ref(), verify::inserts(statement), major)?;
        let mut copied = Self {
            constants: verify::constants(statement),
            kinds: source.kinds.clone(),
            definitions: definitions(source, statement, &tables)?,
            tables: tables.made,
        };
        for text in expressions(source) {
            if let Ok(text) = Statement::parse(&text) {
                copied.constants.extend(verify::constants(&text));
            }
        }
        let mut seen = BTreeSet::new();
        copied.constants.retain(|it| seen.insert(it.clone()));
        Ok(copied)
    }
}

/// Whether the statement alone tells which columns are read.
fn is_plain(source: &Source) -> bool {
    source.relations.iter().all(|it| it.kind != "v")
        && source.functions.iter().all(|it| it.extension.is_some())
}

/// The texts that decide which rows there are and which are found, as statements.
fn expressions(source: &Source) -> Vec<String> {
    let checks = source.constraints.iter().filter_map(|it| it.expression.clone());
    let domains = source.kinds.iter().flat_map(|it| &it.checks).filter_map(|it| condition(it));
    let views = source.relations.iter().filter_map(|it| it.definition.clone());
    let select = |text: String| format!("SELECT {text}");
    let bodies = source.functions.iter().map(|it| it.body.clone());
    checks.chain(domains).map(select).chain(views).chain(bodies).collect()
}

/// The condition of `CHECK ((VALUE > 0))`, which is no word of other statements.
fn condition(check: &str) -> Option<String> {
    let condition = check.strip_prefix("CHECK ")?.trim_end_matches(" NOT VALID");
    Some(condition.replace("VALUE", "value"))
}

/// Whether every table of the statement is known, is the one the rules took it for, and can be filled.
fn named(source: &Source, statement: &Statement, known: &Known<'_>) -> Result<(), String> {
    for name in statement.tables() {
        let found = source
            .named(&name)
            .ok_or_else(|| format!("the catalogue does not tell which table {} is", name.name))?;
        if known.relation_oid(&name).is_some_and(|oid| oid != found.oid) {
            return Err(format!(
                "{} is {}.{}, and the rules took it for another table of that name: write it with its schema",
                name.name, found.schema, found.name
            ));
        }
    }
    match source.relations.iter().find(|it| verify::is_system(&it.schema)) {
        Some(own) => Err(format!(
            "{}.{} is the server's own, and cannot be filled with data: compare both by hand",
            own.schema, own.name
        )),
        None => Ok(()),
    }
}

/// Whether nothing is executed that may do something elsewhere, or yield something else each time.
fn steady(source: &Source, known: &Known<'_>) -> Result<(), String> {
    for function in source.functions.iter().filter(|it| it.extension.is_none()) {
        can_be_made(function)?;
        for query in function.queries().unwrap_or_default() {
            refuse_unsteady(&format!("the function {}", function.signature), &query, known)?;
        }
    }
    for view in source.relations.iter().filter(|it| it.kind == "v") {
        let what = format!("the view {}.{}", view.schema, view.name);
        let text = view.definition.as_deref().unwrap_or_default();
        let query =
            Statement::parse(text).map_err(|why| format!("{what} cannot be read: {why}"))?;
        refuse_unsteady(&what, &query, known)?;
    }
    for check in &source.constraints {
        let Some(expression) = &check.expression else { continue };
        if let Ok(query) = Statement::parse(&format!("SELECT {expression}")) {
            refuse_unsteady(&format!("the constraint {}", check.name), &query, known)?;
        }
    }
    let own = source
        .others
        .iter()
        .find(|it| matches!(it.kind.as_str(), "operator" | "cast") && it.extension.is_none());
    own.map_or(Ok(()), |own| {
        Err(format!(
            "the {} {} is the database's own, and is not made anew: compare both by hand",
            own.kind, own.name
        ))
    })
}

fn can_be_made(function: &Function) -> Result<(), String> {
    let signature = &function.signature;
    let missing = |why: &str| {
        Err(format!(
            "the function {signature} {why}: only steady functions in SQL that do nothing but ask are made anew; \
             compare both by hand"
        ))
    };
    match function.kind.as_str() {
        "f" => {}
        "a" => return missing("is an aggregate of the database's own"),
        _ => return missing("is none that yields a value"),
    }
    if function.volatility == "v" {
        return missing("is volatile");
    }
    if function.language != "sql" {
        return missing(&format!("is written in {}", function.language));
    }
    if function.queries().is_none() {
        return missing("does more than to ask");
    }
    Ok(())
}

fn refuse_unsteady(what: &str, query: &Statement, known: &Known<'_>) -> Result<(), String> {
    match verify::unsteady_call(query, known) {
        Some(name) => Err(format!(
            "{what} calls {name}, which is not known to be steady, so the statement is not executed"
        )),
        None => Ok(()),
    }
}

fn definitions(
    source: &Source,
    statement: &Statement,
    tables: &tables::Tables,
) -> Result<Vec<Definition>, String> {
    let kinds = needed_kinds(source, statement, tables);
    let mut schemas: Vec<&str> = source.relations.iter().map(|it| it.schema.as_str()).collect();
    schemas.extend(kinds.iter().map(|it| it.schema.as_str()));
    schemas.extend(source.functions.iter().map(|it| it.schema.as_str()));
    let others = |kind: &'static str| source.others.iter().filter(move |it| it.kind == kind);
    schemas.extend(others("extension").map(|it| it.schema.as_str()));
    schemas.extend(others("collation").map(|it| it.schema.as_str()));
    let mut all = verify::schemas(&source.path, &schemas);
    all.extend(extensions(source, &kinds, tables));
    for collation in others("collation") {
        let what = format!("the collation {}", collation.name);
        all.push(Definition::needed(what, collation.definition.clone()));
    }
    for kind in &kinds {
        let is_made =
            || tables.made.iter().any(|it| it.schema == kind.schema && it.name == kind.name);
        if kind.is_row && kind.is_own && !is_made() {
            return Err(format!(
                "the type {}{} is that of the rows of a table, which is not made anew: compare both by hand",
                kind.type_name,
                tables.column_of(&kind.type_name)
            ));
        }
        all.extend(kind.definition().map_err(|why| {
            format!("{why}{}: compare both by hand", tables.column_of(&kind.type_name))
        })?);
    }
    for function in source.functions.iter().filter(|it| it.extension.is_none()) {
        let what = format!("the function {}", function.signature);
        all.push(Definition::needed(what, function.definition.clone().unwrap_or_default()));
    }
    all.extend(tables.made.iter().map(Table::definition));
    all.extend(tables.indexes.iter().cloned());
    all.extend(source.relations.iter().filter(|it| it.kind == "v").map(view));
    Ok(all)
}

fn view(view: &Relation) -> Definition {
    let name = format!("{}.{}", verify::quoted(&view.schema), verify::quoted(&view.name));
    let text = view.definition.as_deref().unwrap_or_default();
    Definition::needed(format!("the view {name}"), format!("CREATE VIEW {name} AS {text}"))
}

/// The types of columns that are made, of casts and of functions, with what they consist of.
fn needed_kinds<'s>(
    source: &'s Source,
    statement: &Statement,
    tables: &tables::Tables,
) -> Vec<&'s Kind> {
    let mut names: Vec<&str> = Vec::new();
    for column in tables.made.iter().flat_map(|table| &table.columns) {
        names.push(&column.type_name);
    }
    let mut uses = Uses::of(statement);
    let own = || source.functions.iter().filter(|it| it.extension.is_none());
    for query in own().filter_map(Function::queries).flatten() {
        uses.add(Uses::of(&query));
    }
    let is_named = |kind: &Kind| {
        let is = |it: &TableName| {
            it.name == kind.name && it.schema.as_ref().is_none_or(|s| *s == kind.schema)
        };
        uses.types.iter().any(is) || own().any(|it| it.types.contains(&kind.oid))
    };
    // What views compute may be of any type.
    let has_views = source.relations.iter().any(|it| it.kind == "v");
    let named = source.kinds.iter().filter(|kind| has_views || is_named(kind));
    names.extend(named.map(|kind| kind.type_name.as_str()));
    let needed: BTreeSet<String> =
        names.iter().flat_map(|name| verify::in_order(name, &source.kinds)).collect();
    let is_needed = |kind: &&Kind| {
        needed
            .iter()
            .any(|name| verify::kind(&source.kinds, name).is_some_and(|it| it.oid == kind.oid))
    };
    source.kinds.iter().filter(is_needed).collect()
}

/// Those that have types cannot be done without; those of functions and operators may be of use.
fn extensions(source: &Source, kinds: &[&Kind], tables: &tables::Tables) -> Vec<Definition> {
    let functions = source.functions.iter().filter_map(|it| it.extension.as_deref());
    let operators = source.others.iter().filter_map(|it| it.extension.as_deref());
    let useful: BTreeSet<&str> = functions.chain(operators).collect();
    let mut all = Vec::new();
    for extension in source.others.iter().filter(|it| it.kind == "extension") {
        let name = extension.name.as_str();
        let sql = format!(
            "CREATE EXTENSION IF NOT EXISTS {} SCHEMA {} CASCADE",
            verify::quoted(name),
            verify::quoted(&extension.schema)
        );
        let kind = kinds.iter().find(|kind| kind.extension.as_deref() == Some(name));
        if let Some(kind) = kind {
            let of = tables.column_of(&kind.type_name);
            let what = format!("the extension {name} with the type {}{of}", kind.type_name);
            all.push(Definition::needed(what, sql));
        } else if useful.contains(name) {
            all.push(Definition::useful(format!("the extension {name}"), sql));
        }
    }
    all
}
