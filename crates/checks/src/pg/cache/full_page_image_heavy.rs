//! WAL that is mostly copies of whole pages.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Share of the WAL that full-page images can make up.
pub static CHECK: Check = Check {
    id: "pg-full-page-image-heavy",
    title: "WAL full of page images",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Info,
    versions: (14, u32::MAX),
    needs: &["wal", "settings"],
    uses: &[],
    thresholds: &[&RATIO, &MIN_WAL],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
Of at least `min_wal_bytes` of WAL, more than `max_image_ratio` can be images of whole pages: their
number times the block size, which is what they take unless a page has a hole of free space. Counted
since the statistics were reset, since a few seconds show only one part of a checkpoint's cycle. With
`wal_compression` on, the number says nothing about the size, and the check is silent.

## Why it matters
Every byte of it is written, archived and sent to every standby.

## How to fix
Let checkpoints be further apart (`max_wal_size`, `checkpoint_timeout`) and compress the images
(`wal_compression`, from version 15 best with `lz4` where the server was built with it).

## When to ignore
When the WAL's volume costs nothing: no archive, no standbys, a fast disk.

## References
PostgreSQL documentation: Write Ahead Log, `full_page_writes`, `wal_compression`.
",
    run: Run::Postgres(run),
};

static RATIO: Threshold = Threshold {
    key: "max_image_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.0, 1.0),
    why: "when two fifths are copies of pages, compressing them is the cheapest saving there is",
};

static MIN_WAL: Threshold = Threshold {
    key: "min_wal_bytes",
    unit: Unit::Bytes,
    default: 10_737_418_240.0,
    strict: None,
    range: (0.0, 1e16),
    why: "10 GB is a few full checkpoint cycles; less is soon written and soon gone",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (wal, settings) = (pg.wal()?, pg.settings()?);
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby writes no WAL"));
    }
    let compressed = settings.text("wal_compression").is_some_and(|value| value != "off");
    let bytes = wal.bytes as f64;
    if compressed || bytes < cx.limit(&MIN_WAL) || bytes <= 0.0 {
        return Ok(Vec::new());
    }
    let images = wal.full_page_images.max(0) as f64;
    let ratio = (images * pg.server().block_size_bytes as f64 / bytes).min(1.0);
    if ratio <= cx.limit(&RATIO) {
        return Ok(Vec::new());
    }
    let age = pg.seconds_since(wal.stats_reset.or(pg.server().started_at)).unwrap_or(0.0);
    let change = [("wal_compression", "on".to_owned())];
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!(
                "up to {} of {} of WAL are images of whole pages",
                words::percent(ratio),
                words::bytes(bytes)
            ),
            "Compress the images (from 15 on prefer lz4 where the server has it), and let \
             checkpoints be further apart.",
        )
        .with(
            Evidence::new(
                "share of page images, at most",
                ratio,
                Unit::Ratio,
                "pg_stat_wal.wal_fpi times the block size",
            )
            .against(cx.limit(&RATIO)),
        )
        .with(
            Evidence::new("WAL", bytes, Unit::Bytes, "pg_stat_wal.wal_bytes")
                .against(cx.limit(&MIN_WAL)),
        )
        .with(Evidence::new("page images", images, Unit::Count, "pg_stat_wal.wal_fpi"))
        .with(Evidence::new("age of the statistics", age, Unit::Seconds, "stats_reset"))
        .fixed_by(setting_change::change(settings, FixKind::Safe, &change))
        .promising("less WAL to write, archive and send, for a little CPU time");
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::counters::Wal};

    use super::*;
    use crate::testing::{self, edit, set};

    const GB: i64 = 1 << 30;

    fn with(images: i64, bytes: i64, compression: &str) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "wal_compression", compression, None);
            *edit(&mut pg.wal) = Wal { full_page_images: images, bytes, ..Wal::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        // 524,288 pages of 8 kB are 4 GB.
        assert_eq!(testing::findings(&CHECK, &with(524_289, 10 * GB, "off")).len(), 1);
        assert!(testing::findings(&CHECK, &with(524_288, 10 * GB, "off")).is_empty());
        assert!(testing::findings(&CHECK, &with(524_289, 10 * GB - 1, "off")).is_empty());
        assert!(testing::findings(&CHECK, &with(0, 0, "off")).is_empty());
    }

    #[test]
    fn compressed_images_are_of_unknown_size() {
        assert!(testing::findings(&CHECK, &with(9_000_000, 10 * GB, "lz4")).is_empty());
    }

    #[test]
    fn offers_compression_with_its_undo() {
        let found = testing::findings(&CHECK, &with(900_000, 10 * GB, "off"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET wal_compression = 'on';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET wal_compression = 'off';");
        assert!(found[0].message.contains("up to 69 %"));
    }

    #[test]
    fn is_skipped_on_standbys_and_without_counters() {
        let standby = testing::pg(|pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        let hidden = testing::pg(|pg| pg.wal = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
