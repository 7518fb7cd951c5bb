//! An archive that ends long ago.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Age of the last archived WAL while there is more to archive.
pub static CHECK: Check = Check {
    id: "pg-backup-age",
    title: "Archive out of date",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["archiver", "settings", "wal"],
    uses: &[],
    thresholds: &[&MAX_AGE, &MIN_BYTES],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
WAL is archived, but the last file reached the archive at least `max_age_hours` ago, although at least
`min_unarchived_bytes` have been written since. Backups that leave no trace in the server (dumps, storage
snapshots) are not seen and not judged.

## Why it matters
A restore from the archive ends where the archive ends.

## How to fix
Mend the archiver if it fails (`pg-wal-archiver-failing`). If the server writes so little that a file takes
days to fill, set `archive_timeout`.

## When to ignore
Servers whose backups do not use the archive.

## References
PostgreSQL documentation: Continuous Archiving, `archive_timeout`.
",
    run: Run::Postgres(run),
};

static MAX_AGE: Threshold = Threshold {
    key: "max_age_hours",
    unit: Unit::Count,
    default: 26.0,
    strict: Some(1.0),
    range: (0.01, 100_000.0),
    why: "a daily backup with two hours of slack",
};

static MIN_BYTES: Threshold = Threshold {
    key: "min_unarchived_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (1.0, 1e13),
    why: "an idle server writes some kilobytes a day about itself, which nobody would miss",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (archiver, settings, wal) = (pg.archiver()?, pg.settings()?, pg.wal()?);
    let known = (|| {
        let age = pg.seconds_since(archiver.last_archived_at)?;
        let segment = settings.bytes("wal_segment_size").filter(|bytes| *bytes > 0)?;
        let end = end_of(archiver.last_archived_wal.as_deref()?, segment)?;
        Some((age, wal.position_bytes?.saturating_sub(end).max(0) as f64))
    })();
    if settings.text("archive_mode").is_none_or(|mode| mode == "off") {
        return Err(Skip::not_applicable("archive_mode is off, so no backup can be seen"));
    }
    let Some((age, missing)) = known else {
        return Err(Skip::not_applicable("nothing was archived yet that could be dated"));
    };
    let hours = age / 3600.0;
    if hours < cx.limit(&MAX_AGE) || missing < cx.limit(&MIN_BYTES) {
        return Ok(Vec::new());
    }
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "the archive ends {} ago; {} written since are not in it",
                words::seconds(age),
                words::bytes(missing)
            ),
            "Mend the archiver if it fails. Set archive_timeout if files take too long to fill.",
        )
        .with(
            Evidence::new(
                "age in hours",
                hours,
                Unit::Count,
                "pg_stat_archiver.last_archived_time",
            )
            .against(cx.limit(&MAX_AGE)),
        )
        .with(
            Evidence::new("not archived", missing, Unit::Bytes, "pg_current_wal_lsn()")
                .against(cx.limit(&MIN_BYTES)),
        )
        .with(Evidence::new(
            "last archived",
            archiver.last_archived_wal.as_deref().unwrap_or_default(),
            Unit::Text,
            "pg_stat_archiver",
        ));
    let waits = settings.number("archive_timeout") == Some(0.0);
    Ok(vec![if waits {
        let change = [("archive_timeout", "5min".to_owned())];
        found.fixed_by(setting_change::change(settings, FixKind::Safe, &change))
    } else {
        found
    }])
}

/// Position at which a WAL file ends, from its name: eight hexadecimal digits each of timeline, high
/// part and segment.
fn end_of(file: &str, segment: i64) -> Option<i64> {
    let part = |from: usize| i64::from_str_radix(file.get(from..from + 8)?, 16).ok();
    part(0)?;
    let (high, low) = (part(8)?, part(16)?);
    let per_high = (1_i64 << 32).checked_div(segment)?;
    high.checked_mul(per_high)?.checked_add(low)?.checked_add(1)?.checked_mul(segment)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::counters::{Archiver, Wal},
    };

    use super::*;
    use crate::testing::{self, ago, edit, set};

    const SEGMENT: i64 = 16 << 20;

    fn with(hours: i64, position: i64, mode: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "archive_mode", mode, None);
            set(pg, "archive_timeout", "0", Some("s"));
            set(pg, "wal_segment_size", "16777216", Some("B"));
            *edit(&mut pg.archiver) = Archiver {
                last_archived_wal: Some("000000010000000200000003".into()),
                last_archived_at: ago(hours * 3600),
                ..Archiver::default()
            };
            *edit(&mut pg.wal) = Wal { position_bytes: Some(position), ..Wal::default() };
        })
    }

    /// Where the archived file ends.
    const END: i64 = (2 << 32) + 4 * SEGMENT;

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(26, END + (1 << 20), "on")).len(), 1);
        assert!(testing::findings(&CHECK, &with(25, END + (1 << 30), "on")).is_empty(), "age");
        assert!(testing::findings(&CHECK, &with(999, END + 9999, "on")).is_empty(), "idle server");
    }

    #[test]
    fn names_of_files_are_positions() {
        assert_eq!(end_of("000000010000000200000003", SEGMENT), Some(END));
        assert_eq!(end_of("000000010000000200000003.00000028.backup", SEGMENT), Some(END));
        assert_eq!(end_of("00000002.history", SEGMENT), None);
        assert_eq!(end_of("0000000100000002000000ö3", SEGMENT), None);
    }

    #[test]
    fn a_server_that_waits_for_full_files_gets_a_timeout() {
        let found = testing::findings(&CHECK, &with(30, END + SEGMENT, "on"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET archive_timeout = '5min';");
    }

    #[test]
    fn is_skipped_where_nothing_is_archived() {
        assert!(!testing::skipped(&CHECK, &with(99, END, "off")).is_gap());
        let lost = testing::pg(|pg| pg.archiver = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
