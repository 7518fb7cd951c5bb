//! Partitions whose concurrent detach was begun and never finished.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use super::{
    ordinary::{by_oid, not_twice, sql_name},
    partition_set::sets,
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// `pg_inherits.inhdetachpending`.
pub static CHECK: Check = Check {
    id: "pg-partition-detach-pending",
    title: "Partition detach pending",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (14, u32::MAX),
    needs: &["partitions", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A partition for which `DETACH PARTITION … CONCURRENTLY` was begun and interrupted (or is waiting right now).

## Why it matters
The parent does not see its rows any more, new rows of its range are refused, and no other partition of the table can
be detached concurrently.

## How to fix
Finish it with `DETACH PARTITION … FINALIZE`. Drop the CHECK constraint it leaves if the partition is not to be
attached again.

## When to ignore
While the statement is still running.

## References
PostgreSQL documentation: ALTER TABLE, DETACH PARTITION.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (partitions, relations) = (db.partitions()?, db.relations()?);
    not_twice(db)?;
    let mut found = Vec::new();
    for set in sets(partitions, relations) {
        for partition in set.partitions.iter().filter(|partition| partition.detach_pending) {
            let parent = sql_name(set.parent);
            let schema = by_oid(relations, partition.oid)
                .map_or(set.parent.schema.as_str(), |table| table.schema.as_str());
            let part = sql::qualified(schema, &partition.name);
            let fix = Fix::new(
                FixKind::Review,
                [format!("ALTER TABLE {parent} DETACH PARTITION {part} FINALIZE;")],
            )
            .locking(
                "ShareUpdateExclusiveLock",
                format!("other DDL and VACUUM on {parent}, and all use of {part} for a moment"),
            );
            found.push(
                cx.finding(
                    Severity::Warning,
                    set.subject(db),
                    format!(
                        "the detach of partition {} of {} was begun and not finished: its rows are out of sight",
                        partition.name,
                        set.parent.qualified()
                    ),
                    "Finish the detach, unless the statement is still running.",
                )
                .with(Evidence::new(
                    "partition",
                    partition.name.clone(),
                    Unit::Text,
                    "pg_inherits.inhdetachpending",
                ))
                .fixed_by(fix),
            );
        }
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

    fn judge(detach_pending: bool) -> Vec<Finding> {
        let parent = Relation { kind: "p".into(), ..orders() };
        let part = Relation { oid: 2, schema: "old".into(), ..orders() };
        let snapshot = within(vec![parent, part], |db| {
            *edit(&mut db.partitions) = vec![Partition {
                parent_oid: 1,
                oid: 2,
                name: "orders_2024".into(),
                detach_pending,
                ..Partition::default()
            }];
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn a_detach_left_open_can_be_finished() {
        let found = judge(true);
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE app.orders DETACH PARTITION old.orders_2024 FINALIZE;"]
        );
        assert!(judge(false).is_empty());
    }

    #[test]
    fn is_skipped_without_partitions() {
        let blind =
            within(vec![], |db| db.partitions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
