//! Answers so large that sending them is the work.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Bytes sent for each command.
pub static CHECK: Check = Check {
    id: "redis-large-replies",
    title: "Large answers",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info", "window"],
    uses: &[],
    thresholds: &[&MEAN, &RATE],
    fix: None,
    explain: "\
## What it detects
In a window: answers of `mean_bytes` or more on average, and at least `rate_bytes_per_second` of them.

## Why it matters
The thread that runs commands also copies their answers: while it copies a megabyte, hundreds of small commands wait. The
network fills up before the processor does, and clients hold as much as they were sent.

## How to fix
Find the commands (`dbvitals redis latency`) and the keys (`dbvitals redis keys`). Read the fields that are needed
(`HMGET`, `LRANGE` with limits, `MGET` of fewer keys), compress large values, or keep what is large elsewhere.

## When to ignore
A server that is meant to hold files, with few other clients.

## References
Redis documentation: Pipelining; Diagnosing latency issues.
",
    run: Run::Redis(run),
};

static MEAN: Threshold = Threshold {
    key: "mean_bytes",
    unit: Unit::Bytes,
    default: 16_384.0,
    strict: None,
    range: (1.0, 1e12),
    why: "the buffer of a connection holds 16 kB; a larger answer is allocated, copied and sent in parts",
};

static RATE: Threshold = Threshold {
    key: "rate_bytes_per_second",
    unit: Unit::BytesPerSecond,
    default: 20_971_520.0,
    strict: None,
    range: (0.0, 1e12),
    why: "20 MB a second is a fifth of a network of one gigabit",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info(), facts::window(redis));
    let (info, window) = (info?, window?);
    let counter = |name: &str| window.counters.get(name).map(|count| *count as f64);
    let sent = counter("total_net_output_bytes");
    let (Some(sent), Some(commands)) = (sent, counter("total_commands_processed")) else {
        return Ok(Vec::new());
    };
    // What replicas are sent is no answer to a command. Before 7.0 it was not counted apart.
    let sent = (sent - counter("total_net_repl_output_bytes").unwrap_or(0.0)).max(0.0);
    let replicas = info.number("connected_slaves").unwrap_or(0.0);
    if commands <= 0.0 || window.seconds <= 0.0 {
        return Ok(Vec::new());
    }
    if replicas > 0.0 && !window.counters.contains_key("total_net_repl_output_bytes") {
        return Err(Skip::not_applicable(
            "answers and replication are counted together before 7.0",
        ));
    }
    let (mean, rate) = (sent / commands, sent / window.seconds);
    let name = redis.name();
    let (largest, most) = (cx.limit_for(&MEAN, name), cx.limit_for(&RATE, name));
    if mean < largest || rate < most {
        return Ok(Vec::new());
    }
    let source = "INFO stats, over the window";
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "answers are {} on average, {} a second in all",
                words::bytes(mean),
                words::bytes(rate)
            ),
            "Read only what is needed, compress large values, or keep what is large elsewhere.",
        )
        .with(Evidence::new("mean answer", mean, Unit::Bytes, source).against(largest))
        .with(Evidence::new("sent", rate, Unit::BytesPerSecond, source).against(most))
        .with(Evidence::new("commands", commands / window.seconds, Unit::PerSecond, source))
        .with(Evidence::new("window", window.seconds, Unit::Seconds, "two looks"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, severity, window},
        testing,
    };

    /// Ten seconds.
    fn with(sent: i64, commands: i64, replicated: Option<i64>, replicas: &str) -> Snapshot {
        built_with(&[("connected_slaves", replicas)], &[], |redis| {
            let mut counters =
                vec![("total_net_output_bytes", sent), ("total_commands_processed", commands)];
            counters.extend(replicated.map(|bytes| ("total_net_repl_output_bytes", bytes)));
            window(redis, &counters);
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |sent, commands| severity(&CHECK, &with(sent, commands, None, "0"));
        assert_eq!(of(209_715_200, 12_800), Some(Severity::Warning));
        assert_eq!(of(209_715_200, 12_801), None, "many small ones");
        assert_eq!(of(209_715_199, 100), None, "few large ones");
    }

    #[test]
    fn replication_is_no_answer() {
        assert_eq!(severity(&CHECK, &with(900_000_000, 100, Some(900_000_000), "1")), None);
        assert!(!testing::skipped(&CHECK, &with(900_000_000, 100, None, "1")).is_gap());
        let skip = testing::skipped(&CHECK, &built(&[], &[]));
        assert_eq!(skip.0.remedy.as_deref(), Some("run with --interval 10s"));
    }
}
