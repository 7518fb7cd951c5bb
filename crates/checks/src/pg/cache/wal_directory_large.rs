//! A WAL directory far beyond what it should hold.

use dbvitals_model::{
    Evidence, Severity, Subject, Unit,
    pg::{counters::WalDirectory, replication::Slot},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Size of `pg_wal` against `max_wal_size`.
pub static CHECK: Check = Check {
    id: "pg-wal-directory-large",
    title: "WAL directory large",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["wal_directory", "settings"],
    uses: &["slots"],
    thresholds: &[&FACTOR],
    fix: None,
    explain: "\
## What it detects
The WAL directory holds more than `max_size_factor` times `max_wal_size` (and more than that plus
`wal_keep_size`), with whatever holds it back: a slot, the archiver, or neither.

## Why it matters
The server stops when the disk under its WAL is full.

## How to fix
Bring the consumer of the slot back or drop the slot; mend the archiver. Where neither holds anything,
checkpoints cannot keep up with what is written: raise `max_wal_size` to what the load needs, and look
at the disk.

## When to ignore
During a bulk load: the files go after the next checkpoints.

## References
PostgreSQL documentation: WAL Configuration.
",
    run: Run::Postgres(run),
};

static FACTOR: Threshold = Threshold {
    key: "max_size_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "max_wal_size is a soft limit that a busy hour overruns; twice of it needs a cause",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (directory, settings) = (pg.wal_directory()?, pg.settings()?);
    let slots = pg.slots().ok();
    let Some(max) = settings.bytes("max_wal_size").filter(|max| *max > 0) else {
        return Err(Skip::not_applicable("max_wal_size is not known"));
    };
    let keep = settings.bytes("wal_keep_size").unwrap_or(0).max(0) as f64;
    let limit = (max as f64 * cx.limit(&FACTOR)).max(max as f64 + keep);
    let size = directory.size_bytes as f64;
    if size <= limit {
        return Ok(Vec::new());
    }
    let segment = settings.bytes("wal_segment_size").unwrap_or(16 << 20) as f64;
    let holder = holder(directory, slots.map_or(&[][..], Vec::as_slice), size - limit, segment);
    let (cause, advice) = match &holder {
        Holder::Slot(slot) => (
            format!("slot {} holds {}", slot.name, words::bytes(retained(slot))),
            "Bring the slot's consumer back, or drop the slot.",
        ),
        Holder::Archiver(bytes) => (
            format!("the archiver has {} before it", words::bytes(*bytes)),
            "Mend or speed up the archiver; see pg-wal-archiver-failing.",
        ),
        Holder::Nobody => (
            "neither a slot nor the archiver holds it".to_owned(),
            "Raise max_wal_size to what the load needs, and look whether the disk keeps up with \
             the checkpoints.",
        ),
    };
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "the WAL directory holds {}, {:.1} times max_wal_size; {cause}",
                words::bytes(size),
                size / max as f64
            ),
            advice,
        )
        .with(
            Evidence::new("size of the WAL directory", size, Unit::Bytes, "pg_ls_waldir()")
                .against(limit),
        )
        .with(Evidence::new("files", directory.files, Unit::Count, "pg_ls_waldir()"))
        .with(Evidence::new("max_wal_size", max, Unit::Bytes, "pg_settings"))
        .with(Evidence::new("held by", cause, Unit::Text, "pg_replication_slots, archive_status"));
    Ok(vec![finding])
}

/// What keeps WAL from being removed.
enum Holder<'a> {
    Slot(&'a Slot),
    /// Bytes that wait for it.
    Archiver(f64),
    Nobody,
}

fn retained(slot: &Slot) -> f64 {
    slot.retained_bytes.unwrap_or(0) as f64
}

/// The one that holds most, if it accounts for the surplus at all.
fn holder<'a>(
    directory: &WalDirectory,
    slots: &'a [Slot],
    surplus: f64,
    segment: f64,
) -> Holder<'a> {
    let worst = slots.iter().max_by(|a, b| retained(a).total_cmp(&retained(b)));
    let waiting = directory.ready_to_archive.unwrap_or(0) as f64 * segment;
    match worst.filter(|slot| retained(slot) >= surplus) {
        Some(slot) if retained(slot) >= waiting => Holder::Slot(slot),
        _ if waiting >= surplus => Holder::Archiver(waiting),
        _ => Holder::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit, set};

    const MB: i64 = 1 << 20;

    fn with(megabytes: i64, keep: &str, ready: i64, slot: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_wal_size", "1024", Some("MB"));
            set(pg, "wal_keep_size", keep, Some("MB"));
            *edit(&mut pg.wal_directory) = WalDirectory {
                size_bytes: megabytes * MB,
                ready_to_archive: Some(ready),
                ..WalDirectory::default()
            };
            *edit(&mut pg.slots) = vec![Slot {
                name: "s1".into(),
                retained_bytes: Some(slot * MB),
                ..Slot::default()
            }];
        })
    }

    #[test]
    fn the_threshold_has_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(2049, "0", 0, 0)).len(), 1);
        assert!(testing::findings(&CHECK, &with(2048, "0", 0, 0)).is_empty());
        assert!(testing::findings(&CHECK, &with(0, "0", 0, 0)).is_empty());
    }

    #[test]
    fn what_was_asked_to_be_kept_is_no_surplus() {
        assert!(testing::findings(&CHECK, &with(5000, "4096", 0, 0)).is_empty());
    }

    #[test]
    fn names_the_holder() {
        let message = |ready, slot| {
            testing::findings(&CHECK, &with(4096, "0", ready, slot))[0].message.clone()
        };
        assert!(message(0, 3000).contains("slot s1 holds 2.9 GB"));
        assert!(message(250, 2500).contains("the archiver has 3.9 GB"));
        assert!(message(1, 1).contains("neither"));
    }

    #[test]
    fn is_skipped_where_the_directory_is_hidden() {
        let hidden = testing::pg(|pg| {
            pg.wal_directory = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
    }
}
