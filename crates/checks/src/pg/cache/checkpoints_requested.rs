//! Checkpoints forced by the volume of WAL.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::cache::checkpoint::{self, MIN_CHECKPOINTS},
    skip::Judged,
    view::PgView,
    words,
};

/// Share of checkpoints that did not wait for their time.
pub static CHECK: Check = Check {
    id: "pg-checkpoints-requested",
    title: "Checkpoints forced by WAL volume",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["checkpoints", "settings"],
    uses: &["window", "wal"],
    thresholds: &[&RATIO, &MIN_CHECKPOINTS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Of at least `min_checkpoints` checkpoints, more than `max_requested_ratio` were requested rather than
due by `checkpoint_timeout`: nearly always because `max_wal_size` was reached.

## Why it matters
A forced checkpoint writes all dirty buffers at once instead of spreading them out, and after each one
every page is written whole into the WAL again: more checkpoints make more WAL, which makes more
checkpoints.

## How to fix
Raise `max_wal_size` so that the WAL of one `checkpoint_timeout` fits, if the disk has room for it and
crash recovery may take that much longer. A reload makes it effective.

## When to ignore
When they were asked for by hand, by frequent base backups, or by bulk loads outside working hours.

## References
PostgreSQL documentation: WAL Configuration, `max_wal_size`.
",
    run: Run::Postgres(run),
};

static RATIO: Threshold = Threshold {
    key: "max_requested_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: Some(0.1),
    range: (0.0, 1.0),
    why: "when most checkpoints come by volume, the timeout no longer sets the pace",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (checkpoints, settings) = (pg.checkpoints()?, pg.settings()?);
    let (window, wal) = (pg.window().ok(), pg.wal().ok());
    let Some(rhythm) = checkpoint::rhythm(pg, cx, checkpoints, window)? else {
        return Ok(Vec::new());
    };
    let ratio = checkpoint::requested_share(rhythm.counters);
    if ratio <= cx.limit(&RATIO) {
        return Ok(Vec::new());
    }
    let source = rhythm.source("pg_stat_bgwriter or pg_stat_checkpointer");
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "{} of checkpoints were forced {}, instead of waiting for checkpoint_timeout",
                words::percent(ratio),
                rhythm.when(),
            ),
            "Raise max_wal_size until the WAL of one checkpoint_timeout fits, as far as the disk \
             and the time a crash recovery may take allow.",
        )
        .with(
            Evidence::new("requested", ratio, Unit::Ratio, source.clone())
                .against(cx.limit(&RATIO)),
        )
        .with(Evidence::new("by request", rhythm.counters.requested, Unit::Count, source.clone()))
        .with(Evidence::new("by time", rhythm.counters.timed, Unit::Count, source))
        .with(rhythm.time());
    let finding = match settings.bytes("max_wal_size") {
        Some(size) => finding.with(Evidence::new("max_wal_size", size, Unit::Bytes, "pg_settings")),
        None => finding,
    };
    let fix = checkpoint::raised_max_wal_size(pg, settings, wal);
    Ok(vec![match fix {
        Some(fix) => {
            finding.fixed_by(fix).promising("spreads writes evenly and shrinks the WAL itself")
        }
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::{counters::Checkpoints, window::Window},
    };

    use super::*;
    use crate::{
        Profile, Settings,
        testing::{self, edit, set},
    };

    fn with(timed: i64, requested: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_wal_size", "1024", Some("MB"));
            *edit(&mut pg.checkpoints) = Checkpoints { timed, requested, ..Default::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let fires =
            |timed, requested| !testing::findings(&CHECK, &with(timed, requested)).is_empty();
        assert!(fires(4, 6));
        assert!(!fires(5, 5), "ratio");
        assert!(!fires(0, 9), "too few");
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        assert!(!testing::findings_with(&CHECK, &with(8, 2), &strict).is_empty());
        assert!(testing::findings_with(&CHECK, &with(9, 1), &strict).is_empty());
    }

    #[test]
    fn offers_a_larger_max_wal_size() {
        let found = testing::findings(&CHECK, &with(0, 10));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET max_wal_size = '2GB';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET max_wal_size = '1024MB';");
    }

    #[test]
    fn a_window_with_enough_checkpoints_speaks_for_now() {
        let mut snapshot = with(0, 1000);
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        let recent = Checkpoints { timed: 20, ..Checkpoints::default() };
        *edit(&mut pg.window) =
            Window { seconds: 6000.0, checkpoints: Some(recent), ..Window::default() };
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn is_skipped_on_standbys_and_without_counters() {
        let standby = testing::pg(|pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        let hidden =
            testing::pg(|pg| pg.checkpoints = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
