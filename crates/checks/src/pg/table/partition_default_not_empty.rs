//! Rows in a default partition.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    descendants::rows_below,
    ordinary::{by_oid, not_twice, rows},
    partition_set::sets,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Default partitions that hold rows.
pub static CHECK: Check = Check {
    id: "pg-partition-default-not-empty",
    title: "Default partition not empty",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["partitions", "relations"],
    uses: &[],
    thresholds: &[&MIN_ROWS],
    fix: None,
    explain: "\
## What it detects
A default partition with at least `min_rows` rows. For tables partitioned by list, where a default often means
the rest on purpose, it is information.

## Why it matters
A new partition for values that are in the default already cannot be attached, and every attach scans the default
under an exclusive lock. Rows there are never dropped with their period.

## How to fix
Create the missing partitions in one transaction: detach the default, create the partition, insert the rows from
the old default, delete them there, attach it again. Find out why the partition was not there in time.

## When to ignore
A list whose rest is meant to be in the default.

## References
PostgreSQL documentation: CREATE TABLE, PARTITION OF … DEFAULT; Partition Maintenance.
",
    run: Run::Database(run),
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_rows",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 1e12),
    why: "one row is enough to refuse the partition it belongs to",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (partitions, relations) = (db.partitions()?, db.relations()?);
    not_twice(db)?;
    let mut found = Vec::new();
    for set in sets(partitions, relations) {
        let Some(default) = set.default() else { continue };
        let known = by_oid(relations, default.oid);
        let count = known
            .map_or(0.0, |table| {
                if table.kind == "p" { rows_below(relations, table.oid) } else { rows(table) }
            })
            .max(default.row_estimate);
        let name = set.parent.qualified();
        if count <= 0.0 || count < cx.limit_for(&MIN_ROWS, &name) {
            continue;
        }
        let severity = if set.strategy() == "RANGE" { Severity::Warning } else { Severity::Info };
        found.push(
            cx.finding(
                severity,
                set.subject(db),
                format!(
                    "the default partition {} of {name} holds {} rows",
                    default.name,
                    words::count(count)
                ),
                "Create the partitions these rows belong to and move them there.",
            )
            .with(
                Evidence::new(
                    "rows in the default",
                    count,
                    Unit::Count,
                    "pg_stat_all_tables, pg_class",
                )
                .against(cx.limit_for(&MIN_ROWS, &name)),
            ),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, Reason, Section,
        pg::relation::{Partition, Relation},
    };

    use super::*;
    use crate::pg::table::sample::{orders, within};
    use crate::testing::{edit, findings, skipped};

    fn judge(strategy: &str, live_rows: i64) -> Vec<Finding> {
        let parent = Relation { kind: "p".into(), ..orders() };
        let rest = Relation { oid: 2, live_rows, row_estimate: -1.0, ..orders() };
        let snapshot = within(vec![parent, rest], |db| {
            let part = Partition {
                parent_oid: 1,
                strategy: strategy.into(),
                oid: 2,
                name: "orders_default".into(),
                row_estimate: -1.0,
                ..Partition::default()
            };
            let default = Partition { is_default: true, ..part.clone() };
            *edit(&mut db.partitions) = vec![default, Partition { oid: 3, ..part }];
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn one_row_is_enough() {
        assert!(judge("RANGE", 0).is_empty());
        let found = judge("RANGE", 1);
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].message.contains("orders_default of app.orders holds 1 rows"));
    }

    #[test]
    fn the_rest_of_a_list_is_information() {
        assert_eq!(judge("LIST", 5)[0].severity, Severity::Info);
    }

    #[test]
    fn is_skipped_without_partitions() {
        let blind =
            within(vec![], |db| db.partitions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
