//! A WAL directory far beyond what it should hold.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{counters::WalDirectory, growth::Growth, instance::Settings, replication::Slot},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta::{self, Eta},
    pg::wal_disk,
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
    uses: &["growth", "host", "slots"],
    thresholds: &[&FACTOR, &eta::SOON, &eta::MIN_SECONDS],
    fix: None,
    explain: "\
## What it detects
The WAL directory holds more than `max_size_factor` times `max_wal_size` (and more than that plus
`wal_keep_size`), with whatever holds it back: a slot, the archiver, or neither. Against an earlier look at least
`min_observed_seconds` old, with its growth and, where the machine was seen, the date its disk is full; within
`warning_days` anything beyond `max_wal_size` and `wal_keep_size` is told. Up to there it grows after every quiet night.

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
    let (slots, growth, free) = (pg.slots().ok(), pg.growth().ok(), wal_disk::free_bytes(pg));
    let bounds = Bounds::of(settings, cx)?;
    let size = directory.size_bytes as f64;
    let grown = growth.and_then(|growth| Some((growth.wal_directory_bytes? as f64, growth)));
    let date = grown
        .zip(free)
        .and_then(|((grown, growth), free)| wal_disk::date(cx, free, grown, growth.seconds));
    let soon = date
        .filter(|_| size > bounds.usual)
        .filter(|date| date.latest_days <= cx.limit(&eta::SOON));
    if size <= bounds.limit && soon.is_none() {
        return Ok(Vec::new());
    }
    let segment = settings.bytes("wal_segment_size").unwrap_or(16 << 20) as f64;
    let surplus = size - if size > bounds.limit { bounds.limit } else { bounds.usual };
    let holder = holder(directory, slots.map_or(&[][..], Vec::as_slice), surplus, segment);
    let (cause, advice) = holder.words();
    let end = soon.map_or_else(String::new, |date| {
        format!("; at this pace the disk is full {}", date.when())
    });
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "the WAL directory holds {}, {:.1} times max_wal_size; {cause}{end}",
                words::bytes(size),
                size / bounds.max
            ),
            advice,
        )
        .with(
            Evidence::new("size of the WAL directory", size, Unit::Bytes, "pg_ls_waldir()")
                .against(bounds.limit),
        )
        .with(Evidence::new("files", directory.files, Unit::Count, "pg_ls_waldir()"))
        .with(Evidence::new("max_wal_size", bounds.max, Unit::Bytes, "pg_settings"))
        .with(Evidence::new("held by", cause, Unit::Text, "pg_replication_slots, archive_status"));
    Ok(vec![with_growth(finding, pg, grown, date)])
}

/// What the directory may hold, in bytes.
struct Bounds {
    /// `max_wal_size`.
    max: f64,
    /// What it comes to in an ordinary day: `max_wal_size` and what is to be kept for standbys.
    usual: f64,
    /// Beyond this it is told.
    limit: f64,
}

impl Bounds {
    fn of(settings: &Settings, cx: &Context<'_>) -> Result<Self, Skip> {
        let Some(max) = settings.bytes("max_wal_size").filter(|max| *max > 0) else {
            return Err(Skip::not_applicable("max_wal_size is not known"));
        };
        let (max, keep) = (max as f64, settings.bytes("wal_keep_size").unwrap_or(0).max(0) as f64);
        let usual = max + keep;
        Ok(Self { max, usual, limit: (max * cx.limit(&FACTOR)).max(usual) })
    }
}

/// The finding with what the directory grew by, and when its disk is full.
fn with_growth(
    finding: Finding,
    pg: &PgView<'_>,
    grown: Option<(f64, &Growth)>,
    date: Option<Eta>,
) -> Finding {
    let Some((bytes, growth)) = grown else { return finding };
    let source = format!("pg_ls_waldir() twice, over {}", words::seconds(growth.seconds));
    let finding = finding.with(Evidence::new("grown by", bytes, Unit::Bytes, source));
    match date {
        Some(date) => date.told(finding, Unit::Bytes, pg.now(), "pg_ls_waldir() twice"),
        None => finding,
    }
}

/// What keeps WAL from being removed.
enum Holder<'a> {
    Slot(&'a Slot),
    /// Bytes that wait for it.
    Archiver(f64),
    Nobody,
}

impl Holder<'_> {
    /// The cause and the advice.
    fn words(&self) -> (String, &'static str) {
        match self {
            Self::Slot(slot) => (
                format!("slot {} holds {}", slot.name, words::bytes(retained(slot))),
                "Bring the slot's consumer back, or drop the slot.",
            ),
            Self::Archiver(bytes) => (
                format!("the archiver has {} before it", words::bytes(*bytes)),
                "Mend or speed up the archiver; see pg-wal-archiver-failing.",
            ),
            Self::Nobody => (
                "neither a slot nor the archiver holds it".to_owned(),
                "Raise max_wal_size to what the load needs, and look whether the disk keeps up with \
                 the checkpoints.",
            ),
        }
    }
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
    use dbvitals_model::{Reason, Section, Snapshot, host::Filesystem};

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

    /// 3 GB where 1 GB is usual, or as much as said, that grew for so long on a disk with so many free gigabytes.
    fn growing(megabytes: i64, grown: i64, hours: f64, free_gb: Option<i64>) -> Vec<Finding> {
        let mut snapshot = testing::host(|host, pg| {
            set(pg, "max_wal_size", "1024", Some("MB"));
            set(pg, "wal_keep_size", "256", Some("MB"));
            edit(&mut pg.wal_directory).size_bytes = megabytes * MB;
            edit(&mut pg.growth).seconds = hours * 3600.0;
            edit(&mut pg.growth).wal_directory_bytes = Some(grown * MB);
            *edit(&mut host.filesystems) = vec![Filesystem {
                mount_point: "/".into(),
                purpose: "data".into(),
                total_bytes: 1 << 50,
                available_bytes: free_gb.unwrap_or(0) << 30,
                ..Filesystem::default()
            }];
        });
        if free_gb.is_none() {
            snapshot.targets.remove(0);
        }
        testing::findings(&CHECK, &snapshot)
    }

    fn labels(found: &Finding) -> Vec<&str> {
        found.evidence.iter().map(|evidence| evidence.label.as_str()).collect()
    }

    #[test]
    fn growth_comes_with_the_date_the_disk_is_full() {
        // 24 GB are left, 24 GB come in a day.
        let found = growing(3072, 2048, 2.0, Some(24)).remove(0);
        assert!(
            found.message.ends_with("; at this pace the disk is full in 0.3 to 4 days"),
            "{found:?}"
        );
        assert!(labels(&found).ends_with(&["days left at this pace", "used up between"]));
        let ample = growing(3072, 2048, 2.0, Some(24_000)).remove(0);
        assert!(ample.message.ends_with("holds it"), "in years: {}", ample.message);
        assert!(labels(&ample).contains(&"days left at this pace"));
    }

    #[test]
    fn growth_without_a_date_is_still_told() {
        for found in [
            growing(3072, 2048, 2.0, None),
            growing(3072, 2048, 0.5, Some(24)),
            growing(3072, -2048, 2.0, Some(24)),
            growing(3072, 64, 2.0, Some(24)),
        ] {
            assert_eq!(labels(&found[0]).last(), Some(&"grown by"), "{found:?}");
        }
    }

    #[test]
    fn a_near_end_is_told_below_the_limit_but_not_within_what_is_usual() {
        assert_eq!(growing(1281, 1024, 2.0, Some(24)).len(), 1);
        assert!(growing(1280, 1024, 2.0, Some(24)).is_empty(), "it fills up to max_wal_size");
        assert!(growing(1281, 1024, 2.0, Some(24_000)).is_empty(), "in years");
        assert!(growing(1281, 1024, 2.0, None).is_empty(), "nobody knows the disk");
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
