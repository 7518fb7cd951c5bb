//! Dead peers are noticed late or never.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
};

/// `tcp-keepalive`.
pub static CHECK: Check = Check {
    id: "redis-config-tcp-keepalive",
    title: "Setting: tcp-keepalive",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info"],
    thresholds: &[&LONGEST],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
`tcp-keepalive` is 0, or longer than `max_seconds`.

## Why it matters
A client that vanished without a word (a machine lost, a firewall that forgot the connection) keeps its place and its buffers
until the server asks whether it is still there.

## How to fix
Set it to `max_seconds` or less; it holds for new connections.

## When to ignore
Only unix sockets are used.

## References
Redis documentation: Clients, TCP keepalive.
",
    run: Run::Redis(run),
};

static LONGEST: Threshold = Threshold {
    key: "max_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (1.0, 7200.0),
    why: "the server's default; firewalls often forget idle connections after some minutes",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config()?, redis.info().ok());
    let present = facts::setting_number(config, "tcp-keepalive")?;
    let limit = cx.limit(&LONGEST);
    if present > 0.0 && present <= limit {
        return Ok(Vec::new());
    }
    let message = if present > 0.0 {
        format!("a vanished client is noticed only after {present:.0} s")
    } else {
        "a vanished client is never noticed: tcp-keepalive is 0".to_owned()
    };
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("tcp-keepalive"),
            message,
            "Let the server ask its clients now and then whether they are still there.",
        )
        .with(Evidence::new("tcp-keepalive", present, Unit::Seconds, "CONFIG GET").against(limit));
    let wanted = format!("{limit:.0}");
    let changes = [("tcp-keepalive", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Safe, info, Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, fix, severity};

    #[test]
    fn zero_and_too_long_are_found() {
        let of = |value| built(&[], &[("tcp-keepalive", value)]);
        assert_eq!(severity(&CHECK, &of("300")), None);
        assert_eq!(severity(&CHECK, &of("1")), None);
        assert_eq!(severity(&CHECK, &of("301")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &of("0")), Some(Severity::Info));
        let (statements, undo) = fix(&CHECK, &of("0"));
        assert_eq!(statements, ["CONFIG SET tcp-keepalive 300", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET tcp-keepalive 0", "CONFIG REWRITE"]);
    }
}
