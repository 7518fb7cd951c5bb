//! Somebody watches every command.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit, redis::Client};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// Flag `O` of `CLIENT LIST`.
pub static CHECK: Check = Check {
    id: "redis-monitor-running",
    title: "MONITOR is running",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["clients"],
    uses: &[],
    thresholds: &[&AGE],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
Connections that have been in `MONITOR` for `age_seconds` or longer.

## Why it matters
Each command is then written a second time, to each of them: throughput falls by up to half, and one that reads slowly fills
the memory of the server. Whoever listens sees every key and value.

## How to fix
End it. Slow commands are in the slow log, hot keys in a sample, what an application does in its own traces.

## When to ignore
Never for long.

## References
Redis documentation: MONITOR, Cost of running MONITOR.
",
    run: Run::Redis(run),
};

static AGE: Threshold = Threshold {
    key: "age_seconds",
    unit: Unit::Seconds,
    default: 10.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a glance is over in ten seconds; what is still there was forgotten",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let clients = redis.clients()?;
    let limit = cx.limit_for(&AGE, redis.name());
    let is_monitor =
        |client: &&Client| client.flags.contains('O') && client.age_seconds as f64 >= limit;
    let all: Vec<&Client> = clients.iter().filter(is_monitor).collect();
    let Some(oldest) = all.iter().max_by_key(|client| client.age_seconds) else {
        return Ok(Vec::new());
    };
    let held = |client: &Client| client.total_memory_bytes.unwrap_or(client.output_buffer_bytes);
    let memory: f64 = all.iter().map(|client| held(client) as f64).sum();
    let kill = |client: &&Client| format!("CLIENT KILL ID {}", client.id);
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{} connection(s) have every command sent to them by MONITOR, for up to {}",
                all.len(),
                words::seconds(oldest.age_seconds as f64)
            ),
            "End it: it costs up to half of the throughput, and shows every value to whoever listens.",
        )
        .with(Evidence::new("connections", all.len() as f64, Unit::Count, "CLIENT LIST, flag O"))
        .with(
            Evidence::new("oldest", oldest.age_seconds, Unit::Seconds, "CLIENT LIST").against(limit),
        )
        .with(Evidence::new("from", oldest.address.as_str(), Unit::Text, "CLIENT LIST"))
        .with(Evidence::new("memory held", memory, Unit::Bytes, "CLIENT LIST"))
        .fixed_by(Fix::new(FixKind::Manual, all.iter().map(kill)));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, severity},
        testing::edit,
    };

    #[test]
    fn a_glance_is_none_of_our_business() {
        let of = |flags: &str, age_seconds| {
            built_with(&[], &[], |redis| {
                let client =
                    Client { id: 7, flags: flags.into(), age_seconds, ..Client::default() };
                *edit(&mut redis.clients) = vec![client];
            })
        };
        assert_eq!(severity(&CHECK, &of("O", 9)), None);
        assert_eq!(severity(&CHECK, &of("O", 10)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &of("N", 999)), None);
        assert_eq!(fix(&CHECK, &of("O", 10)).0, ["CLIENT KILL ID 7"]);
    }
}
