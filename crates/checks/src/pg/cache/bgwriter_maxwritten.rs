//! A background writer that stops before it is done.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{cache::background_writer, counted::counted},
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Rounds of the background writer cut short by `bgwriter_lru_maxpages`.
pub static CHECK: Check = Check {
    id: "pg-bgwriter-maxwritten",
    title: "Background writer cut short",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["checkpoints", "settings"],
    uses: &["window"],
    thresholds: &[&RATIO, &MIN_STOPS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
The background writer stopped at `bgwriter_lru_maxpages` at least `min_stops` times, and in at least
`max_stopped_ratio` of all the rounds it can have made.

## Why it matters
What it leaves behind, queries write themselves while somebody waits for them.

## How to fix
Shorten `bgwriter_delay` and raise `bgwriter_lru_maxpages`; a reload makes both effective.

## When to ignore
Bulk loads, which dirty more than any background writer should follow.

## References
PostgreSQL documentation: Resource Consumption, Background Writer.
",
    run: Run::Postgres(run),
};

static RATIO: Threshold = Threshold {
    key: "max_stopped_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: Some(0.01),
    range: (0.0, 1.0),
    why: "a burst now and then is what the limit is for; one round in twenty is a habit",
};

static MIN_STOPS: Threshold = Threshold {
    key: "min_stops",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a single bulk load leaves some dozens",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (checkpoints, settings) = (pg.checkpoints()?, pg.settings()?);
    let window = pg.window().ok();
    let delay = settings.millis("bgwriter_delay").filter(|delay| *delay > 0.0);
    let Some(delay) = delay else {
        return Err(Skip::not_applicable("bgwriter_delay is not known"));
    };
    let recent = window.and_then(|window| Some((window, window.checkpoints.as_ref()?)));
    let age = pg.seconds_since(checkpoints.stats_reset.or(pg.server().started_at));
    let enough = cx.limit(&MIN_STOPS);
    let Some(seen) =
        counted(recent, checkpoints, age, |seen| seen.counters.maxwritten_clean as f64 >= enough)
    else {
        return Ok(Vec::new());
    };
    let stops = seen.counters.maxwritten_clean as f64;
    let rounds = seen.seconds * 1000.0 / delay;
    let ratio = (stops / rounds.max(1.0)).min(1.0);
    if seen.seconds <= 0.0 || ratio < cx.limit(&RATIO) {
        return Ok(Vec::new());
    }
    let source = seen.source("pg_stat_bgwriter.maxwritten_clean");
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!(
                "the background writer stopped at its limit {} times {}: in {} of its rounds",
                words::count(stops),
                seen.when(),
                words::percent(ratio),
            ),
            "Let the background writer come more often and write more each time.",
        )
        .with(
            Evidence::new("rounds cut short", ratio, Unit::Ratio, source.clone())
                .against(cx.limit(&RATIO)),
        )
        .with(Evidence::new("times it stopped", stops, Unit::Count, source).against(enough))
        .with(Evidence::new("bgwriter_delay", delay, Unit::Ms, "pg_settings"))
        .with(seen.time());
    Ok(vec![match background_writer::quickened(settings) {
        Some(fix) => finding.fixed_by(fix),
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::counters::Checkpoints};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(stops: i64, age: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "bgwriter_delay", "200", Some("ms"));
            set(pg, "bgwriter_lru_maxpages", "100", None);
            let stats_reset = ago(age);
            *edit(&mut pg.checkpoints) =
                Checkpoints { maxwritten_clean: stops, stats_reset, ..Default::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides_and_the_fix_can_be_run_as_it_is() {
        let found = testing::findings(&CHECK, &with(100, 400));
        assert_eq!(found[0].fix.as_ref().unwrap().kind, FixKind::Safe);
        assert!(testing::findings(&CHECK, &with(100, 401)).is_empty(), "ratio");
        assert!(testing::findings(&CHECK, &with(99, 100)).is_empty(), "few");
    }

    #[test]
    fn is_skipped_without_what_it_reads() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let hidden =
            testing::pg(|pg| pg.checkpoints = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
