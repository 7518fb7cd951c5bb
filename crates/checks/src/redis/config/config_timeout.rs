//! Idle connections closed too early, or never.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
};

/// `timeout`, together with `tcp-keepalive`.
pub static CHECK: Check = Check {
    id: "redis-config-timeout",
    title: "Setting: timeout",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info"],
    thresholds: &[&SHORTEST, &WANTED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`timeout` below `min_seconds` (and not 0), or 0 while `tcp-keepalive` is 0, too.

## Why it matters
A short timeout closes connections that pools hold ready: the next command fails. Neither timeout nor keepalive leaves the
connections of vanished clients open for ever.

## How to fix
0 with keepalive is the usual choice. Where idle connections shall go, `wanted_seconds` is above what pools keep them for.

## When to ignore
Clients that are known to reconnect before each use.

## References
Redis documentation: Clients, Client timeouts.
",
    run: Run::Redis(run),
};

static SHORTEST: Threshold = Threshold {
    key: "min_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (1.0, 86_400.0),
    why: "pools check idle connections once in half a minute to a minute",
};

static WANTED: Threshold = Threshold {
    key: "wanted_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (1.0, 86_400.0),
    why: "longer than pools keep an idle connection without a sign of life",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config()?, redis.info().ok());
    let present = facts::setting_number(config, "timeout")?;
    let keepalive = facts::setting_number(config, "tcp-keepalive")?;
    let shortest = cx.limit(&SHORTEST);
    let is_short = present > 0.0 && present < shortest;
    let is_never = present <= 0.0 && keepalive <= 0.0;
    if !is_short && !is_never {
        return Ok(Vec::new());
    }
    let message = if is_short {
        format!("connections idle for {present:.0} s are closed, also those that pools hold ready")
    } else {
        "connections of vanished clients stay open for ever: neither timeout nor tcp-keepalive"
            .to_owned()
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("timeout"),
            message,
            "Set it longer than pools keep idle connections; or to 0 with tcp-keepalive on.",
        )
        .with(Evidence::new("timeout", present, Unit::Seconds, "CONFIG GET").against(shortest))
        .with(Evidence::new("tcp-keepalive", keepalive, Unit::Seconds, "CONFIG GET"));
    let wanted = format!("{:.0}", cx.limit(&WANTED));
    let changes = [("timeout", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, info, Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, fix, severity};

    #[test]
    fn too_short_and_never_are_found() {
        let of =
            |timeout, keepalive| built(&[], &[("timeout", timeout), ("tcp-keepalive", keepalive)]);
        assert_eq!(severity(&CHECK, &of("0", "300")), None, "the usual choice");
        assert_eq!(severity(&CHECK, &of("0", "0")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &of("59", "300")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &of("60", "0")), None);
        let (statements, undo) = fix(&CHECK, &of("5", "300"));
        assert_eq!(statements, ["CONFIG SET timeout 3600", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET timeout 5", "CONFIG REWRITE"]);
    }
}
