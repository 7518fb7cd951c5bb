//! Room for WAL between two checkpoints.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{
    config::advice,
    setting_change::{change, memory},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// `max_wal_size` too small for the WAL written in a checkpoint's time.
pub static CHECK: Check = Check {
    id: "pg-max-wal-size",
    title: "Size of max_wal_size",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (14, u32::MAX),
    needs: &["settings", "wal"],
    uses: &["window"],
    thresholds: &[&MIN_AGE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
At the rate WAL is written, measured over the window or else since the counters began (`min_age_seconds`
ago at least), one `checkpoint_timeout` writes more than `max_wal_size` allows, so that WAL, not time,
starts the checkpoints.

## Why it matters
Checkpoints before their time write the same pages again and again, and after each one every page
changed first goes to WAL in full.

## How to fix
Raise it to the WAL of two checkpoints; a reload is enough. It takes that much room in `pg_wal` and
lengthens recovery after a crash.

## When to ignore
While a bulk load runs, or where `pg_wal` has no room.

## References
PostgreSQL documentation: WAL Configuration; `max_wal_size`.
",
    run: Run::Postgres(run),
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 1e9),
    why: "an hour of WAL is the least that says something about its rate",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, wal, window) = (pg.settings()?, pg.wal()?, pg.window().ok());
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby writes no WAL of its own"));
    }
    let name = "max_wal_size";
    let present = advice::bytes(settings, name)?;
    let timeout = settings.millis("checkpoint_timeout").map(|ms| ms / 1000.0);
    let timeout = timeout.ok_or_else(|| Skip::not_applicable("checkpoint_timeout is not known"))?;
    let recent =
        window.and_then(|window| Some((window.wal.as_ref()?.bytes as f64, window.seconds)));
    let age = pg.seconds_since(wal.stats_reset.or(pg.server().started_at));
    let lasting = age.filter(|age| *age >= cx.limit(&MIN_AGE)).map(|age| (wal.bytes as f64, age));
    let Some((bytes, seconds)) = recent.or(lasting).filter(|(_, seconds)| *seconds > 0.0) else {
        return Ok(Vec::new());
    };
    let rate = bytes.max(0.0) / seconds;
    // The server aims to begin a checkpoint early enough that it ends within max_wal_size.
    let target = settings.number("checkpoint_completion_target").unwrap_or(0.9).clamp(0.0, 1.0);
    let wanted = rate * timeout * (1.0 + target);
    if wanted <= present {
        return Ok(Vec::new());
    }
    let fix = change(settings, FixKind::Review, &[(name, memory(wanted * 1.1))]);
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        name,
        format!(
            "max_wal_size is {}, but two checkpoints of {} write {}: WAL starts checkpoints before their time",
            words::bytes(present), words::seconds(timeout), words::bytes(wanted)
        ),
        "Raise it to the WAL of two checkpoints, if pg_wal has the room.",
    )
    .with(Evidence::new("WAL wanted", wanted, Unit::Bytes, "rate × checkpoint_timeout × (1 + completion target)").against(present))
    .with(Evidence::new("WAL written", rate, Unit::BytesPerSecond, "pg_stat_wal.wal_bytes"))
    .with(Evidence::new("measured over", seconds, Unit::Seconds, if recent.is_some() { "window" } else { "pg_stat_wal.stats_reset" }))
    .fixed_by(fix);
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn found(bytes: i64, age: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "max_wal_size", "1024", Some("MB"));
                set(pg, "checkpoint_timeout", "300", Some("s"));
                set(pg, "checkpoint_completion_target", "0.9", None);
                let wal = edit(&mut pg.wal);
                wal.bytes = bytes;
                wal.stats_reset = ago(age);
            }),
        )
    }

    #[test]
    fn the_rate_has_two_sides() {
        // 1 GB in 570 seconds: 1,883,757 bytes a second.
        assert!(found(1_883_757 * 3600, 3600).is_empty());
        let one = found(1_883_758 * 3600, 3600).remove(0);
        assert_eq!(one.fix.unwrap().statements[0], "ALTER SYSTEM SET max_wal_size = '1127MB';");
    }

    #[test]
    fn young_counters_say_nothing() {
        assert!(found(1 << 40, 3599).is_empty());
    }

    #[test]
    fn a_standby_is_skipped() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.server.in_recovery = true));
    }
}
