//! Policies no index serves.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use super::{
    policy,
    served::{self, Catalogue, Lack},
};
use crate::pg::table::{
    descendants::rows_of,
    ordinary::{by_oid, is_users, not_twice, sql_name},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};
use dbvitals_model::pg::{
    DatabaseSnapshot, relation::Relation, row_security::TriedIndex, security::Policy,
};
use dbvitals_query::{Names, NewIndex, Tree, given_away};

/// Policies of large tables whose columns lead no index.
pub static CHECK: Check = Check {
    id: "pg-rls-policy-without-index",
    title: "Policy without index",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "relations", "indexes"],
    uses: &["columns", "policy_costs"],
    thresholds: &[&ROWS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A policy decides by columns of its table (`USING`), on a table of at least `min_rows` rows with row-level security, and
no index begins with a column that it compares with a value. Of an OR every arm needs one, or no index serves it.
A column whose text is compared (`tenant::text = current_setting(…)`) is not served by an index on the column.

## Why it matters
The policy is added to every statement: without an index each one reads all rows to find those its user
may see.

## How to fix
Create an index that begins with the column the policy compares by equality; of an OR, one for each arm: the planner joins
them (BitmapOr). Where it compares none with a value (`team IN (SELECT …)`, an OR with an arm such as `shared`) no index
serves it in that form: `team = ANY (ARRAY(SELECT …))` can use one, and an arm for some roles only is better a policy
`TO` them. Cast the value, not the column: `tenant = current_setting(…)::uuid`. Where `hypopg` is installed, `dbvitals query rls` tries the index out and says whether the role's plan uses it.

## When to ignore
Policies that admit nearly all rows.

## References
PostgreSQL documentation: Row Security Policies.
",
    run: Run::Database(run),
};

static ROWS: Threshold =
    policy::min_rows("a table below ten thousand rows is read whole in a few milliseconds");

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let catalogue = Catalogue {
        policies: db.policies()?,
        relations: db.relations()?,
        indexes: db.indexes()?,
        columns: db.columns().map_or(&[], Vec::as_slice),
    };
    not_twice(db)?;
    let tried = db.policy_costs().map_or(&[][..], |costs| costs.tried.as_slice());
    let limit = |table: &Relation| cx.limit_for(&ROWS, &table.qualified());
    let rows = |table: &Relation| rows_of(catalogue.relations, table);
    let large = unserved(catalogue).filter(|(_, table, _)| rows(table) >= limit(table));
    let mut taken = None;
    let found = large.map(|(policy, table, lack)| {
        let taken =
            taken.get_or_insert_with(|| given_away(catalogue.relations.iter(), catalogue.indexes));
        let fix = fix(catalogue, table, &lack.columns, taken);
        finding(db, cx, (policy, table, &lack), (rows(table), limit(table)), fix, tried)
    });
    Ok(found.collect())
}

/// Policies that no index serves, with their tables and what would serve them.
fn unserved(db: Catalogue<'_>) -> impl Iterator<Item = (&Policy, &Relation, Lack)> {
    db.policies.iter().filter(|p| !p.columns.is_empty() && p.command != "INSERT").filter_map(
        move |policy| {
            let table =
                by_oid(db.relations, policy.table_oid).filter(|t| t.row_security && is_users(t))?;
            Some((policy, table, served::lack(db, policy, table)?))
        },
    )
}

/// Indexes that could serve a policy together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The table's oid.
    pub table_oid: i64,
    /// Their columns, an index of each.
    pub columns: Vec<String>,
    /// `CREATE INDEX ON …` of each, to be tried out.
    pub create: Vec<String>,
}

/// Indexes that are worth trying out, each set once, tables of any size.
pub fn candidates(db: &DatabaseSnapshot) -> Vec<Candidate> {
    let Some(db) = Catalogue::of(db) else { return Vec::new() };
    let mut all: Vec<Candidate> = Vec::new();
    for (_, table, lack) in unserved(db) {
        let create = |column: &String| {
            format!("CREATE INDEX ON {} ({})", sql_name(table), sql::ident(column))
        };
        let create = lack.columns.iter().map(create).collect();
        let one = Candidate { table_oid: table.oid, columns: lack.columns, create };
        if !one.columns.is_empty() && !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    (policy, table, lack): (&Policy, &Relation, &Lack),
    (rows, limit): (f64, f64),
    fix: Option<Fix>,
    tried: &[TriedIndex],
) -> Finding {
    let name = table.qualified();
    let columns = policy.column_names.join(", ");
    let subject = Subject::within("policy", db.name(), format!("{name}.{}", policy.name));
    let mut found = cx
        .finding(
            Severity::Warning,
            subject.of_table(&name),
            format!(
                "policy {} of {name} decides by {columns}{}: every {} reads {} rows",
                policy.name,
                lack.what(),
                if matches!(policy.command.as_str(), "UPDATE" | "DELETE") {
                    &policy.command
                } else {
                    "statement"
                },
                words::count(rows)
            ),
            lack.advice(),
        )
        .with(
            Evidence::new("rows of the table", rows, Unit::Count, "pg_class.reltuples")
                .against(limit),
        )
        .with(Evidence::new("columns of the policy", columns, Unit::Text, "pg_depend"));
    if let Some(text) = &policy.using_expression {
        let text = words::shorten(text, 200);
        found = found.with(Evidence::new("policy", text, Unit::Text, "pg_policy"));
    }
    let Some(fix) = fix else { return found };
    let same = |t: &&TriedIndex| t.table_oid == table.oid && t.columns == lack.columns;
    let all: Vec<&TriedIndex> = tried.iter().filter(same).collect();
    match (all.iter().find(|t| t.is_used), all.first()) {
        (Some(t), _) => found.fixed_by(fix).promising(format!(
            "tried with hypopg: a read by {} uses {}, and its cost falls from {} to {}",
            t.role,
            if t.columns.len() > 1 { "them" } else { "it" },
            words::count(t.cost_before),
            words::count(t.cost_after)
        )),
        (None, Some(t)) => {
            let told = format!("not used by the plan of {}", t.role);
            found.with(Evidence::new("index tried with hypopg", told, Unit::Text, "EXPLAIN"))
        }
        (None, None) => found
            .fixed_by(fix)
            .promising("statements read the rows their user may see, not all of them"),
    }
}

/// An index of each column; `None` of none.
fn fix(db: Catalogue<'_>, table: &Relation, columns: &[String], taken: &mut Names) -> Option<Fix> {
    let tree = Tree::of(table, &db.relations.iter().collect::<Vec<_>>());
    let each = columns.iter().map(|column| {
        let named = std::slice::from_ref(column);
        NewIndex { tree: &tree, method: "", keys: &sql::ident(column), named }
            .fix(FixKind::Review, taken)
    });
    each.reduce(|mut all, one| {
        all.statements.extend(one.statements);
        all.undo.extend(one.undo);
        all
    })
}

#[cfg(test)]
mod tests;
