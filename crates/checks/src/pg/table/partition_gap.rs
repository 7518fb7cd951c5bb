//! Values between partitions that no partition takes.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    ordinary::not_twice,
    partition_bound::modulus,
    partition_set::{Set, sets},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Holes between neighbouring ranges, and remainders nobody has.
pub static CHECK: Check = Check {
    id: "pg-partition-gap",
    title: "Gap between partitions",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["partitions", "relations"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A table partitioned by a range of one column (numbers, dates, times) with a hole between two neighbouring
partitions, or by hash with remainders that no partition has. With a default partition, which takes those rows, it
is information.

## Why it matters
An insert into the hole fails with `no partition of relation found for row`. Time zones make such holes: bounds
written in a session with another `TimeZone` are off by hours.

## How to fix
Create the missing partition. Write bounds of `timestamptz` with their offset.

## When to ignore
Ranges dropped on purpose whose values never come back.

## References
PostgreSQL documentation: Table Partitioning, Declarative Partitioning.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (partitions, relations) = (db.partitions()?, db.relations()?);
    not_twice(db)?;
    let mut found = Vec::new();
    for set in sets(partitions, relations) {
        let holes = match set.strategy() {
            "RANGE" => holes(&set),
            "HASH" => remainders(&set),
            _ => Vec::new(),
        };
        let Some(first) = holes.first() else { continue };
        let name = set.parent.qualified();
        let caught = set.default().is_some();
        let severity = if caught { Severity::Info } else { Severity::Warning };
        let end = if caught { "go to the default partition" } else { "are refused" };
        found.push(
            cx.finding(
                severity,
                set.subject(db),
                format!("rows of {name} {first} fit no partition and {end}"),
                "Create the missing partition, with offsets in the bounds of timestamptz columns.",
            )
            .with(Evidence::new("gaps", holes.len() as f64, Unit::Count, "pg_class.relpartbound"))
            .with(Evidence::new(
                "first gaps",
                holes.iter().take(5).cloned().collect::<Vec<_>>().join("; "),
                Unit::Text,
                "pg_class.relpartbound",
            )),
        );
    }
    Ok(found)
}

fn holes(set: &Set<'_>) -> Vec<String> {
    let Some(ranges) = set.ranges() else { return Vec::new() };
    ranges
        .windows(2)
        .filter_map(|pair| match pair {
            [(before, _), (after, _)] if after.from > before.to => {
                Some(format!("from {} to {}", before.text.1, after.text.0))
            }
            _ => None,
        })
        .collect()
}

/// Remainders of the largest modulus that no partition takes.
fn remainders(set: &Set<'_>) -> Vec<String> {
    let live = set.partitions.iter().filter(|partition| !partition.detach_pending);
    let Some(taken) = live.map(|p| modulus(&p.bound)).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    let largest = taken.iter().map(|(modulus, _)| *modulus).max().unwrap_or(0);
    (0..largest)
        .filter(|rest| !taken.iter().any(|(modulus, remainder)| rest % modulus == *remainder))
        .map(|rest| format!("with remainder {rest} of {largest}"))
        .collect()
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

    fn judge(strategy: &str, bounds: &[&str]) -> Vec<Finding> {
        let parent = Relation { kind: "p".into(), ..orders() };
        let snapshot = within(vec![parent], |db| {
            *edit(&mut db.partitions) = bounds
                .iter()
                .zip(2..)
                .map(|(bound, oid)| Partition {
                    parent_oid: 1,
                    strategy: strategy.into(),
                    oid,
                    bound: (*bound).into(),
                    is_default: *bound == "DEFAULT",
                    ..Partition::default()
                })
                .collect();
        });
        findings(&CHECK, &snapshot)
    }

    const JANUARY: &str =
        "FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-02-01 00:00:00+00')";
    const FEBRUARY: &str =
        "FOR VALUES FROM ('2025-02-01 00:00:00+00') TO ('2025-03-01 00:00:00+00')";
    const SHIFTED: &str =
        "FOR VALUES FROM ('2025-02-01 00:00:00-01') TO ('2025-03-01 00:00:00-01')";

    #[test]
    fn an_hour_lost_to_a_time_zone_is_found() {
        let found = judge("RANGE", &[SHIFTED, JANUARY]);
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].message.contains(
            "from 2025-02-01 00:00:00+00 to 2025-02-01 00:00:00-01 fit no partition and are refused"
        ));
        assert!(judge("RANGE", &[FEBRUARY, JANUARY]).is_empty());
    }

    #[test]
    fn a_default_partition_takes_what_falls_through() {
        let found = judge("RANGE", &[SHIFTED, JANUARY, "DEFAULT"]);
        assert_eq!(found[0].severity, Severity::Info);
    }

    #[test]
    fn a_missing_remainder_is_a_gap() {
        let of = |modulus, rest| format!("FOR VALUES WITH (modulus {modulus}, remainder {rest})");
        let (half, quarter, last) = (of(2, 0), of(4, 1), of(4, 3));
        assert!(judge("HASH", &[&half, &quarter, &last]).is_empty());
        assert!(judge("HASH", &[&half, &quarter])[0].message.contains("with remainder 3 of 4"));
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        assert!(judge("RANGE", &[JANUARY, "", SHIFTED]).is_empty());
        assert!(judge("LIST", &["FOR VALUES IN ('a')"]).is_empty());
    }

    #[test]
    fn is_skipped_without_partitions() {
        let blind =
            within(vec![], |db| db.partitions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
