//! Clients that went away without a word.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Clients that went away without a word.
pub static CHECK: Check = Check {
    id: "log-clients-lost",
    title: "Clients lost",
    topic: Topic::Log,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["connections"],
    uses: &[],
    thresholds: &[&PER_HOUR],
    fix: None,
    explain: "\
## What it detects
At least `warning_per_hour` clients broke their connection without ending the session.

## Why it matters
Their transactions are rolled back, late: until the server notices, their locks are held.

## How to fix
Look for time limits of clients and of what lies between (load balancers, NAT), for killed processes and memory limits. Let
TCP notice early: `tcp_keepalives_idle`, `client_connection_check_interval`.

## When to ignore
Monitoring that only opens the port.

## References
PostgreSQL documentation: TCP Settings.
",
    run: Run::Log(run),
};

static PER_HOUR: Threshold = Threshold {
    key: "warning_per_hour",
    unit: Unit::PerHour,
    default: 20.0,
    strict: None,
    range: (0.1, 1e9),
    why: "a laptop that closes is one, twenty an hour are a network or a time limit of the clients",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let connections = log.connections()?;
    let (per_hour, limit) =
        (connections.lost as f64 / facts::hours(log.log()), cx.limit(&PER_HOUR));
    if per_hour < limit {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", log.name()),
            format!("{} clients an hour went away without a word", words::count(per_hour)),
            "Look for time limits of clients, load balancers and NAT, and for killed processes.",
        )
        .with(Evidence::new("lost an hour", per_hour, Unit::PerHour, facts::SOURCE).against(limit))
        .with(facts::number("lost", connections.lost));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn many_lost_clients_are_told() {
        let found = |lost| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    edit(&mut log.connections).lost = lost;
                    log.first_at = testing::ago(3600);
                    log.last_at = testing::ago(0);
                }),
            )
            .len()
        };
        assert_eq!((found(19), found(20)), (0, 1));
    }
}
