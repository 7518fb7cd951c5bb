//! Most clients wait.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `blocked_clients` against all connected ones.
pub static CHECK: Check = Check {
    id: "redis-blocked-clients",
    title: "Most clients are blocked",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["clients"],
    thresholds: &[&SHARE, &MIN_BLOCKED],
    fix: None,
    explain: "\
## What it detects
At least `min_blocked` clients, and `share_ratio` or more of all, wait in a blocking command (`BLPOP`, `XREAD BLOCK`,
`WAIT` …).

## Why it matters
Consumers of a queue wait by design. But when nearly everybody waits, producers may have stopped, `WAIT` may find too
few replicas, or there are more consumers than work.

## How to fix
The commands in the evidence tell which it is. Give blocking commands a timeout, so that a consumer notices a broken
connection.

## When to ignore
Idle worker pools.

## References
Redis documentation: BLPOP, XREAD, WAIT; INFO, section clients.
",
    run: Run::Redis(run),
};

static SHARE: Threshold = Threshold {
    key: "share_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.01, 1.0),
    why: "when half of all clients wait, waiting is the main thing they do",
};

static MIN_BLOCKED: Threshold = Threshold {
    key: "min_blocked",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a handful of idle workers is what queues are for",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, clients) = (redis.info()?, redis.clients().ok());
    let blocked = facts::number(info, "blocked_clients")?;
    let connected = facts::number(info, "connected_clients")?.max(blocked);
    let name = redis.name();
    let (least, limit) = (cx.limit_for(&MIN_BLOCKED, name), cx.limit_for(&SHARE, name));
    if blocked < least.max(1.0) || blocked / connected < limit {
        return Ok(Vec::new());
    }
    let mut finding = cx
        .finding(
            Severity::Info,
            facts::server(redis),
            format!("{} of {} clients wait", words::count(blocked), words::count(connected)),
            "See whether producers have stopped, or whether there are more consumers than work.",
        )
        .with(
            Evidence::new("share of clients", blocked / connected, Unit::Ratio, "INFO clients")
                .against(limit),
        )
        .with(Evidence::new("blocked", blocked, Unit::Count, "INFO clients").against(least));
    let mut by_command: BTreeMap<&str, i64> = BTreeMap::new();
    for client in clients.into_iter().flatten().filter(|client| client.flags.contains('b')) {
        *by_command.entry(client.last_command.as_str()).or_default() += 1;
    }
    for (command, count) in by_command {
        let label = format!("waiting in {command}");
        finding = finding.with(Evidence::new(label, count, Unit::Count, "CLIENT LIST"));
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::Client};

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::edit,
    };

    fn with(blocked: &str, connected: &str) -> Snapshot {
        let info = [("blocked_clients", blocked), ("connected_clients", connected)];
        built_with(&info, &[], |redis| {
            let waiting =
                Client { flags: "b".into(), last_command: "blpop".into(), ..Client::default() };
            *edit(&mut redis.clients) = vec![waiting; 2];
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(&CHECK, &with("49", "50")), None);
        assert_eq!(severity(&CHECK, &with("50", "50")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("50", "100")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("50", "101")), None);
    }

    #[test]
    fn tells_what_they_wait_for() {
        let found = only(&CHECK, &with("60", "60"));
        assert_eq!(found.evidence[2].label, "waiting in blpop");
    }
}
