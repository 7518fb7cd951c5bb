//! Connections refused for want of room.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        config_fix,
        counted::{self, counted},
        facts,
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `rejected_connections`.
pub static CHECK: Check = Check {
    id: "redis-rejected-connections",
    title: "Connections were refused",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config", "window"],
    thresholds: &[&counted::RECENT],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Connections refused because `maxclients` was reached, in a window or since the start; as information when that is longer
ago than `recent_seconds`.

## Why it matters
Each was a client that could not work.

## How to fix
Find out who opens so many connections; pools that are too large, or none at all. Then raise `maxclients`.

## When to ignore
A storm whose cause is known and gone.

## References
Redis documentation: Clients, Maximum concurrent connected clients.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config, window) = (redis.info()?, redis.config().ok(), redis.window().ok());
    facts::number(info, "rejected_connections")?;
    let refused = counted(redis, info, window, "rejected_connections");
    let Some(refused) = refused.filter(|refused| refused.count > 0.0) else {
        return Ok(Vec::new());
    };
    let finding = cx
        .finding(
            refused.severity(Severity::Warning, cx),
            facts::server(redis),
            format!(
                "{} connections were refused {}: maxclients was reached",
                words::count(refused.count),
                refused.when()
            ),
            "Find out who opens so many connections, and shrink or add pools; raise maxclients last.",
        )
        .with(Evidence::new(
            "refused",
            refused.count,
            Unit::Count,
            refused.source("INFO stats"),
        ))
        .with(refused.age());
    let Some(limit) = info.number("maxclients").filter(|limit| *limit > 0.0) else {
        return Ok(vec![finding]);
    };
    let finding = finding.with(Evidence::new("maxclients", limit, Unit::Count, "INFO clients"));
    let wanted = format!("{:.0}", limit * 2.0);
    let changes = [("maxclients", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built_with, fix, severity, window};

    #[test]
    fn recent_refusals_are_a_warning() {
        let of = |refused, uptime| {
            let info = [("rejected_connections", refused), ("maxclients", "50")];
            built_with(&info, &[("maxclients", "50")], |redis| redis.server.uptime_seconds = uptime)
        };
        assert_eq!(severity(&CHECK, &of("0", 60)), None);
        assert_eq!(severity(&CHECK, &of("1", 86_400)), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &of("1", 86_401)), Some(Severity::Info));
        let (statements, undo) = fix(&CHECK, &of("1", 60));
        assert_eq!(statements, ["CONFIG SET maxclients 100", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxclients 50", "CONFIG REWRITE"]);
    }

    #[test]
    fn the_window_counts_before_the_past() {
        let of = |grown| {
            severity(
                &CHECK,
                &built_with(&[("rejected_connections", "900")], &[], |redis| {
                    window(redis, &[("rejected_connections", grown)]);
                }),
            )
        };
        assert_eq!(of(0), None);
        assert_eq!(of(1), Some(Severity::Warning));
    }
}
