//! Connections close to `maxclients`.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
};

/// `connected_clients` against `maxclients`.
pub static CHECK: Check = Check {
    id: "redis-clients-near-limit",
    title: "Connections near the limit",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Connected clients at or above `warning_ratio` (or `critical_ratio`) of `maxclients`.

## Why it matters
At the limit the server refuses every further connection, also that of an administrator.

## How to fix
Find who holds the connections (`CLIENT LIST`): pools that are too large, connections never closed. Then raise
`maxclients`; the operating system must allow as many files.

## When to ignore
Pools that fill the limit exactly, with nothing else connecting.

## References
Redis documentation: Clients, Maximum concurrent connected clients.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.1, 1.0),
    why: "leaves a fifth for a deployment that doubles its pools while it rolls",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "a tenth is what clients that reconnect take in seconds",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let connected = facts::number(info, "connected_clients")?;
    let limit = info
        .number("maxclients")
        .or_else(|| config?.int("maxclients").map(|limit| limit as f64))
        .filter(|limit| *limit > 0.0)
        .ok_or_else(|| Skip::not_applicable("maxclients is not known"))?;
    let (name, share) = (redis.name(), connected / limit);
    let Some(severity) = cx.above(share, &WARNING, &CRITICAL, name) else { return Ok(Vec::new()) };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!("{connected:.0} of {limit:.0} connections are taken"),
            "Close connections nobody uses and shrink pools; raise maxclients last.",
        )
        .with(
            Evidence::new("use of connections", share, Unit::Ratio, "INFO clients")
                .against(cx.limit_for(threshold, name)),
        )
        .with(Evidence::new("connected", connected, Unit::Count, "INFO clients"))
        .with(Evidence::new("maxclients", limit, Unit::Count, "INFO clients"));
    let wanted = format!("{:.0}", (limit * 2.0).ceil());
    let changes = [("maxclients", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    fn with(connected: &str, limit: &str) -> Snapshot {
        let info = [("connected_clients", connected), ("maxclients", limit)];
        built(&info, &[("maxclients", limit)])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(&CHECK, &with("799", "1000")), None);
        assert_eq!(severity(&CHECK, &with("800", "1000")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("899", "1000")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("900", "1000")), Some(Severity::Critical));
        assert!(!testing::skipped(&CHECK, &with("900", "0")).is_gap());
    }

    #[test]
    fn the_limit_may_come_from_the_settings() {
        let snapshot = built(&[("connected_clients", "90")], &[("maxclients", "100")]);
        assert_eq!(severity(&CHECK, &snapshot), Some(Severity::Critical));
        let (statements, undo) = fix(&CHECK, &snapshot);
        assert_eq!(statements, ["CONFIG SET maxclients 200", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxclients 100", "CONFIG REWRITE"]);
    }
}
