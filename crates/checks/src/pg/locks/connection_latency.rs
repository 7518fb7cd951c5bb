//! How long a new client waits before its first answer.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Time to connect and to run `select 1`, measured on our own connections.
pub static CHECK: Check = Check {
    id: "pg-connection-latency",
    title: "Slow to connect",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
Connecting, authenticating and one `select 1` together took this tool at least `warning_ms` (or
`critical_ms`): the median of three connections and of three round trips, TLS included where it is used.

## Why it matters
Every client that does not keep its connection pays this before its first statement; under load it is the
first thing to grow.

## How to fix
When most of it is round trips, the network between is long: measure from where the application runs.
Otherwise look for a starved processor, name resolution (`log_hostname`, LDAP or RADIUS in `pg_hba.conf`),
and thousands of connections. A pooler hides the cost from clients.

## When to ignore
When this tool runs far from the server and the application runs close to it.

## References
PostgreSQL documentation: Connections and Authentication.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ms",
    unit: Unit::Ms,
    default: 50.0,
    strict: None,
    range: (0.1, 60_000.0),
    why: "a healthy server nearby takes 2 to 20 ms, TLS and a salted password included",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ms",
    unit: Unit::Ms,
    default: 500.0,
    strict: None,
    range: (0.1, 60_000.0),
    why: "half a second before the first statement makes any page slow",
};

/// Round trips of a TCP and TLS handshake, start-up and password exchange.
const ROUND_TRIPS: f64 = 7.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let server = pg.server();
    let Some(connect) = server.connect_ms else {
        return Err(Skip::not_applicable("the time to connect was not measured"));
    };
    let round_trip = server.round_trip_ms.unwrap_or(0.0);
    let total = connect + round_trip;
    let name = pg.name();
    let Some(severity) = cx.above(total, &WARNING, &CRITICAL, name) else {
        return Ok(Vec::new());
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let tries = match server.connect_tries {
        0 | 1 => "one try".to_owned(),
        tries => format!("{tries} tries"),
    };
    let is_far = round_trip * ROUND_TRIPS >= connect / 2.0;
    let advice = if is_far {
        "Most of it is the network between: measure from where the application runs, and keep \
         connections open."
    } else {
        "Look for a starved processor, name resolution and slow authentication; put a pooler in front."
    };
    let found = cx
        .finding(
            severity,
            Subject::new("server", name),
            format!(
                "connecting and one query took {}, the median of {tries}",
                words::millis(total)
            ),
            advice,
        )
        .with(
            Evidence::new("connect and query", total, Unit::Ms, "our own connections")
                .against(cx.limit_for(limit, name)),
        )
        .with(Evidence::new("connect", connect, Unit::Ms, "our own connection"))
        .with(Evidence::new("round trip", round_trip, Unit::Ms, "select 1"));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn found(connect: f64, round_trip: f64) -> Vec<dbvitals_model::Finding> {
        let snapshot = testing::pg(|pg| {
            pg.server.connect_ms = Some(connect);
            pg.server.round_trip_ms = Some(round_trip);
        });
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |connect| found(connect, 1.0).first().map(|found| found.severity);
        assert_eq!(severity(48.9), None);
        assert_eq!(severity(49.0), Some(Severity::Warning));
        assert_eq!(severity(498.9), Some(Severity::Warning));
        assert_eq!(severity(499.0), Some(Severity::Critical));
    }

    #[test]
    fn a_long_way_is_not_blamed_on_the_server() {
        assert!(found(200.0, 30.0)[0].recommendation.contains("network"));
        assert!(found(200.0, 1.0)[0].recommendation.contains("processor"));
    }

    #[test]
    fn is_skipped_when_it_was_not_measured() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
