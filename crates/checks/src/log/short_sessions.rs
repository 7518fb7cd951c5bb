//! Sessions that end as soon as they began.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Sessions that end as soon as they began.
pub static CHECK: Check = Check {
    id: "log-short-sessions",
    title: "Short sessions",
    topic: Topic::Log,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["connections"],
    uses: &[],
    thresholds: &[&SHARE, &PER_MINUTE],
    fix: None,
    explain: "\
## What it detects
More than `max_short_ratio` of the sessions lasted less than a second, and at least `min_per_minute` of them ended a
minute.

## Why it matters
Beginning a session takes longer than most statements: process, authentication, TLS, cold caches.

## How to fix
Keep connections: a pool in the application, or PgBouncer in front of the server.

## When to ignore
Health checks of a load balancer, if those are what is counted.

## References
PostgreSQL documentation: log_disconnections.
",
    run: Run::Log(run),
};

static SHARE: Threshold = Threshold {
    key: "max_short_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "where half of all sessions last less than a second nobody keeps connections",
};

static PER_MINUTE: Threshold = Threshold {
    key: "min_per_minute",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (0.1, 1e9),
    why: "fewer sessions cost too little to care",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let connections = log.connections()?;
    let share = connections.short_sessions as f64 / connections.disconnected.max(1) as f64;
    let per_minute = connections.short_sessions as f64 / (facts::hours(log.log()) * 60.0);
    if share <= cx.limit(&SHARE) || per_minute < cx.limit(&PER_MINUTE) {
        return Ok(Vec::new());
    }
    let message = format!(
        "{} of all sessions last less than a second, {} of them a minute",
        words::percent(share),
        words::count(per_minute)
    );
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", log.name()),
            message,
            "Keep connections: a pool in the application, or PgBouncer in front of the server.",
        )
        .with(
            Evidence::new("below a second", share, Unit::Ratio, facts::SOURCE)
                .against(cx.limit(&SHARE)),
        )
        .with(
            Evidence::new("short sessions a minute", per_minute, Unit::Count, facts::SOURCE)
                .against(cx.limit(&PER_MINUTE)),
        );
    let finding = facts::with_names(finding, "users", &connections.users);
    Ok(vec![facts::with_names(finding, "clients", &connections.clients)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn many_short_sessions_are_told() {
        let found = |short, all| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    let connections = edit(&mut log.connections);
                    (connections.short_sessions, connections.disconnected) = (short, all);
                    log.first_at = testing::ago(3600);
                    log.last_at = testing::ago(0);
                }),
            )
            .len()
        };
        assert_eq!((found(600, 1000), found(500, 1000), found(599, 700)), (1, 0, 0));
    }
}
