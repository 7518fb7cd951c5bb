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
/// What has the name of a table and is none, so that a name may mean it.
const OTHERS: &str = "select n.nspname::text as schema, c.relname::text as name from pg_catalog.pg_class as c \
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace \
    where c.relkind in ('v', 'f') and n.nspname <> 'information_schema' and n.nspname <> 'pg_catalog'";
const LIMIT: Duration = Duration::from_secs(5);

/// Rewrites that are planned for comparison; each is a round trip.
const MOST: usize = 12;

/// What a server knows that proofs rest on.
pub(super) struct Known<'a> {
    database: Option<&'a DatabaseSnapshot>,
    volatility: BTreeMap<String, Volatility>,
    late: Vec<i64>,
    folded: Vec<Folded>,
    others: Vec<Other>,
    /// Schemas in which names without one are looked for; empty where that is not known.
    path: Vec<String>,
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
struct Other {
    schema: String,
    name: String,
}

#[derive(Deserialize)]
struct Late {
    oid: i64,
}

impl<'a> Known<'a> {
    /// Asks what was not collected. What cannot be read is not known, and proves nothing.
    pub(super) async fn of(
        snapshot: &'a PgSnapshot,
        session: &mut Session,
        role: Option<&str>,
    ) -> Known<'a> {
        // Another role may have another one.
        let path = match role {
            None => session.search_path().await.unwrap_or_default(),
            Some(_) => Vec::new(),
        };
        let query = |name, sql: &str| Query { name, sql: sql.to_owned(), timeout: LIMIT };
        let asked = [
            query("promises", PROMISES),
            query("late", LATE),
            query("folded", FOLDED),
            query("others", OTHERS),
        ];
        let mut answers = session.batch(&asked).await.into_iter();
        let promises: Option<Vec<Promise>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let late: Option<Vec<Late>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let folded: Option<Vec<Folded>> =
            answers.next().and_then(|answer| answer.result.ok()?.decode().ok());
        let others: Option<Vec<Other>> =
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
            database: snapshot
                .by_database
                .first()
                .filter(|_| late.is_some() && folded.is_some() && others.is_some()),
            volatility: promises.unwrap_or_default().into_iter().map(worst).collect(),
            late: late.unwrap_or_default().into_iter().map(|late| late.oid).collect(),
            folded: folded.unwrap_or_default(),
            others: others.unwrap_or_default(),
            path,
        }
    }

    /// The table of that name: the first on the path; where that does not tell, the only one.
    fn relation(&self, table: &TableName) -> Option<&'a Relation> {
        let relations = self.database?.relations.value()?;
        if table.schema.is_none() {
            for schema in &self.path {
                let is_here = |of: &str, name: &str| of == schema && table.name == name;
                if self.others.iter().any(|it| is_here(&it.schema, &it.name)) {
                    return None;
                }
                let found = relations.iter().find(|it| is_here(&it.schema, &it.name));
                if found.is_some() {
                    return found;
                }
            }
        }
        let mut named = relations.iter().filter(|r| table.may_be(&r.schema, &r.name));
        let only = named.next()?;
        let is_other = self.others.iter().any(|it| table.may_be(&it.schema, &it.name));
        (named.next().is_none() && !is_other).then_some(only)
    }

    /// Which table a name is taken for.
    pub(super) fn relation_oid(&self, table: &TableName) -> Option<i64> {
        self.relation(table).map(|relation| relation.oid)
    }

    /// The tables whose rows are read with those of one, itself among them.
    fn with_children(&self, oid: i64) -> Vec<i64> {
        let relations = self.database.and_then(|database| database.relations.value());
        let mut family = vec![oid];
        let mut read = 0;
        while let Some(parent) = family.get(read).copied() {
            let children = relations.into_iter().flatten();
            let children = children.filter(|it| it.parent_oid == Some(parent));
            let new: Vec<i64> =
                children.map(|it| it.oid).filter(|oid| !family.contains(oid)).collect();
            family.extend(new);
            read += 1;
        }
        family
    }

    fn has_children(&self, relation: &Relation) -> bool {
        let relations = self.database.and_then(|database| database.relations.value());
        relations.into_iter().flatten().any(|other| other.parent_oid == Some(relation.oid))
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
        let relation = self.relation(table)?;
        let oid = relation.oid;
        let database = self.database?;
        // Partitions have the constraints of their table; other children may lack them.
        let family = if relation.kind == "p" { vec![oid] } else { self.with_children(oid) };
        let unproved = |name: &str| family.iter().any(|oid| is_unproved(database, *oid, name));
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

/// Whether a column may hold NULL, or a NOT NULL was added as NOT VALID (18), which holds for new rows only.
fn is_unproved(database: &DatabaseSnapshot, oid: i64, name: &str) -> bool {
    let columns = database.columns.value().into_iter().flatten();
    let of = columns.filter(|it| it.table_oid == oid && !it.is_dropped && it.name == name);
    let constraints = || database.constraints.value().into_iter().flatten();
    let is_waived = |number: i64| {
        constraints().any(|it| {
            it.table_oid == oid
                && it.kind == "n"
                && !it.is_validated
                && it.columns.contains(&number)
        })
    };
    of.into_iter().any(|column| !column.is_not_null || is_waived(column.number))
}

/// The rewrites of a statement with the planner's cost of both for the same values, those that gain most first.
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
    advice.sort_by(RewriteAdvice::before);
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
