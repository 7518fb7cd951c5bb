//! Replication slots that hold back much WAL.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{growth::Growth, instance::Settings, replication::Slot},
};
use jiff::Timestamp;

use super::slot;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta::{self, Eta},
    pg::wal_disk,
    skip::Judged,
    view::PgView,
    words,
};

/// WAL that a slot keeps from being removed, and how much more it may keep.
pub static CHECK: Check = Check {
    id: "pg-slot-retaining-wal",
    title: "Slot retains WAL",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["slots"],
    uses: &["settings", "growth", "host"],
    thresholds: &[&WARNING, &CRITICAL, &SAFE, &SOON, &eta::MIN_SECONDS],
    fix: None,
    explain: "\
## What it detects
A slot that retains at least `warning_bytes` (or `critical_bytes`) of WAL; or, where
`max_slot_wal_keep_size` bounds it, one that has less than `min_safe_ratio` of that bound left before the
server gives it up. Where it was watched for `min_observed_seconds`, also one that reaches that bound, or fills the
disk under the data, within `warning_days`.

## Why it matters
Unbounded, it fills the disk. Bounded, the slot is lost, and its consumer must be built anew.

## How to fix
Find why the consumer is slow or stuck: a standby behind (`pg-replica-lag-bytes`), a subscriber that fails
or waits for one huge transaction, a connector that never confirms since its tables are quiet.

## When to ignore
While a consumer catches up after maintenance.

## References
PostgreSQL documentation: Replication Slots; `max_slot_wal_keep_size`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_bytes",
    unit: Unit::Bytes,
    default: 5_368_709_120.0,
    strict: None,
    range: (1.0, 1e14),
    why: "five times the default max_wal_size: no consumer that works is so far behind",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_bytes",
    unit: Unit::Bytes,
    default: 21_474_836_480.0,
    strict: None,
    range: (1.0, 1e14),
    why: "20 GB of WAL fill what many servers have left",
};

static SAFE: Threshold = Threshold {
    key: "min_safe_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "the last tenth is gone with the next burst, and the consumer's copy with it",
};

static SOON: Threshold = Threshold {
    key: "warning_days",
    unit: Unit::Days,
    default: 7.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a consumer that falls further behind for days does not catch up by itself",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (slots, settings) = (pg.slots()?, pg.settings().ok());
    let (growth, free) = (pg.growth().ok(), wal_disk::free_bytes(pg));
    let kept = slots.iter().filter(|slot| !slot::is_lost(slot) && !slot.temporary);
    let now = pg.now();
    let judge = |slot| finding(cx, settings, slot, date(cx, growth, slot, free), now);
    Ok(kept.filter_map(judge).collect())
}

/// When the slot is given up, or the disk is full.
fn date(cx: &Context<'_>, growth: Option<&Growth>, slot: &Slot, free: Option<f64>) -> Option<Eta> {
    let growth = growth?;
    let grown = growth.of_slot(&slot.name)? as f64;
    let left = slot.safe_wal_bytes.map(|safe| safe.max(0) as f64).or(free)?;
    wal_disk::date(cx, left, grown, growth.seconds)
}

fn finding(
    cx: &Context<'_>,
    settings: Option<&Settings>,
    slot: &Slot,
    date: Option<Eta>,
    now: Timestamp,
) -> Option<Finding> {
    let retained = slot.retained_bytes? as f64;
    let bound = slot::keep_limit(settings).filter(|bound| *bound > 0.0);
    let left = slot.safe_wal_bytes.zip(bound).map(|(safe, bound)| safe.max(0) as f64 / bound);
    let nearly_lost = left.is_some_and(|left| left < cx.limit_for(&SAFE, &slot.name));
    let by_size = cx.above(retained, &WARNING, &CRITICAL, &slot.name);
    let soon = date.filter(|date| date.latest_days <= cx.limit_for(&SOON, &slot.name));
    let by_size = by_size.or(soon.map(|_| Severity::Warning));
    let severity = if nearly_lost { Some(Severity::Critical) } else { by_size }?;
    let threshold = if by_size == Some(Severity::Critical) { &CRITICAL } else { &WARNING };
    let use_of = if slot.active { "in use" } else { "without a consumer" };
    let end = match soon {
        _ if nearly_lost => "; it is about to be given up".to_owned(),
        Some(date) if slot.safe_wal_bytes.is_some() => {
            format!("; at this pace it is given up {}", date.when())
        }
        Some(date) => format!("; at this pace the disk is full {}", date.when()),
        None => String::new(),
    };
    let found = cx
        .finding(
            severity,
            Subject::new("slot", &slot.name),
            format!(
                "{} slot {} ({use_of}) retains {} of WAL{end}",
                slot.kind,
                slot.name,
                words::bytes(retained)
            ),
            "Find why its consumer is slow or stuck. If nobody needs it any more, drop the slot.",
        )
        .with(
            Evidence::new("WAL retained", retained, Unit::Bytes, "pg_replication_slots")
                .against(cx.limit_for(threshold, &slot.name)),
        );
    let found = match date {
        Some(date) => date.told(found, Unit::Bytes, now, "pg_replication_slots twice"),
        None => found,
    };
    let found = match left {
        Some(left) => found.with(
            Evidence::new(
                "left of max_slot_wal_keep_size",
                left,
                Unit::Ratio,
                "pg_replication_slots.safe_wal_size",
            )
            .against(cx.limit_for(&SAFE, &slot.name)),
        ),
        None => found,
    };
    Some(slot::with_facts(found, slot))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::growth::SizeGrowth};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(bytes: i64, safe: Option<i64>, bound: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_slot_wal_keep_size", bound, Some("MB"));
            *edit(&mut pg.slots) = vec![Slot {
                name: "cdc".into(),
                kind: "logical".into(),
                active: true,
                retained_bytes: Some(bytes),
                safe_wal_bytes: safe,
                ..Slot::default()
            }];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn sizes_have_two_sides() {
        let of = |bytes| severity(&with(bytes, None, "-1"));
        assert_eq!(of((5 << 30) - 1), None);
        assert_eq!(of(5 << 30), Some(Severity::Warning));
        assert_eq!(of((20 << 30) - 1), Some(Severity::Warning));
        assert_eq!(of(20 << 30), Some(Severity::Critical));
    }

    #[test]
    fn a_slot_about_to_be_given_up_is_critical() {
        let of = |safe| severity(&with(1, Some(safe), "1000"));
        assert_eq!(of(100 << 20), None);
        assert_eq!(of((100 << 20) - 1), Some(Severity::Critical));
        assert_eq!(of(-5), Some(Severity::Critical));
    }

    /// A slot that holds 1 GB, and so much more than so many days ago.
    fn falling_behind(safe_gb: Option<i64>, grown_gb: i64, days: f64) -> Option<String> {
        let mut snapshot = with(1 << 30, safe_gb.map(|gb| gb << 30), "102400");
        if let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            let growth = edit(&mut pg.growth);
            growth.seconds = days * 86_400.0;
            growth.slots = vec![SizeGrowth { name: "cdc".into(), bytes: grown_gb << 30 }];
        }
        testing::findings(&CHECK, &snapshot).first().map(|found| found.message.clone())
    }

    #[test]
    fn a_slot_that_falls_further_behind_has_a_date() {
        let told = falling_behind(Some(90), 50, 2.0).unwrap();
        assert!(told.ends_with("at this pace it is given up in 2.3 to 6 days"), "{told}");
        assert_eq!(falling_behind(Some(90), 4, 2.0), None, "45 days");
        assert_eq!(falling_behind(Some(90), -4, 2.0), None, "it catches up");
        assert_eq!(falling_behind(Some(90), 4, 0.04), None, "less than an hour");
        assert_eq!(falling_behind(None, 40, 2.0), None, "no bound, and the disk is not known");
    }

    #[test]
    fn what_is_lost_retains_nothing() {
        let mut snapshot = with(30 << 30, None, "-1");
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        edit(&mut pg.slots)[0].wal_status = Some("lost".into());
        assert_eq!(severity(&snapshot), None);
    }

    #[test]
    fn is_skipped_without_the_section() {
        let lost = testing::pg(|pg| pg.slots = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
