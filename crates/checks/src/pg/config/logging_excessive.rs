//! Logs that record every statement of a busy server.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Logging of every statement against the transactions a second.
pub static CHECK: Check = Check {
    id: "pg-logging-excessive",
    title: "Every statement is logged",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &["window"],
    thresholds: &[&RATE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`log_statement = all`, `log_min_duration_statement = 0` or `log_duration = on` on a server with at least
`min_transactions_per_second`.

## Why it matters
Each statement writes lines to the log through one process: the log grows by gigabytes, holds whatever the
applications send, passwords and personal data among it, and slows the sessions that wait to write to it.

## How to fix
Log what is slow (`log_min_duration_statement` of some hundred milliseconds) and a sample of the rest
(`log_min_duration_sample`, `log_statement_sample_rate`). Counts and times of all statements are kept by
pg_stat_statements.

## When to ignore
For the hour in which somebody reads it, or where an audit demands it.

## References
PostgreSQL documentation: Error Reporting and Logging.
",
    run: Run::Postgres(run),
};

static RATE: Threshold = Threshold {
    key: "min_transactions_per_second",
    unit: Unit::PerSecond,
    default: 50.0,
    strict: None,
    range: (0.0, 1e9),
    why: "fifty transactions a second are more than four million a day, each with a line or more",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, databases, window) = (pg.settings()?, pg.databases()?, pg.window().ok());
    advice::setting(settings, "log_min_duration_statement")?;
    let count = |all: &[dbvitals_model::pg::database::Database]| {
        all.iter().map(|d| (d.commits + d.rollbacks).max(0) as f64).sum::<f64>()
    };
    let rate = match window.filter(|window| window.seconds > 0.0) {
        Some(window) => count(&window.databases) / window.seconds,
        None => databases
            .iter()
            .filter_map(|d| {
                let seconds = pg.seconds_since(d.stats_reset.or(pg.server().started_at))?;
                Some((d.commits + d.rollbacks).max(0) as f64 / seconds.max(60.0))
            })
            .sum(),
    };
    if rate < cx.limit(&RATE) {
        return Ok(Vec::new());
    }
    let every = [
        ("log_statement", settings.text("log_statement") == Some("all"), "ddl"),
        (
            "log_min_duration_statement",
            settings.number("log_min_duration_statement") == Some(0.0),
            "250ms",
        ),
        ("log_duration", settings.is_on("log_duration") == Some(true), "off"),
    ];
    let found = every.into_iter().filter(|(_, is_every, _)| *is_every).map(|(name, _, value)| {
        let fix = change(settings, FixKind::Review, &[(name, value.to_owned())]);
        let message =
            format!("{name} logs every one of {} transactions a second", words::count(rate));
        advice::about(
            cx,
            Severity::Info,
            settings,
            name,
            message,
            "Log what is slow, and a sample of the rest.",
        )
        .with(
            Evidence::new("transactions", rate, Unit::PerSecond, "pg_stat_database")
                .against(cx.limit(&RATE)),
        )
        .fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(statement: &str, duration: &str, commits: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "log_statement", statement, None);
                set(pg, "log_min_duration_statement", duration, Some("ms"));
                set(pg, "log_duration", "off", None);
                edit(&mut pg.databases)[0].commits = commits;
            }),
        )
    }

    /// Fifty a second for sixty days.
    const BUSY: i64 = 50 * 60 * 86_400;

    #[test]
    fn fires_for_whatever_logs_every_statement() {
        let found_names = |statement, duration| {
            let found = found(statement, duration, BUSY);
            found.iter().map(|one| one.subject.name.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found_names("all", "0"), "log_statement log_min_duration_statement");
        assert_eq!(found_names("ddl", "100"), "");
        assert_eq!(found_names("none", "-1"), "");
        assert!(
            found("all", "0", BUSY - 60 * 86_400).is_empty(),
            "an idle server may log what it likes"
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
