//! Many connections nobody uses.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, FixKind, Severity, Unit, redis::Client};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// Clients idle for long, while `timeout` is 0.
pub static CHECK: Check = Check {
    id: "redis-idle-clients",
    title: "Many idle connections",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["clients"],
    uses: &["config", "info"],
    thresholds: &[&IDLE, &MIN_CLIENTS, &SHARE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
At least `min_clients` ordinary clients, and `share_ratio` or more of all, have sent nothing for `idle_seconds`, and the
server never closes idle connections (`timeout 0`). Subscribers, replicas and clients that wait in a blocking command are
idle by nature and do not count.

## Why it matters
They take memory and places below `maxclients`, and are often left over from clients that are gone: a leak.

## How to fix
Let pools shrink when idle. With `timeout` the server closes what is idle for longer; a pool must then be able to
reconnect.

## When to ignore
Pools sized for a peak that is to come.

## References
Redis documentation: Clients, Client timeouts.
",
    run: Run::Redis(run),
};

static IDLE: Threshold = Threshold {
    key: "idle_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (1.0, 1e9),
    why: "pools ask for a sign of life more often than once an hour",
};

static MIN_CLIENTS: Threshold = Threshold {
    key: "min_clients",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (1.0, 1e6),
    why: "a few sleeping connections cost nothing",
};

static SHARE: Threshold = Threshold {
    key: "share_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.01, 1.0),
    why: "when most connections sleep, there are more than are needed",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (clients, config, info) = (redis.clients()?, redis.config().ok(), redis.info().ok());
    let timeout = config.and_then(|config| config.int("timeout"));
    if timeout.is_some_and(|timeout| timeout > 0) {
        return Ok(Vec::new());
    }
    let name = redis.name();
    let (longest, least) = (cx.limit_for(&IDLE, name), cx.limit_for(&MIN_CLIENTS, name));
    let idle: Vec<_> = clients
        .iter()
        .filter(|client| is_ordinary(client) && client.idle_seconds as f64 > longest)
        .collect();
    let (count, all) = (idle.len() as f64, clients.len() as f64);
    let limit = cx.limit_for(&SHARE, name);
    if count < least.max(1.0) || count / all < limit {
        return Ok(Vec::new());
    }
    let mut finding = cx
        .finding(
            Severity::Info,
            facts::server(redis),
            format!(
                "{count:.0} of {all:.0} connections were not used for {} and are never closed",
                words::seconds(longest)
            ),
            "Let pools shrink when idle, or let the server close idle connections.",
        )
        .with(Evidence::new("idle connections", count, Unit::Count, "CLIENT LIST").against(least))
        .with(Evidence::new("share", count / all, Unit::Ratio, "CLIENT LIST").against(limit));
    for (address, count) in most_common(&idle) {
        let label = format!("idle from {address}");
        finding = finding.with(Evidence::new(label, count, Unit::Count, "CLIENT LIST"));
    }
    let wanted = format!("{longest:.0}");
    let changes = [("timeout", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, info, config, &changes)])
}

/// Neither replica, primary, subscriber, monitor nor blocked.
fn is_ordinary(client: &Client) -> bool {
    client.subscriptions == 0 && !client.flags.contains(['S', 'M', 'P', 'O', 'b'])
}

/// The three addresses with most of them.
fn most_common<'a>(clients: &[&'a Client]) -> Vec<(&'a str, i64)> {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    for client in clients {
        *counts.entry(client.address.as_str()).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(address, count)| (std::cmp::Reverse(*count), *address));
    counts.truncate(3);
    counts
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, severity},
        testing::edit,
    };

    fn with(idle: usize, busy: usize, seconds: i64, flags: &str, timeout: &str) -> Snapshot {
        built_with(&[], &[("timeout", timeout)], |redis| {
            let client = |idle_seconds| Client {
                idle_seconds,
                flags: flags.into(),
                address: "10.0.0.5".into(),
                ..Client::default()
            };
            let mut all = vec![client(seconds); idle];
            all.extend(vec![client(0); busy]);
            *edit(&mut redis.clients) = all;
        })
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |idle, busy, seconds| severity(&CHECK, &with(idle, busy, seconds, "N", "0"));
        assert_eq!(of(50, 50, 3601), Some(Severity::Info));
        assert_eq!(of(50, 50, 3600), None);
        assert_eq!(of(49, 0, 9999), None);
        assert_eq!(of(50, 51, 9999), None);
    }

    #[test]
    fn those_idle_by_nature_do_not_count() {
        for flags in ["P", "S", "b", "O"] {
            assert_eq!(severity(&CHECK, &with(90, 0, 9999, flags, "0")), None, "{flags}");
        }
        assert_eq!(severity(&CHECK, &with(90, 0, 9999, "N", "300")), None, "closed by the server");
    }

    #[test]
    fn the_fix_closes_what_sleeps() {
        let (statements, undo) = fix(&CHECK, &with(90, 0, 9999, "N", "0"));
        assert_eq!(statements, ["CONFIG SET timeout 3600", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET timeout 0", "CONFIG REWRITE"]);
    }
}
