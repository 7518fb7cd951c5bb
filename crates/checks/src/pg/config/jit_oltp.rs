//! Compilation of short statements.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `jit` is on for a server of short statements, and costs them time.
pub static CHECK: Check = Check {
    id: "pg-jit-oltp",
    title: "JIT on short statements",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (15, u32::MAX),
    needs: &["settings", "statements"],
    uses: &[],
    thresholds: &[&MEAN, &CALLS, &SHARE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`jit` is on, statements take less than `max_mean_ms` on average over at least `min_calls` of them, and
compiling took `min_jit_ratio` or more of all time, as far as the leading statements show.

## Why it matters
A statement whose cost is overestimated is compiled for longer than it then runs, each time again, since
nothing is kept.

## How to fix
Switch `jit` off for the server and on for the roles that run reports, or raise `jit_above_cost`; a
reload is enough.

## When to ignore
Servers where long reports matter more than short statements.

## References
PostgreSQL documentation: Just-in-Time Compilation, When to JIT.
",
    run: Run::Postgres(run),
};

static MEAN: Threshold = Threshold {
    key: "max_mean_ms",
    unit: Unit::Ms,
    default: 10.0,
    strict: None,
    range: (0.0, 1e6),
    why: "compiling takes tens of milliseconds: it cannot pay where statements take ten",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e15),
    why: "fewer statements do not show what the server is for",
};

static SHARE: Threshold = Threshold {
    key: "min_jit_ratio",
    unit: Unit::Ratio,
    default: 0.01,
    strict: None,
    range: (0.0, 1.0),
    why: "below one hundredth of all time there is nothing to win",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, statements) = (pg.settings()?, pg.statements()?);
    let setting = advice::setting(settings, "jit")?;
    let (calls, time) = (statements.total_calls as f64, statements.total_exec_time_ms);
    if setting.value != "on" || !advice::is_for_all(setting) || calls < cx.limit(&CALLS).max(1.0) {
        return Ok(Vec::new());
    }
    let jit: f64 = statements.leaders.iter().filter_map(|leader| leader.jit_time_ms).sum();
    let mean = time / calls;
    let share = if time > 0.0 { (jit / time).min(1.0) } else { 0.0 };
    let (most, least) = (cx.limit(&MEAN), cx.limit(&SHARE));
    if mean >= most || share < least || jit <= 0.0 {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        "jit",
        format!(
            "statements take {} on average, yet {} of all time is spent compiling them",
            words::millis(mean),
            words::percent(share)
        ),
        "Switch jit off, and on for the roles that run reports; or raise jit_above_cost.",
    )
    .with(Evidence::new("mean time", mean, Unit::Ms, "pg_stat_statements").against(most))
    .with(
        Evidence::new("share of compiling", share, Unit::Ratio, "pg_stat_statements.jit_*_time")
            .against(least),
    )
    .with(Evidence::new("calls", calls, Unit::Count, "pg_stat_statements"))
    .fixed_by(change(settings, FixKind::Review, &[("jit", "off".to_owned())]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, edit, set};
    use dbvitals_model::pg::statement::Statement;

    fn found(jit: &str, calls: i64, time: f64, compiling: f64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "jit", jit, None);
                let statements = edit(&mut pg.statements);
                statements.total_calls = calls;
                statements.total_exec_time_ms = time;
                statements.leaders =
                    vec![Statement { jit_time_ms: Some(compiling), ..Statement::default() }];
            }),
        )
    }

    #[test]
    fn every_limit_has_two_sides() {
        assert_eq!(found("on", 10_000, 99_999.0, 1000.0).len(), 1);
        assert!(found("on", 9_999, 90_000.0, 1000.0).is_empty(), "few calls");
        assert!(found("on", 10_000, 100_000.0, 1000.0).is_empty(), "long statements");
        assert!(found("on", 10_000, 99_999.0, 999.0).is_empty(), "little compiling");
        assert!(found("off", 10_000, 99_999.0, 9999.0).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.statements = Section::default()));
    }
}
