//! Full pages in WAL that are not compressed.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `wal_compression` is off while full pages fill the WAL.
pub static CHECK: Check = Check {
    id: "pg-wal-compression",
    title: "WAL is not compressed",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (14, u32::MAX),
    needs: &["settings", "wal"],
    uses: &[],
    thresholds: &[&SHARE, &BYTES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`wal_compression` is off, at least `min_page_ratio` of the WAL are images of full pages, and WAL is
written with `min_bytes_per_second` or more on average.

## Why it matters
These images mostly shrink to a third or less: less to write, to archive, to send to standbys and to
replay, for a little CPU time.

## How to fix
Switch it on; a reload is enough. From 15 `lz4` costs least CPU where the server was built with it,
`zstd` saves most.

## When to ignore
Servers whose CPU is the bottleneck, or whose file system compresses.

## References
PostgreSQL documentation: Write Ahead Log, `wal_compression`.
",
    run: Run::Postgres(run),
};

static SHARE: Threshold = Threshold {
    key: "min_page_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: None,
    range: (0.0, 1.0),
    why: "with less than a third of WAL in full pages compression saves little",
};

static BYTES: Threshold = Threshold {
    key: "min_bytes_per_second",
    unit: Unit::BytesPerSecond,
    default: 102_400.0,
    strict: None,
    range: (0.0, 1e12),
    why: "100 kB/s are 8 GB a day: below that WAL is nobody's trouble",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, wal) = (pg.settings()?, pg.wal()?);
    let name = "wal_compression";
    let setting = advice::setting(settings, name)?;
    let age = pg.seconds_since(wal.stats_reset.or(pg.server().started_at));
    let Some(age) = age.filter(|age| *age > 0.0 && wal.bytes > 0) else { return Ok(Vec::new()) };
    if setting.value != "off" {
        return Ok(Vec::new());
    }
    let (bytes, block) = (wal.bytes as f64, pg.server().block_size_bytes as f64);
    let (rate, ratio) = (bytes / age, (wal.full_page_images as f64 * block / bytes).min(1.0));
    let (least_rate, least_ratio) = (cx.limit(&BYTES), cx.limit(&SHARE));
    if rate < least_rate || ratio < least_ratio {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!(
            "about {} of the WAL are full pages, and wal_compression is off",
            words::percent(ratio)
        ),
        "Switch it on; lz4 where the server was built with it (15 and later).",
    )
    .with(
        Evidence::new(
            "share of full pages, at most",
            ratio,
            Unit::Ratio,
            "pg_stat_wal.wal_fpi × block size",
        )
        .against(least_ratio),
    )
    .with(
        Evidence::new("WAL written", rate, Unit::BytesPerSecond, "pg_stat_wal.wal_bytes")
            .against(least_rate),
    )
    .with(Evidence::new("counted for", age, Unit::Seconds, "pg_stat_wal.stats_reset"))
    .fixed_by(change(settings, FixKind::Review, &[(name, "on".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn found(value: &str, bytes: i64, pages: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "wal_compression", value, None);
                let wal = edit(&mut pg.wal);
                wal.bytes = bytes;
                wal.full_page_images = pages;
                wal.stats_reset = ago(1000);
            }),
        )
    }

    #[test]
    fn both_limits_have_two_sides() {
        assert_eq!(found("off", 102_400_000, 3_750).len(), 1);
        assert!(found("off", 102_399_999, 3_750).is_empty(), "slow");
        assert!(found("off", 102_400_000, 3_749).is_empty(), "few pages");
        assert!(found("lz4", 102_400_000, 9_999).is_empty(), "on");
        assert!(found("off", 0, 0).is_empty(), "nothing written");
    }

    #[test]
    fn switches_it_on() {
        let fix = found("off", 102_400_000, 9_999).remove(0).fix.unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET wal_compression = 'on';");
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
