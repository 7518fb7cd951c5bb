//! Connections closed to free memory.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        counted::{self, counted},
        facts,
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `evicted_clients`.
pub static CHECK: Check = Check {
    id: "redis-clients-evicted",
    title: "Connections closed to free memory",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (7, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&counted::RECENT],
    fix: None,
    explain: "\
## What it detects
`evicted_clients`: connections that were closed because all clients together held more than `maxmemory-clients`, in a window
or since the start; as information when that is longer ago than `recent_seconds`.

## Why it matters
The heaviest connection goes first, in the middle of its work: usually one that reads large answers slowly, or sends large
pipelines.

## How to fix
Find the heavy clients (`dbvitals redis clients`); read large values by parts, shorten pipelines, or raise
`maxmemory-clients`.

## When to ignore
A runaway client that was meant to be stopped this way.

## References
Redis documentation: Clients, Client eviction.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    facts::number(info, "evicted_clients")?;
    let closed = counted(redis, info, window, "evicted_clients");
    let Some(closed) = closed.filter(|closed| closed.count > 0.0) else {
        return Ok(Vec::new());
    };
    let finding = cx
        .finding(
            closed.severity(Severity::Warning, cx),
            facts::server(redis),
            format!("{} connections were closed because clients held too much memory {}", words::count(closed.count), closed.when()),
            "Find the heavy clients; read large values by parts and shorten pipelines. Raise maxmemory-clients last.",
        )
        .with(Evidence::new("closed", closed.count, Unit::Count, closed.source("INFO stats")))
        .with(closed.age());
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        redis::fixture::{built_with, severity, window},
        testing,
    };

    #[test]
    fn recent_ones_are_a_warning_old_ones_information() {
        let of = |closed, uptime, grown: Option<i64>| {
            let snapshot = built_with(&[("evicted_clients", closed)], &[], |redis| {
                redis.server.uptime_seconds = uptime;
                if let Some(grown) = grown {
                    window(redis, &[("evicted_clients", grown)]);
                }
            });
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("0", 60, None), None);
        assert_eq!(of("1", 86_400, None), Some(Severity::Warning));
        assert_eq!(of("1", 86_401, None), Some(Severity::Info));
        assert_eq!(of("9", 86_401, Some(0)), None);
        assert_eq!(of("9", 86_401, Some(1)), Some(Severity::Warning));
    }

    #[test]
    fn a_server_that_does_not_count_them_is_passed_over() {
        assert!(!testing::skipped(&CHECK, &built_with(&[], &[], |_| {})).is_gap());
    }
}
