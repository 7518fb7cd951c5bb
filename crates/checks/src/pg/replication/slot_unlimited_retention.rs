//! Replication slots that may fill the disk.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit, host::Host};

use super::slot;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// `max_slot_wal_keep_size` where there are slots.
pub static CHECK: Check = Check {
    id: "pg-slot-unlimited-retention",
    title: "Slots may retain WAL without bound",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["slots", "settings"],
    uses: &["host"],
    thresholds: &[&BOUND],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
There are replication slots, and `max_slot_wal_keep_size` is -1: they may retain WAL without bound.

## Why it matters
One consumer that goes away and does not come back fills the disk, and the server stops: what was made for
availability takes the service down.

## How to fix
Bound it below what the WAL's disk can spare: half of what is free there where that is known, else
`fallback_bytes`. A consumer that falls further behind loses its slot and must be built anew, while the
server goes on.

## When to ignore
Where every consumer matters more than the server itself, and the disk is watched.

## References
PostgreSQL documentation: Replication, `max_slot_wal_keep_size`.
",
    run: Run::Postgres(run),
};

static BOUND: Threshold = Threshold {
    key: "fallback_bytes",
    unit: Unit::Bytes,
    default: 53_687_091_200.0,
    strict: None,
    range: (1e8, 1e14),
    why: "50 GB let a consumer be away for hours on a busy server; used where the disk's size is unknown",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (slots, settings) = (pg.slots()?, pg.settings()?);
    let host = pg.host();
    let permanent = slots.iter().filter(|slot| !slot.temporary).count();
    if settings.get("max_slot_wal_keep_size").is_none() {
        return Err(Skip::not_applicable("max_slot_wal_keep_size is not known"));
    }
    if permanent == 0 || slot::keep_limit(Some(settings)).is_some() {
        return Ok(Vec::new());
    }
    let free = host.and_then(free_for_wal);
    let bound = free.map_or(cx.limit(&BOUND), |free| free / 2.0);
    let change = [("max_slot_wal_keep_size", setting_change::memory(bound))];
    let worst = slots.iter().filter_map(|slot| slot.retained_bytes).max().unwrap_or(0).max(0);
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("setting", "max_slot_wal_keep_size"),
            format!("{permanent} replication slots may retain WAL until the disk is full"),
            "Bound what slots may retain below what the WAL's disk can spare.",
        )
        .with(
            Evidence::new("max_slot_wal_keep_size", "-1", Unit::Text, "pg_settings")
                .against(words::bytes(bound)),
        )
        .with(Evidence::new("slots", permanent as f64, Unit::Count, "pg_replication_slots"))
        .with(Evidence::new("most retained now", worst, Unit::Bytes, "pg_replication_slots"))
        .fixed_by(setting_change::change(settings, FixKind::Review, &change))
        .promising("a consumer that stays away can no longer stop the server");
    Ok(vec![match free {
        Some(free) => found.with(Evidence::new("free for WAL", free, Unit::Bytes, "statvfs")),
        None => found,
    }])
}

/// Free bytes where the WAL lies.
fn free_for_wal(host: &Host) -> Option<f64> {
    let filesystems = host.filesystems.value()?;
    let of = |purpose: &str| filesystems.iter().find(|filesystem| filesystem.purpose == purpose);
    let bytes = of("wal").or_else(|| of("data"))?.available_bytes;
    (bytes > 0).then_some(bytes as f64)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::Filesystem, pg::replication::Slot};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(bound: &str, slots: usize) -> Snapshot {
        testing::host(|host, pg| {
            set(pg, "max_slot_wal_keep_size", bound, Some("MB"));
            *edit(&mut pg.slots) = vec![Slot::default(); slots];
            *edit(&mut host.filesystems) = vec![Filesystem {
                purpose: "data".into(),
                available_bytes: 40 << 30,
                ..Filesystem::default()
            }];
        })
    }

    #[test]
    fn only_slots_without_a_bound_are_reported() {
        assert_eq!(testing::findings(&CHECK, &with("-1", 1)).len(), 1);
        assert!(testing::findings(&CHECK, &with("1024", 1)).is_empty());
        assert!(testing::findings(&CHECK, &with("0", 1)).is_empty());
        assert!(testing::findings(&CHECK, &with("-1", 0)).is_empty());
    }

    #[test]
    fn the_bound_is_half_of_what_is_free() {
        let fix = testing::findings(&CHECK, &with("-1", 1))[0].fix.clone().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET max_slot_wal_keep_size = '20GB';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET max_slot_wal_keep_size = '-1';");
    }

    #[test]
    fn is_skipped_without_what_it_reads() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.slots = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
