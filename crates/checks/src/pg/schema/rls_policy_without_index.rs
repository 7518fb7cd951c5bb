//! Policies no index serves.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use super::policy;
use crate::pg::table::ordinary::{by_oid, is_users, not_twice, rows, sql_name};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};
use dbvitals_model::pg::{
    DatabaseSnapshot, index::Index, relation::Relation, row_security::TriedIndex, security::Policy,
};
use dbvitals_query::policy_text;

/// Policies of large tables whose columns lead no index.
pub static CHECK: Check = Check {
    id: "pg-rls-policy-without-index",
    title: "Policy without index",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["policies", "relations", "indexes"],
    uses: &["policy_costs"],
    thresholds: &[&ROWS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A policy decides by columns of its table (`USING`), none of which is the first of an index, on a table
of at least `min_rows` rows with row-level security.

## Why it matters
The policy is added to every statement: without an index each one reads all rows to find those its user
may see.

## How to fix
Create an index that begins with the column the policy compares by equality. Where it compares none with a value
(`team IN (SELECT …)`, an OR over several columns) no index serves it in that form: `team = ANY (ARRAY(SELECT …))` can
use one. Where `hypopg` is installed, `dbvitals query rls` tries the index out and says whether the role's plan uses it.

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
    let (policies, relations, indexes) = (db.policies()?, db.relations()?, db.indexes()?);
    not_twice(db)?;
    let tried = db.policy_costs().map_or(&[][..], |costs| costs.tried.as_slice());
    let found = unserved(policies, relations, indexes).filter_map(|(policy, table)| {
        let limit = cx.limit_for(&ROWS, &table.qualified());
        (rows(table) >= limit).then(|| finding(db, cx, policy, table, limit, tried))
    });
    Ok(found.collect())
}

/// Policies that decide by columns none of which leads an index, with their tables.
fn unserved<'a>(
    policies: &'a [Policy],
    relations: &'a [Relation],
    indexes: &'a [Index],
) -> impl Iterator<Item = (&'a Policy, &'a Relation)> {
    policies.iter().filter(|p| !p.columns.is_empty() && p.command != "INSERT").filter_map(
        move |policy| {
            let table =
                by_oid(relations, policy.table_oid).filter(|t| t.row_security && is_users(t))?;
            let leads = |index: &Index| {
                index.table_oid == table.oid
                    && index.is_valid
                    // A partial index serves only statements that repeat its predicate.
                    && index.predicate.is_none()
                    && index.key_columns.first().is_some_and(|first| policy.columns.contains(first))
            };
            (!indexes.iter().any(leads)).then_some((policy, table))
        },
    )
}

/// An index that could serve a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The table's oid.
    pub table_oid: i64,
    /// Its columns.
    pub columns: Vec<String>,
    /// `CREATE INDEX ON …`, to be tried out.
    pub create: String,
}

/// Indexes that are worth trying out, each once, tables of any size.
pub fn candidates(db: &DatabaseSnapshot) -> Vec<Candidate> {
    let (Some(policies), Some(relations), Some(indexes)) =
        (db.policies.value(), db.relations.value(), db.indexes.value())
    else {
        return Vec::new();
    };
    let mut all: Vec<Candidate> = Vec::new();
    for (policy, table) in unserved(policies, relations, indexes) {
        let Some(column) = column_of(policy, table) else { continue };
        let create = format!("CREATE INDEX ON {} ({})", sql_name(table), sql::ident(&column));
        let one = Candidate { table_oid: table.oid, columns: vec![column], create };
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// The column an index should begin with: one that must be equal to a value, else one with a bound. Where the condition cannot be read, the first
/// it uses; none where it compares no column with a value.
fn column_of(policy: &Policy, table: &Relation) -> Option<String> {
    let read = policy.using_expression.as_deref().map(|using| policy_text(using, &table.name));
    match read {
        Some(Ok(text)) => {
            let mut compared = text.equal_columns.into_iter().chain(text.range_columns);
            compared.find(|column| policy.column_names.contains(column))
        }
        Some(Err(_)) | None => policy.column_names.first().cloned(),
    }
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    policy: &Policy,
    table: &Relation,
    limit: f64,
    tried: &[TriedIndex],
) -> Finding {
    let name = table.qualified();
    let columns = policy.column_names.join(", ");
    let column = column_of(policy, table);
    let subject = Subject::within("policy", db.name(), format!("{name}.{}", policy.name));
    let mut found = cx
        .finding(
            Severity::Warning,
            subject.of_table(&name),
            format!(
                "policy {} of {name} decides by {columns}, which leads no index: every statement reads {} rows",
                policy.name, words::count(rows(table))
            ),
            if column.is_some() {
                "Create an index that begins with the column the policy compares."
            } else {
                "Compare a column with a value that is asked once, column = ANY (ARRAY(SELECT …)), and index that column."
            },
        )
        .with(Evidence::new("rows of the table", rows(table), Unit::Count, "pg_class.reltuples").against(limit))
        .with(Evidence::new("columns of the policy", columns, Unit::Text, "pg_depend"));
    if let Some(text) = &policy.using_expression {
        let text = words::shorten(text, 200);
        found = found.with(Evidence::new("policy", text, Unit::Text, "pg_policy"));
    }
    // An index on a partitioned table cannot be built concurrently.
    let Some(column) = column.filter(|_| table.kind == "r") else { return found };
    let on = sql_name(table);
    let create = format!("CREATE INDEX CONCURRENTLY ON {on} ({});", sql::ident(&column));
    let fix = Fix::new(FixKind::Review, [create]).locking(
        "ShareUpdateExclusiveLock",
        format!("VACUUM and DDL on {on}, not reads or writes"),
    );
    let same = |t: &&TriedIndex| t.table_oid == table.oid && t.columns == [column.as_str()];
    let all: Vec<&TriedIndex> = tried.iter().filter(same).collect();
    match (all.iter().find(|t| t.is_used), all.first()) {
        (Some(t), _) => found.fixed_by(fix).promising(format!(
            "tried with hypopg: a read by {} uses it, and its cost falls from {} to {}",
            t.role,
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

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Policy, &mut Relation, &mut Index)) -> Vec<Finding> {
        let mut policy = Policy {
            table_oid: 1,
            name: "own".into(),
            command: "ALL".into(),
            columns: vec![3],
            column_names: vec!["Tenant".into()],
            ..Policy::default()
        };
        let mut table = Relation { row_security: true, row_estimate: 10_000.0, ..table() };
        let mut index =
            Index { table_oid: 1, is_valid: true, key_columns: vec![1, 3], ..Index::default() };
        change(&mut policy, &mut table, &mut index);
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy];
                *edit(&mut db.relations) = vec![table];
                *edit(&mut db.indexes) = vec![index];
            }),
        )
    }

    #[test]
    fn fires_and_offers_the_index() {
        let one = found(|_, _, _| {}).remove(0);
        assert_eq!(
            one.fix.unwrap().statements,
            ["CREATE INDEX CONCURRENTLY ON public.\"Orders\" (\"Tenant\");"]
        );
        assert!(found(|_, table, _| table.kind = "p".into())[0].fix.is_none());
    }

    #[test]
    fn the_column_is_the_one_that_is_compared_with_a_value() {
        let with = |using: &str| {
            found(|policy, _, _| {
                policy.column_names = vec!["gone".into(), "Tenant".into()];
                policy.using_expression = Some(using.into());
            })
            .remove(0)
        };
        let fix = with("((NOT gone) AND (\"Tenant\" = f()))").fix.unwrap();
        assert!(fix.statements[0].ends_with("(\"Tenant\");"), "{fix:?}");
        let none = with("(\"Tenant\" IN ( SELECT m.t FROM m))");
        assert!(none.fix.is_none() && none.recommendation.contains("ANY (ARRAY("));
    }

    #[test]
    fn an_index_that_was_tried_is_told_with_its_cost_or_not_offered() {
        let tried = |is_used| {
            let tried = TriedIndex {
                table_oid: 1,
                columns: vec!["Tenant".into()],
                role: "web".into(),
                cost_before: 14_000.0,
                cost_after: 8.3,
                is_used,
            };
            let snapshot = testing::database(|db| {
                edit(&mut db.policy_costs).tried = vec![tried];
                *edit(&mut db.policies) = vec![Policy {
                    table_oid: 1,
                    columns: vec![3],
                    column_names: vec!["Tenant".into()],
                    ..Policy::default()
                }];
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: 1e4, ..table() }];
            });
            testing::findings(&CHECK, &snapshot).remove(0)
        };
        let impact = tried(true).impact.unwrap();
        assert!(
            impact.contains("a read by web uses it, and its cost falls from 14,000 to 8"),
            "{impact}"
        );
        assert!(tried(false).fix.is_none());
    }

    #[test]
    fn small_served_and_idle_policies_are_silent() {
        assert!(found(|_, table, _| table.row_estimate = 9_999.0).is_empty());
        assert!(found(|_, _, index| index.key_columns = vec![3]).is_empty());
        assert!(found(|_, table, _| table.row_security = false).is_empty());
        assert_eq!(
            found(|_, _, index| {
                index.key_columns = vec![3];
                index.predicate = Some("(deleted_at IS NULL)".into());
            })
            .len(),
            1,
            "a partial index serves few statements"
        );
        assert!(found(|policy, _, _| policy.columns.clear()).is_empty());
        assert!(found(|policy, _, _| policy.command = "INSERT".into()).is_empty());
    }

    #[test]
    fn is_skipped_without_policies() {
        testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
    }
}
