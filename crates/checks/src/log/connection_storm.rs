//! Many connections begun at a time.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Many connections begun at a time.
pub static CHECK: Check = Check {
    id: "log-connection-storm",
    title: "Connection storm",
    topic: Topic::Log,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["connections"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
Over the busiest minute at least `warning_per_second` (or `critical_per_second`) connections began a second.

## Why it matters
A connection costs the server a process, authentication, and a cold cache: milliseconds before the first statement.
Storms come from applications that open one for each request, and after an outage when all come back together.

## How to fix
Keep connections: a pool in the application, PgBouncer in front of the server. Let clients that lost theirs come back
with a growing, random delay.

## When to ignore
A load test.

## References
PostgreSQL documentation: log_connections; PgBouncer documentation.
",
    run: Run::Log(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_per_second",
    unit: Unit::PerSecond,
    default: 10.0,
    strict: None,
    range: (0.1, 1e6),
    why: "each one forks a process and fills its caches: ten a second cost a core",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_per_second",
    unit: Unit::PerSecond,
    default: 50.0,
    strict: None,
    range: (0.1, 1e6),
    why: "at fifty a second beginning sessions is most of what the server does",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let connections = log.connections()?;
    let rate = connections.peak_minute_per_second;
    let Some(severity) = cx.above(rate, &WARNING, &CRITICAL, log.name()) else {
        return Ok(Vec::new());
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let message = format!(
        "{} connections began a second over the busiest minute, {} within one second",
        words::count(rate),
        words::count(connections.peak_per_second as f64)
    );
    let finding = cx
        .finding(
            severity,
            Subject::new("server", log.name()),
            message,
            "Keep connections: a pool in the application, or PgBouncer in front of the server.",
        )
        .with(
            Evidence::new("a second, busiest minute", rate, Unit::PerSecond, facts::SOURCE)
                .against(cx.limit_for(limit, log.name())),
        )
        .with(facts::number("most within one second", connections.peak_per_second))
        .with(facts::number("connections", connections.received));
    Ok(vec![facts::with_names(finding, "clients", &connections.clients)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |rate| {
            let built =
                testing::log(|log| edit(&mut log.connections).peak_minute_per_second = rate);
            testing::findings(&CHECK, &built).first().map(|found| found.severity)
        };
        assert_eq!(severity(9.9), None);
        assert_eq!(severity(10.0), Some(Severity::Warning));
        assert_eq!(severity(50.0), Some(Severity::Critical));
    }
}
