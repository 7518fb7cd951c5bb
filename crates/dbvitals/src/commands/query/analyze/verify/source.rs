//! What a statement needs to be executed elsewhere, as the server it comes from describes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use dbvitals_postgres::{Error, Query, Session};
use dbvitals_query::{
    Statement, TableName,
    verify::{self, Kind, Uses},
};
use serde::{Deserialize, de::DeserializeOwned};

const RELATIONS: &str = include_str!("source/relations.sql");
const COLUMNS: &str = include_str!("source/columns.sql");
const CONSTRAINTS: &str = include_str!("source/constraints.sql");
const INDEXES: &str = include_str!("source/indexes.sql");
const FUNCTIONS: &str = include_str!("source/functions.sql");
const TYPES: &str = include_str!("source/types.sql");
const REST: &str = include_str!("source/rest.sql");

/// Time for one question.
const LIMIT: Duration = Duration::from_secs(5);

/// Functions that call functions are followed so far.
const DEEPEST: usize = 6;

/// A table or view.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Relation {
    pub(super) oid: i64,
    pub(super) schema: String,
    pub(super) name: String,
    /// `r` table, `p` partitioned table, `v` view, `m` materialised view, `f` foreign table.
    pub(super) kind: String,
    /// As the statement calls it, where it does.
    pub(super) asked_schema: Option<String>,
    pub(super) asked_name: Option<String>,
    pub(super) has_parts: bool,
    /// Tables whose rows its rows are among.
    pub(super) parents: Vec<i64>,
    /// Of a view.
    pub(super) definition: Option<String>,
}

/// A column of a table.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Column {
    pub(super) table_oid: i64,
    pub(super) name: String,
    pub(super) type_oid: i64,
    pub(super) type_name: String,
    pub(super) is_not_null: bool,
    /// `s` stored, `v` virtual.
    pub(super) generated: String,
    /// `a` always, `d` by default.
    pub(super) identity: String,
    /// Its default, or what it is generated from.
    pub(super) value: Option<String>,
    pub(super) collation: Option<String>,
}

/// A key, a check or a foreign key that holds for all rows at all times.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Constraint {
    pub(super) table_oid: i64,
    pub(super) name: String,
    /// `c` check, `f` foreign key, `p` primary key, `u` unique.
    pub(super) kind: String,
    pub(super) definition: String,
    pub(super) expression: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) referenced_oid: Option<i64>,
    pub(super) referenced: Vec<String>,
    /// `WITHOUT OVERLAPS`, `PERIOD`.
    pub(super) is_period: bool,
}

/// A unique index no constraint made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Index {
    pub(super) table_oid: i64,
    pub(super) definition: String,
    /// Of columns, and of all rows.
    pub(super) is_plain: bool,
    pub(super) columns: Vec<String>,
}

/// A function, an aggregate or the like.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Function {
    pub(super) oid: i64,
    pub(super) schema: String,
    /// With the types of its arguments.
    pub(super) signature: String,
    /// `f` function, `a` aggregate, `w` window function, `p` procedure.
    pub(super) kind: String,
    pub(super) language: String,
    /// `i` immutable, `s` stable, `v` volatile.
    pub(super) volatility: String,
    /// Of one in SQL.
    pub(super) definition: Option<String>,
    pub(super) body: String,
    pub(super) extension: Option<String>,
    pub(super) types: Vec<i64>,
}

/// Something else: an extension, an operator or a cast of the database's own, a collation.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Other {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) schema: String,
    pub(super) definition: String,
    pub(super) extension: Option<String>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) path: Vec<String>,
    pub(super) relations: Vec<Relation>,
    pub(super) columns: Vec<Column>,
    pub(super) constraints: Vec<Constraint>,
    pub(super) indexes: Vec<Index>,
    pub(super) functions: Vec<Function>,
    pub(super) kinds: Vec<Kind>,
    pub(super) others: Vec<Other>,
}

impl Source {
    /// Asks for everything a statement needs. The error says what could not be read.
    pub(super) async fn of(session: &mut Session, statement: &Statement) -> Result<Self, String> {
        let failed = |error: String| format!("what the statement needs could not be read: {error}");
        let path = session.search_path().await.map_err(|error| failed(error.to_string()))?;
        let mut asker = Asker { session, values: BTreeMap::new() };
        asker.values.insert("path", texts(path.iter().map(String::as_str)));
        let mut source = Self { path, ..Self::default() };
        let mut uses = Uses::of(statement);
        let mut read: BTreeSet<i64> = BTreeSet::new();
        for _ in 0..DEEPEST {
            source.fill(&mut asker, &uses).await.map_err(failed)?;
            let before = uses.clone();
            for function in source.functions.iter().filter(|it| read.insert(it.oid)) {
                for query in function.queries().into_iter().flatten() {
                    uses.add(Uses::of(&query));
                }
            }
            for view in source.relations.iter().filter_map(|it| it.definition.as_deref()) {
                if let Ok(query) = Statement::parse(view) {
                    uses.operators.extend(Uses::of(&query).operators);
                }
            }
            if uses == before {
                break;
            }
        }
        Ok(source)
    }

    async fn fill(&mut self, asker: &mut Asker<'_>, uses: &Uses) -> Result<(), String> {
        asker.names(&uses.tables);
        self.relations = asker.ask("copied_relations", RELATIONS).await?;
        let tables = self.relations.iter().filter(|it| !verify::is_system(&it.schema));
        asker.oids("oids", tables.map(|it| it.oid));
        self.columns = asker.ask("copied_columns", COLUMNS).await?;
        self.constraints = asker.ask("copied_constraints", CONSTRAINTS).await?;
        self.indexes = asker.ask("copied_indexes", INDEXES).await?;
        let columns: Vec<i64> = self.columns.iter().map(|it| it.type_oid).collect();
        self.kinds_of(asker, uses, columns.iter().copied()).await?;
        asker.names(&uses.functions);
        asker.oids("types", self.kinds.iter().map(|it| it.oid));
        let tables = self.relations.iter().filter(|it| !verify::is_system(&it.schema));
        asker.oids("oids", tables.map(|it| it.oid));
        self.functions = asker.ask("copied_functions", FUNCTIONS).await?;
        let operators = uses.operators.iter().map(String::as_str);
        asker.values.insert("operators", texts(operators));
        self.others = asker.ask("copied_rest", REST).await?;
        let own = self.functions.iter().filter(|it| it.extension.is_none());
        let types: Vec<i64> =
            columns.into_iter().chain(own.flat_map(|it| it.types.clone())).collect();
        self.kinds_of(asker, uses, types.into_iter()).await
    }

    async fn kinds_of(
        &mut self,
        asker: &mut Asker<'_>,
        uses: &Uses,
        oids: impl Iterator<Item = i64>,
    ) -> Result<(), String> {
        asker.names(&uses.types);
        asker.oids("oids", oids);
        self.kinds = asker.ask("copied_types", TYPES).await?;
        Ok(())
    }

    /// The relation a statement means by a name.
    pub(super) fn named(&self, name: &TableName) -> Option<&Relation> {
        self.relations.iter().find(|it| {
            it.asked_name.as_ref() == Some(&name.name) && it.asked_schema == name.schema
                || (it.name == name.name && name.schema.as_ref() == Some(&it.schema))
                || (it.name == name.name && name.schema.is_none() && it.asked_name.is_some())
        })
    }
}

impl Function {
    /// The queries it consists of, if it is one in SQL that only asks.
    pub(super) fn queries(&self) -> Option<Vec<Statement>> {
        verify::queries(self.definition.as_deref()?, &self.body)
    }
}

/// Puts values into questions and asks them.
struct Asker<'s> {
    session: &'s mut Session,
    values: BTreeMap<&'static str, String>,
}

impl Asker<'_> {
    fn names(&mut self, names: &BTreeSet<TableName>) {
        let schemas = names.iter().map(|it| it.schema.as_deref().unwrap_or_default());
        self.values.insert("schemas", texts(schemas));
        self.values.insert("names", texts(names.iter().map(|it| it.name.as_str())));
    }

    fn oids(&mut self, name: &'static str, oids: impl Iterator<Item = i64>) {
        let unique: BTreeSet<i64> = oids.collect();
        let oids: Vec<String> = unique.iter().map(i64::to_string).collect();
        self.values.insert(name, format!("'{{{}}}'", oids.join(",")));
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
        text: &str,
    ) -> Result<Vec<T>, String> {
        let sql = filled(text, &self.values);
        let query = Query { name, sql, timeout: LIMIT };
        match self.session.batch(&[query]).await.pop() {
            Some(answer) => {
                let table = answer.result.map_err(|error: Error| error.to_string())?;
                table.decode().map_err(|error| format!("{name}: {error}"))
            }
            None => Ok(Vec::new()),
        }
    }
}

/// The text with each `{name}` replaced by its value; values are not looked into.
fn filled(text: &str, values: &BTreeMap<&'static str, String>) -> String {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        whole.push_str(before);
        let value = after.split_once('}').and_then(|(name, end)| Some((values.get(name)?, end)));
        if let Some((value, end)) = value {
            whole.push_str(value);
            rest = end;
        } else {
            whole.push('{');
            rest = after;
        }
    }
    whole + rest
}

/// An array of texts.
fn texts<'t>(all: impl Iterator<Item = &'t str>) -> String {
    let all: Vec<String> = all.map(verify::text).collect();
    format!("array[{}]", all.join(", "))
}
