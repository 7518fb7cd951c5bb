//! Partitioned tables with so many partitions that planning suffers.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{descendants::leaves, ordinary::not_twice, partition_set::sets};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Number of partitions below one table, over all levels.
pub static CHECK: Check = Check {
    id: "pg-too-many-partitions",
    title: "Too many partitions",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["partitions", "relations"],
    uses: &[],
    thresholds: &[&MOST],
    fix: None,
    explain: "\
## What it detects
A partitioned table with more than `max_partitions` partitions, those of partitions included.

## Why it matters
A statement without a condition on the key, or with one that is only known at run time, is planned over every
partition: a hundred milliseconds and more at a few thousand, with a lock and memory for each. `pg_dump` and DDL need
as many entries in the lock table.

## How to fix
Choose longer intervals for the old partitions (merge days into months), or drop what retention no longer asks for.

## When to ignore
Where every statement names one partition by a constant.

## References
PostgreSQL documentation: Best Practices for Declarative Partitioning.
",
    run: Run::Database(run),
};

static MOST: Threshold = Threshold {
    key: "max_partitions",
    unit: Unit::Count,
    default: 1000.0,
    strict: Some(500.0),
    range: (1.0, 1e6),
    why: "planning over 3,650 partitions took 155 to 191 ms where it was measured; it grows with their number",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (partitions, relations) = (db.partitions()?, db.relations()?);
    not_twice(db)?;
    let mut found = Vec::new();
    for set in sets(partitions, relations).iter().filter(|set| !set.parent.is_partition) {
        let name = set.parent.qualified();
        let count = leaves(relations, set.parent.oid).len().max(set.partitions.len()) as f64;
        if count <= cx.limit_for(&MOST, &name) {
            continue;
        }
        let empty = set.partitions.iter().filter(|partition| partition.pages == 0).count() as f64;
        found.push(
            cx.finding(
                Severity::Warning,
                set.subject(db),
                format!("{name} has {} partitions", words::count(count)),
                "Merge old partitions into longer intervals, or drop what retention no longer needs.",
            )
            .with(
                Evidence::new("partitions", count, Unit::Count, "pg_inherits")
                    .against(cx.limit_for(&MOST, &name)),
            )
            .with(Evidence::new("without pages", empty, Unit::Count, "pg_class.relpages"))
            .promising("statements are planned faster and take fewer locks"),
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

    fn judge(count: i64, is_partition: bool) -> Vec<Finding> {
        let parent = Relation { kind: "p".into(), is_partition, ..orders() };
        let snapshot = within(vec![parent], |db| {
            *edit(&mut db.partitions) = (2..count + 2)
                .map(|oid| Partition { parent_oid: 1, oid, ..Partition::default() })
                .collect();
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn the_number_has_two_sides() {
        assert!(judge(1000, false).is_empty());
        assert_eq!(judge(1001, false)[0].severity, Severity::Warning);
        assert!(judge(1001, true).is_empty(), "told at its root");
    }

    #[test]
    fn is_skipped_without_partitions() {
        let blind =
            within(vec![], |db| db.partitions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
