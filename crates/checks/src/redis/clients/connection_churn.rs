//! Connections opened for a command or two.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{counted::counted, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `total_connections_received` against `total_commands_processed`.
pub static CHECK: Check = Check {
    id: "redis-connection-churn",
    title: "Connections come and go",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&SHARE, &RATE, &MIN_AGE],
    fix: None,
    explain: "\
## What it detects
More than `connections_per_second` new connections, and more than `connections_per_command` for each command, in a window,
or on average since the start when that was at least `min_age_seconds` ago.

## Why it matters
Opening a connection costs the server as much as many commands, and the client a round trip or, with TLS, several. It is
the mark of clients without a pool.

## How to fix
Keep connections open: a pool in the client library, persistent connections in PHP, one client for each process in
serverless functions.

## When to ignore
Health checks that open a connection each, on a server with next to no load.

## References
Redis documentation: Clients; Pipelining.
",
    run: Run::Redis(run),
};

static SHARE: Threshold = Threshold {
    key: "connections_per_command",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0001, 1.0),
    why: "a connection that serves fewer than ten commands costs more than they do",
};

static RATE: Threshold = Threshold {
    key: "connections_per_second",
    unit: Unit::PerSecond,
    default: 10.0,
    strict: None,
    range: (0.0, 1e6),
    why: "health checks and deployments stay below",
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_seconds",
    unit: Unit::Seconds,
    default: 600.0,
    strict: None,
    range: (0.0, 1e9),
    why: "after a restart all clients connect anew; for ten minutes that is most of the average",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    facts::number(info, "total_connections_received")?;
    facts::number(info, "total_commands_processed")?;
    let opened = counted(redis, info, window, "total_connections_received");
    let commands = counted(redis, info, window, "total_commands_processed");
    let (Some(opened), Some(commands)) = (opened, commands) else { return Ok(Vec::new()) };
    let name = redis.name();
    let share = opened.count / commands.count.max(1.0);
    let (most, rate) = (cx.limit_for(&SHARE, name), cx.limit_for(&RATE, name));
    let is_young = !opened.in_window && opened.seconds < cx.limit_for(&MIN_AGE, name);
    let is_rare = opened.per_second() <= rate || share <= most;
    if is_young || is_rare || opened.in_window != commands.in_window {
        return Ok(Vec::new());
    }
    let source = opened.source("INFO stats");
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{:.0} connections a second are opened for {:.1} commands each",
                opened.per_second(),
                commands.count / opened.count.max(1.0)
            ),
            "Keep connections open: use a pool in every client.",
        )
        .with(
            Evidence::new("new connections", opened.per_second(), Unit::PerSecond, source.clone())
                .against(rate),
        )
        .with(
            Evidence::new("connections for each command", share, Unit::Ratio, source).against(most),
        )
        .with(opened.age())
        .promising(format!(
            "saves up to {} connections an hour",
            words::count(opened.per_second() * 3600.0)
        ));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built_with, severity, window};

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |opened, commands| {
            let info = [("total_connections_received", "1"), ("total_commands_processed", "1")];
            let grown =
                [("total_connections_received", opened), ("total_commands_processed", commands)];
            severity(&CHECK, &built_with(&info, &[], |redis| window(redis, &grown)))
        };
        assert_eq!(of(100, 500), None, "ten a second");
        assert_eq!(of(101, 500), Some(Severity::Warning));
        assert_eq!(of(1000, 10_000), None, "ten commands each");
        assert_eq!(of(1000, 9999), Some(Severity::Warning));
        assert_eq!(of(0, 0), None);
    }

    #[test]
    fn without_a_window_the_average_counts_unless_it_is_young() {
        let of = |opened, uptime| {
            let info =
                [("total_connections_received", opened), ("total_commands_processed", "9000")];
            let snapshot = built_with(&info, &[], |redis| redis.server.uptime_seconds = uptime);
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("6000", 600), None);
        assert_eq!(of("6001", 600), Some(Severity::Warning));
        assert_eq!(of("6001", 599), None, "the reconnects after a restart");
    }
}
