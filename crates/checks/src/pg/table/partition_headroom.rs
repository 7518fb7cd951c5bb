//! Tables partitioned by time whose next partition does not exist yet.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit, pg::relation::Relation};

use super::{
    descendants::leaves,
    ordinary::{not_twice, sql_name},
    partition_bound::{End, Range},
    partition_set::{Set, sets},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// Time between now and the end of the last partition, in intervals.
pub static CHECK: Check = Check {
    id: "pg-partition-headroom",
    title: "Partition headroom",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["partitions", "relations"],
    uses: &[],
    thresholds: &[&AHEAD, &CLOSED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table partitioned by ranges of time that is written to, with fewer than `ahead_count` whole partitions after the
current one; critical where the partition for now is missing and no default partition takes its rows. A table whose
last partition ended more than `closed_days` and three intervals ago is taken as closed.

## Why it matters
When the clock passes the last bound, every insert fails, or piles up in the default partition, from which it must be
moved by hand.

## How to fix
Create the next partitions now, and let a job create them well ahead.

## When to ignore
Archives that take no new rows.

## References
PostgreSQL documentation: Table Partitioning, Partition Maintenance.
",
    run: Run::Database(run),
};

static AHEAD: Threshold = Threshold {
    key: "ahead_count",
    unit: Unit::Count,
    default: 1.0,
    strict: Some(2.0),
    range: (0.0, 1000.0),
    why: "the next interval at least must be there before it begins",
};

static CLOSED: Threshold = Threshold {
    key: "closed_days",
    unit: Unit::Days,
    default: 30.0,
    strict: None,
    range: (0.0, 36_500.0),
    why: "inserts that failed for a month would have been noticed: nothing comes any more",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (partitions, relations) = (db.partitions()?, db.relations()?);
    not_twice(db)?;
    let now = db.server().now().as_duration().as_secs_f64();
    let mut found = Vec::new();
    for set in sets(partitions, relations) {
        let Some(ranges) = set.ranges() else { continue };
        let Some((last, _)) = ranges.iter().max_by(|(a, _), (b, _)| order(a.to, b.to)) else {
            continue;
        };
        let (Some(end), Some(length)) = (last.to.seconds(), last.seconds().filter(|s| *s > 0.0))
        else {
            continue;
        };
        let name = set.parent.qualified();
        let closed = (3.0 * length).max(cx.limit_for(&CLOSED, &name) * 86_400.0);
        if now - end > closed || !is_written(&set, relations) {
            continue;
        }
        let holds_now = ranges
            .iter()
            .any(|(range, _)| range.from <= End::Moment(now) && End::Moment(now) < range.to);
        // Partitions that begin later than now: those wholly in the future.
        let ahead = ranges.iter().filter(|(range, _)| range.from > End::Moment(now)).count() as f64;
        let missing = !holds_now && ranges.iter().any(|(range, _)| range.to <= End::Moment(now));
        let severity = if missing {
            if set.default().is_some() { Severity::Warning } else { Severity::Critical }
        } else if ahead < cx.limit_for(&AHEAD, &name) {
            Severity::Warning
        } else {
            continue;
        };
        let nested =
            ranges.iter().any(|(_, p)| partitions.iter().any(|below| below.parent_oid == p.oid));
        found.push(
            finding(db, cx, &set, severity, if missing { (end - now).min(0.0) } else { end - now })
                .with(
                    Evidence::new("partitions ahead", ahead, Unit::Count, "pg_class.relpartbound")
                        .against(cx.limit_for(&AHEAD, &name)),
                )
                .with(Evidence::new(
                    "last bound",
                    last.text.1.clone(),
                    Unit::Text,
                    "pg_class.relpartbound",
                ))
                .with(Evidence::new(
                    "length of the last",
                    length,
                    Unit::Seconds,
                    "pg_class.relpartbound",
                )),
        );
        if let (false, Some(fix), Some(finding)) = (nested, created(&set, last), found.last_mut()) {
            finding.fix = Some(fix);
        }
    }
    Ok(found)
}

fn order(a: End, b: End) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
}

/// Rows came since statistics began.
fn is_written(set: &Set<'_>, relations: &[Relation]) -> bool {
    leaves(relations, set.parent.oid).iter().any(|leaf| leaf.inserts > 0)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    set: &Set<'_>,
    severity: Severity,
    left: f64,
) -> Finding {
    let name = set.parent.qualified();
    let message = if left > 0.0 {
        let rest = words::seconds(left);
        format!("the last partition of {name} ends in {rest} and the next does not exist")
    } else if severity == Severity::Critical {
        format!("{name} has no partition for now: inserts fail")
    } else {
        format!("{name} has no partition for now: rows go to the default")
    };
    cx.finding(
        severity,
        set.subject(db),
        message,
        "Create the next partitions, and let a job create them well ahead.",
    )
    .with(Evidence::new(
        "time left",
        left,
        Unit::Seconds,
        "last bound less the server's clock",
    ))
}

/// The next partition, built aside and attached, which spares the parent the exclusive lock.
fn created(set: &Set<'_>, last: &Range) -> Option<Fix> {
    let (from, to) = last.next()?;
    let digits: String = from.chars().filter(char::is_ascii_digit).collect();
    let stamp = digits.trim_end_matches('0').len().max(8).min(digits.len());
    let kept: String = set.parent.name.chars().take(40).collect();
    let parent = sql_name(set.parent);
    let part = sql::qualified(&set.parent.schema, &format!("{kept}_p{}", &digits[..stamp]));
    let statements = [
        format!("CREATE TABLE {part} (LIKE {parent} INCLUDING ALL EXCLUDING IDENTITY);"),
        format!(
            "ALTER TABLE {parent} ATTACH PARTITION {part} FOR VALUES FROM ({}) TO ({});",
            sql::literal(&from),
            sql::literal(&to)
        ),
    ];
    let default = if set.default().is_some() {
        ", and all use of the default partition while it is scanned"
    } else {
        ""
    };
    let fix = Fix::new(FixKind::Review, statements)
        .locking("ShareUpdateExclusiveLock", format!("other DDL and VACUUM on {parent}{default}"))
        .undone_by([
            format!("ALTER TABLE {parent} DETACH PARTITION {part};"),
            format!("DROP TABLE {part};"),
        ]);
    Some(fix)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, pg::relation::Partition};

    use super::*;
    use crate::pg::table::sample::{orders, within};
    use crate::testing::{edit, findings, skipped};

    /// Now is 2026-01-01 00:00 UTC.
    fn judge(bounds: &[(&str, &str)], default: bool, inserts: i64) -> Vec<Finding> {
        let parent = Relation { name: "events".into(), kind: "p".into(), ..orders() };
        let part = |oid| Partition {
            parent_oid: 1,
            strategy: "RANGE".into(),
            oid,
            ..Partition::default()
        };
        let leaf =
            Relation { oid: 2, parent_oid: Some(1), is_partition: true, inserts, ..orders() };
        let snapshot = within(vec![parent, leaf], |db| {
            let mut partitions: Vec<_> = bounds
                .iter()
                .zip(2..)
                .map(|((from, to), oid)| Partition {
                    bound: format!("FOR VALUES FROM ('{from}') TO ('{to}')"),
                    ..part(oid)
                })
                .collect();
            if default {
                let bound = "DEFAULT".to_owned();
                partitions.push(Partition { bound, is_default: true, ..part(99) });
            }
            *edit(&mut db.partitions) = partitions;
        });
        findings(&CHECK, &snapshot)
    }

    const DECEMBER: (&str, &str) = ("2025-12-01", "2026-01-01");
    const JANUARY: (&str, &str) = ("2026-01-01", "2026-02-01");
    const FEBRUARY: (&str, &str) = ("2026-02-01", "2026-03-01");

    #[test]
    fn the_next_interval_must_exist() {
        assert!(judge(&[DECEMBER, JANUARY, FEBRUARY], false, 1).is_empty());
        let found = judge(&[DECEMBER, JANUARY], false, 1);
        assert_eq!(found[0].severity, Severity::Warning);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            [
                "CREATE TABLE app.events_p20260201 (LIKE app.events INCLUDING ALL EXCLUDING IDENTITY);",
                "ALTER TABLE app.events ATTACH PARTITION app.events_p20260201 \
                 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');",
            ]
        );
    }

    #[test]
    fn a_missing_current_partition_is_critical_unless_a_default_takes_the_rows() {
        let found = judge(&[DECEMBER], false, 1);
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(found[0].message.contains("inserts fail"));
        assert_eq!(judge(&[DECEMBER], true, 1)[0].severity, Severity::Warning);
    }

    #[test]
    fn a_hole_at_the_present_is_no_headroom() {
        let found = judge(
            &[("2025-11-01", "2025-12-01"), FEBRUARY, ("2026-03-01", "2026-04-01")],
            false,
            1,
        );
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(
            judge(&[FEBRUARY, ("2026-03-01", "2026-04-01")], false, 1).is_empty(),
            "not begun yet"
        );
    }

    #[test]
    fn archives_and_tables_without_an_end_are_silent() {
        assert!(judge(&[DECEMBER], false, 0).is_empty(), "nothing is ever inserted");
        assert!(judge(&[("2019-12-01", "2020-01-01")], false, 1).is_empty(), "closed");
        assert!(judge(&[("2019-12-01", "infinity")], false, 1).is_empty());
        assert!(judge(&[("1", "1000")], false, 1).is_empty(), "numbers have no clock");
    }

    #[test]
    fn a_table_closes_after_a_month_and_three_intervals() {
        let daily = |from, to| judge(&[(from, to)], false, 1).len();
        assert_eq!(daily("2025-12-01", "2025-12-02"), 1, "30 days");
        assert_eq!(daily("2025-11-30", "2025-12-01"), 0, "31 days");
        assert_eq!(daily("2025-09-01", "2025-10-01"), 0, "92 days after a partition of 30");
        assert_eq!(daily("2025-08-30", "2025-10-01"), 1, "92 days after a partition of 32");
    }

    #[test]
    fn is_skipped_without_partitions() {
        let blind =
            within(vec![], |db| db.partitions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
