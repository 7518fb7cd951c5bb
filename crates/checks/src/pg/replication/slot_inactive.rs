//! Replication slots without a consumer.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Subject, Unit, pg::replication::Slot};

use super::slot;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Slots nobody is connected to.
pub static CHECK: Check = Check {
    id: "pg-slot-inactive",
    title: "Inactive replication slot",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["slots"],
    uses: &[],
    thresholds: &[&CRITICAL, &GRACE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A permanent slot that nobody uses; from version 17 on only when it has been so for at least
`min_inactive_seconds`. Critical when it retains at least `critical_bytes` of WAL; information when it
holds nothing at all, since it was never used.

## Why it matters
The server keeps WAL, and for logical slots dead rows of its catalogues, until the consumer comes back. If
it never does, the disk fills and the server stops.

## How to fix
Bring the consumer back, or drop the slot. Its consumer then has to be built or synchronised anew.

## When to ignore
Slots of standbys that are down for maintenance and will be back soon. Logical slots that a standby keeps
synchronised for a failover are passed over there.

## References
PostgreSQL documentation: Replication Slots; `pg_replication_slots`.
",
    run: Run::Postgres(run),
};

static CRITICAL: Threshold = Threshold {
    key: "critical_bytes",
    unit: Unit::Bytes,
    default: 21_474_836_480.0,
    strict: None,
    range: (1.0, 1e14),
    why: "20 GB of WAL fill what many servers have left, and nobody has come for them",
};

static GRACE: Threshold = Threshold {
    key: "min_inactive_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (0.0, 1e7),
    why: "a restart of the consumer takes minutes at most",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let slots = pg.slots()?;
    let idle = slots.iter().filter(|slot| {
        let awaits_failover = pg.server().in_recovery && slot.kind == "logical";
        !slot.active && !slot.temporary && !awaits_failover && !slot::is_lost(slot)
    });
    Ok(idle.filter_map(|slot| finding(pg, cx, slot)).collect())
}

fn finding(pg: &PgView<'_>, cx: &Context<'_>, slot: &Slot) -> Option<Finding> {
    let since = pg.seconds_since(slot.inactive_since);
    if since.is_some_and(|seconds| seconds < cx.limit_for(&GRACE, &slot.name)) {
        return None;
    }
    let limit = cx.limit_for(&CRITICAL, &slot.name);
    let retained = slot.retained_bytes.map(|bytes| bytes as f64);
    let holds_rows = slot.xmin_age.or(slot.catalog_xmin_age).is_some();
    let severity = match retained {
        Some(bytes) if bytes >= limit => Severity::Critical,
        None if !holds_rows => Severity::Info,
        _ => Severity::Warning,
    };
    let holds = match retained {
        Some(bytes) => format!("and retains {} of WAL", words::bytes(bytes)),
        None => "and was never used".to_owned(),
    };
    let advice = format!(
        "Bring its consumer back, or drop the slot; its consumer must then be built anew.{}",
        slot::place(slot)
    );
    let found = cx.finding(
        severity,
        Subject::new("slot", &slot.name),
        format!("{} slot {} has no consumer {holds}", slot.kind, slot.name),
        advice,
    );
    let found = match retained {
        Some(bytes) => found.with(
            Evidence::new("WAL retained", bytes, Unit::Bytes, "pg_replication_slots.restart_lsn")
                .against(limit),
        ),
        None => found,
    };
    let found = match since {
        Some(seconds) => found.with(
            Evidence::new("inactive for", seconds, Unit::Seconds, "pg_replication_slots")
                .against(cx.limit_for(&GRACE, &slot.name)),
        ),
        None => found,
    };
    Some(slot::with_facts(found, slot).fixed_by(slot::dropping(slot)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(slot: Slot) -> Snapshot {
        testing::pg(|pg| *edit(&mut pg.slots) = vec![slot])
    }

    fn idle(gigabytes: i64) -> Slot {
        Slot {
            name: "east's".into(),
            kind: "physical".into(),
            retained_bytes: Some(gigabytes << 30),
            wal_status: Some("extended".into()),
            ..Slot::default()
        }
    }

    fn severity(slot: Slot) -> Option<Severity> {
        testing::findings(&CHECK, &with(slot)).first().map(|f| f.severity)
    }

    #[test]
    fn what_it_retains_decides_how_bad_it_is() {
        assert_eq!(severity(idle(0)), Some(Severity::Warning));
        assert_eq!(severity(idle(19)), Some(Severity::Warning));
        assert_eq!(severity(idle(20)), Some(Severity::Critical));
        assert_eq!(severity(Slot { retained_bytes: None, ..idle(0) }), Some(Severity::Info));
    }

    #[test]
    fn slots_in_use_or_not_meant_to_be_are_silent() {
        assert_eq!(severity(Slot { active: true, ..idle(99) }), None);
        assert_eq!(severity(Slot { temporary: true, ..idle(99) }), None);
        assert_eq!(severity(Slot { wal_status: Some("lost".into()), ..idle(99) }), None);
        assert_eq!(severity(Slot { inactive_since: ago(299), ..idle(99) }), None);
        let long = Slot { inactive_since: ago(300), ..idle(99) };
        assert_eq!(severity(long), Some(Severity::Critical));
        let synchronised = testing::pg(|pg| {
            pg.server.in_recovery = true;
            *edit(&mut pg.slots) = vec![Slot { kind: "logical".into(), ..idle(1) }];
        });
        assert!(testing::findings(&CHECK, &synchronised).is_empty());
    }

    #[test]
    fn the_drop_is_quoted_and_not_called_reversible() {
        let found = testing::findings(&CHECK, &with(idle(1)));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["SELECT pg_drop_replication_slot('east''s');"]);
        assert!(!fix.reversible);
    }

    #[test]
    fn is_skipped_without_the_section() {
        let lost = testing::pg(|pg| pg.slots = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
