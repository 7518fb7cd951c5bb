//! Other ways to write a statement, with what the planner makes of them.

use std::{collections::BTreeMap, time::Duration};

use dbvitals_model::{
    pg::{DatabaseSnapshot, PgSnapshot, index::Index, relation::Relation},
    statement::RewriteAdvice,
};
use dbvitals_postgres::{
    Query, Session,
    explain::{Execution, Explaining, Under},
};
use dbvitals_query::{
    Statement, TableName, plan,
    rewrite::{Catalogue, Column, Guarantee, Rewrite, Volatility, rewrites},
    script,
    verify::{Enum, Table, TableColumn},
};
use serde::Deserialize;

/// What only these rules want to know: by name, the least a function promises, unique indexes that are checked late,
/// and columns in which different texts may be equal.
const PROMISES: &str = "select p.proname::text as name, \
    pg_catalog.bool_or(p.provolatile = 'v') as is_volatile, pg_catalog.bool_or(p.provolatile = 's') as is_stable \
    from pg_catalog.pg_proc as p where p.prokind = 'f' group by p.proname";
const LATE: &str =
    "select i.indexrelid::int8 as oid from pg_catalog.pg_index as i where not i.indimmediate";
const FOLDED: &str = "select a.attrelid::int8 as oid, a.attname::text as name from pg_catalog.pg_attribute as a \
    join pg_catalog.pg_collation as c on c.oid = a.attcollation \
    where a.attnum > 0 and not a.attisdropped and not c.collisdeterministic";
/// Labels of types, for making them anew.
const LABELS: &str = "select n.nspname::text as schema, \
    pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) as type_name, \
    e.enumlabel::text as text from pg_catalog.pg_enum as e \
    join pg_catalog.pg_type as t on t.oid = e.enumtypid \
    join pg_catalog.pg_namespace as n on n.oid = t.typnamespace order by e.enumtypid, e.enumsortorder";
const LIMIT: Duration = Duration::from_secs(5);

/// Rewrites that are planned for comparison; each is a round trip.
const MOST: usize = 12;

/// What a server knows that proofs rest on.
pub(super) struct Known<'a> {
    database: Option<&'a DatabaseSnapshot>,
    volatility: BTreeMap<String, Volatility>,
    late: Vec<i64>,
    folded: Vec<Folded>,
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Promise {
    name: String,
    is_volatile: bool,
    is_stable: bool,
}

#[derive(Deserialize)]
struct Folded {
    oid: i64,
    name: String,
}

#[derive(Deserialize)]
struct Label {
    schema: String,
    type_name: String,
    text: String,
}

#[derive(Deserialize)]
struct Late {
    oid: i64,
}

impl<'a> Known<'a> {
    /// Asks what was not collected. What cannot be read is not known, and proves nothing.
    pub(super) async fn of(snapshot: &'a PgSnapshot, session: &mut Session) -> Known<'a> {
        let query = |name, sql: &str| Query { name, sql: sql.to_owned(), timeout: LIMIT };
        let asked = [
            query("promises", PROMISES),
            query("late", LATE),
            query("folded", FOLDED),
            query("labels", LABELS),
        ];
        let mut answers = session.batch(&asked).await.into_iter();
        let promises: Option<Vec<Promise>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let late: Option<Vec<Late>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let folded: Option<Vec<Folded>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let labels: Option<Vec<Label>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let worst = |promise: Promise| {
            let volatility = match (promise.is_volatile, promise.is_stable) {
                (true, _) => Volatility::Volatile,
                (false, true) => Volatility::Stable,
                (false, false) => Volatility::Immutable,
            };
            (promise.name, volatility)
        };
        Known {
            // Without these lists neither a key nor an equality is sure.
            database: snapshot.by_database.first().filter(|_| late.is_some() && folded.is_some()),
            volatility: promises.unwrap_or_default().into_iter().map(worst).collect(),
            late: late.unwrap_or_default().into_iter().map(|late| late.oid).collect(),
            folded: folded.unwrap_or_default(),
            labels: labels.unwrap_or_default(),
        }
    }

    /// The one table of that name; none where there are several, or where it has children.
    fn relation(&self, table: &TableName) -> Option<&'a Relation> {
        let relations = self.database?.relations.value()?;
        let mut named = relations.iter().filter(|r| table.may_be(&r.schema, &r.name));
        let only = named.next()?;
        named.next().is_none().then_some(only)
    }

    fn has_children(&self, relation: &Relation) -> bool {
        let relations = self.database.and_then(|database| database.relations.value());
        relations.into_iter().flatten().any(|other| other.parent_oid == Some(relation.oid))
    }

    /// The table as it is made anew for comparing results; the error says why that cannot be.
    pub(super) fn table(&self, name: &TableName) -> Result<Table, String> {
        let missing = || format!("the catalogue does not tell which table {} is", name.name);
        let relation = self.relation(name).ok_or_else(missing)?;
        let known = self.columns(name).ok_or_else(missing)?;
        let all = self.database.and_then(|database| database.columns.value());
        let type_of = |name: &str| {
            let of = all.into_iter().flatten().find(|column| {
                column.table_oid == relation.oid && !column.is_dropped && column.name == name
            });
            of.map(|column| column.type_name.clone())
        };
        let columns = known.into_iter().map(|column| TableColumn {
            type_name: type_of(&column.name).unwrap_or_default(),
            name: column.name,
            is_not_null: column.is_not_null,
        });
        Ok(Table {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            columns: columns.collect(),
            keys: self.unique_keys(name),
        })
    }

    /// The types of labels that columns of tables have.
    pub(super) fn enums(&self, tables: &[Table]) -> Vec<Enum> {
        let columns = || tables.iter().flat_map(|table| &table.columns);
        let mut enums: Vec<Enum> = Vec::new();
        for label in &self.labels {
            if !columns().any(|column| column.type_name == label.type_name) {
                continue;
            }
            match enums.iter_mut().find(|known| known.type_name == label.type_name) {
                Some(known) => known.labels.push(label.text.clone()),
                None => enums.push(Enum {
                    schema: label.schema.clone(),
                    type_name: label.type_name.clone(),
                    labels: vec![label.text.clone()],
                }),
            }
        }
        enums
    }

    fn is_folded(&self, oid: i64, name: &str) -> bool {
        self.folded.iter().any(|column| column.oid == oid && column.name == name)
    }

    fn is_key(&self, index: &Index) -> bool {
        index.is_unique
            && index.is_valid
            && index.is_ready
            && index.is_live
            && index.predicate.is_none()
            && index.expressions.is_none()
            && !self.late.contains(&index.oid)
    }
}

impl Catalogue for Known<'_> {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        let oid = self.relation(table)?.oid;
        let database = self.database?;
        let unproved = |name: &str| {
            let constraints = database.constraints.value().into_iter().flatten();
            // A NOT NULL that was added as NOT VALID (18) holds for new rows only.
            constraints.filter(|c| c.table_oid == oid && c.kind == "n" && !c.is_validated).any(
                |c| {
                    let columns = database.columns.value().into_iter().flatten();
                    columns
                        .filter(|column| column.table_oid == oid && column.name == name)
                        .any(|column| c.columns.contains(&column.number))
                },
            )
        };
        let columns = database.columns.value()?.iter();
        let own: Vec<Column> = columns
            .filter(|column| column.table_oid == oid && !column.is_dropped)
            .map(|column| Column {
                name: column.name.clone(),
                type_name: if self.is_folded(oid, &column.name) {
                    format!("{} of a collation that is not deterministic", column.type_name)
                } else {
                    column.type_name.clone()
                },
                is_not_null: column.is_not_null && !unproved(&column.name),
            })
            .collect();
        (!own.is_empty()).then_some(own)
    }

    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>> {
        let Some(relation) = self.relation(table).filter(|relation| !self.has_children(relation))
        else {
            return Vec::new();
        };
        let indexes = self.database.and_then(|database| database.indexes.value());
        indexes
            .into_iter()
            .flatten()
            .filter(|index| index.table_oid == relation.oid && self.is_key(index))
            .map(|index| index.key_names.clone())
            .collect()
    }

    fn volatility(&self, function: &str) -> Option<Volatility> {
        self.volatility.get(function).copied()
    }
}

/// The rewrites of a statement, the proved ones first, with the planner's cost of both for the same values.
pub(super) async fn advice(
    session: &mut Session,
    statement: &Statement,
    known: &Known<'_>,
    role: Option<&str>,
    cost_before: Option<f64>,
) -> Vec<RewriteAdvice> {
    let mut found = rewrites(statement, known);
    found.sort_by_key(|rewrite| !matches!(rewrite.guarantee, Guarantee::Equivalent { .. }));
    let mut advice = Vec::with_capacity(found.len());
    for (place, rewrite) in found.into_iter().enumerate() {
        let cost_after = match &rewrite.text {
            Some(text) if place < MOST && cost_before.is_some() => cost(session, text, role).await,
            _ => None,
        };
        advice.push(told(rewrite, cost_before.filter(|_| cost_after.is_some()), cost_after));
    }
    advice
}

/// The rewrites that follow from the text alone, the proved ones first.
pub(super) fn by_text(statement: &Statement) -> Vec<RewriteAdvice> {
    let mut found = rewrites(statement, &());
    found.sort_by_key(|rewrite| !matches!(rewrite.guarantee, Guarantee::Equivalent { .. }));
    found.into_iter().map(|rewrite| told(rewrite, None, None)).collect()
}

/// The planner's cost of a text without knowledge of its parameters; `None` where the server refuses it.
pub(super) async fn cost(session: &mut Session, text: &str, role: Option<&str>) -> Option<f64> {
    let explained = session
        .explain(&Explaining {
            text,
            parameters: script::parameters(text),
            values: None,
            role,
            under: Under::default(),
            execution: Execution::No,
            timeout: LIMIT,
        })
        .await
        .ok()?;
    let planned = explained.generic?.ok()?;
    plan::read(&planned).ok()?.first()?.cost()
}

fn told(rewrite: Rewrite, cost_before: Option<f64>, cost_after: Option<f64>) -> RewriteAdvice {
    let (is_equivalent, because) = match rewrite.guarantee {
        Guarantee::Equivalent { because } => (true, because),
        Guarantee::Suggestion { changes } => (false, changes),
    };
    RewriteAdvice {
        rule: rewrite.rule.to_owned(),
        what: rewrite.what.to_owned(),
        why: rewrite.why.to_owned(),
        text: rewrite.text,
        is_equivalent,
        because,
        needs: rewrite.needs,
        cost_before,
        cost_after,
        verification: None,
    }
}
