//! Keys pushed out by the memory limit.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        counted::{self, counted},
        facts,
        memory::write_commands,
        role::{Kind, role},
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `evicted_keys` against the commands that store data.
pub static CHECK: Check = Check {
    id: "redis-evictions",
    title: "Keys are evicted",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&CRITICAL, &counted::RECENT],
    fix: None,
    explain: "\
## What it detects
Keys evicted to stay below `maxmemory`. Critical when, within a window, they exceed `critical_ratio` of the
commands that store data. On a cache, whose trade it is, only information: whether it hurts is the business of
`redis-cache-thrash`. Without a window the count since the start is used, as information when that is longer ago than `recent_seconds`.

## Why it matters
On a store an eviction is lost data. On a cache it is a miss to come: when many keys go before they are read
again, the database behind pays for each.

## How to fix
Raise `maxmemory` if the machine allows it, shorten times to live, store less per key, or move what must not
be lost to a server that never evicts.

## When to ignore
A cache whose hit ratio stays where it should be.

## References
Redis documentation: Key eviction.
",
    run: Run::Redis(run),
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 100.0),
    why: "one key lost for every twenty written means that the limit, not expiry, decides what stays",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    let Some(evicted) = counted(redis, info, window, "evicted_keys").filter(|c| c.count > 0.0)
    else {
        facts::number(info, "evicted_keys")?;
        return Ok(Vec::new());
    };
    let role = role(redis, info);
    let commands = if evicted.in_window {
        window.map_or(&[][..], |window| &window.commands)
    } else {
        &info.commands
    };
    let writes = write_commands::calls(commands);
    let share = (writes > 0.0).then(|| evicted.count / writes);
    let limit = cx.limit_for(&CRITICAL, redis.name());
    let is_heavy = evicted.in_window && share.is_some_and(|share| share > limit);
    let severity = match (is_heavy, role.kind == Kind::Cache) {
        (true, false) => Severity::Critical,
        (false, false) => evicted.severity(Severity::Warning, cx),
        (_, true) => Severity::Info,
    };
    let of_writes = share.map(|share| format!(", {} of writes", words::percent(share)));
    let mut finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "{} keys were evicted {}{}",
                words::count(evicted.count),
                evicted.when(),
                of_writes.unwrap_or_default()
            ),
            if role.kind == Kind::Cache {
                "Watch the hit ratio. If it falls, raise maxmemory or shorten times to live."
            } else {
                "Raise maxmemory, shorten times to live, or move what must not be lost elsewhere."
            },
        )
        .with(Evidence::new(
            "evicted keys",
            evicted.count,
            Unit::Count,
            evicted.source("INFO stats"),
        ))
        .with(Evidence::new("per second", evicted.per_second(), Unit::PerSecond, "INFO stats"))
        .with(evicted.age());
    if let Some(share) = share {
        let source = evicted.source("INFO commandstats");
        finding = finding
            .with(Evidence::new("share of writes", share, Unit::Ratio, source).against(limit));
    }
    let purpose = format!("{:?}: {}", role.kind, role.why).to_lowercase();
    Ok(vec![finding.with(Evidence::new("purpose", purpose, Unit::Text, "inferred or told"))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::CommandStat};

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, severity, told, window},
        testing::edit,
    };

    fn in_window(evicted: i64, writes: i64) -> Snapshot {
        built_with(&[("evicted_keys", "900")], &[], |redis| {
            window(redis, &[("evicted_keys", evicted)]);
            let set = CommandStat { name: "set".into(), calls: writes, ..Default::default() };
            edit(&mut redis.window).commands = vec![set];
        })
    }

    #[test]
    fn a_twentieth_of_writes_is_the_limit() {
        assert_eq!(severity(&CHECK, &in_window(0, 100)), None);
        assert_eq!(severity(&CHECK, &in_window(1, 100)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &in_window(5, 100)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &in_window(6, 100)), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &in_window(6, 0)), Some(Severity::Warning), "no division");
    }

    #[test]
    fn evicting_is_a_cache_s_trade() {
        assert_eq!(severity(&CHECK, &told(in_window(1, 100), Some(true))), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &told(in_window(99, 100), Some(true))), Some(Severity::Info));
    }

    #[test]
    fn without_a_window_only_a_recent_start_makes_it_news() {
        let of = |uptime| {
            severity(
                &CHECK,
                &built_with(&[("evicted_keys", "900")], &[], |redis| {
                    redis.server.uptime_seconds = uptime;
                }),
            )
        };
        assert_eq!(of(86_400), Some(Severity::Warning));
        assert_eq!(of(86_401), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &built(&[("evicted_keys", "0")], &[])), None);
    }
}
