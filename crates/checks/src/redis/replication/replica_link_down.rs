//! A replica that does not follow, or is not there.

use dbvitals_model::{Evidence, Finding, Severity, Unit, redis::Info};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `master_link_status` on a replica; on a primary, the replicas that should be connected.
pub static CHECK: Check = Check {
    id: "redis-replica-link-down",
    title: "Replication link is down",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A replica whose link to its primary is down (a warning while it takes its first copy), or a primary with fewer
connected replicas than the configuration expects.

## Why it matters
The replica answers with old data and cannot take over without losing what was written since.

## How to fix
Look at both logs and the network between them: a wrong `masterauth`, a firewall, a primary that moved, a full copy
that never ends because an output buffer limit cuts it off.

## When to ignore
While the primary is restarted.

## References
Redis documentation: Replication.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    if facts::is_replica(redis, info) {
        let status = facts::text(info, "master_link_status")?;
        return Ok(if status == "up" { Vec::new() } else { vec![down(redis, cx, info, status)] });
    }
    let Some(expected) = redis.expectations().replicas.map(f64::from) else {
        return Ok(Vec::new());
    };
    let connected = facts::number(info, "connected_slaves")?;
    if connected >= expected {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Critical,
            facts::server(redis),
            format!("{connected:.0} of {expected:.0} replicas are connected"),
            "Find the replica that is missing: its log, its network, its credentials.",
        )
        .with(
            Evidence::new("connected replicas", connected, Unit::Count, "INFO replication")
                .against(expected),
        );
    Ok(vec![finding])
}

fn down(redis: &RedisView<'_>, cx: &Context<'_>, info: &Info, status: &str) -> Finding {
    let is_copying = info.int("master_sync_in_progress") == Some(1);
    let since = info.number("master_link_down_since_seconds").filter(|seconds| *seconds >= 0.0);
    let for_long = since.map(|seconds| format!(" for {}", words::seconds(seconds)));
    let primary = match (info.text("master_host"), info.text("master_port")) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => "its primary".to_owned(),
    };
    let (severity, message) = if is_copying {
        (Severity::Warning, format!("the replica takes a full copy from {primary}"))
    } else {
        let for_long = for_long.unwrap_or_default();
        (Severity::Critical, format!("the link to {primary} is down{for_long}"))
    };
    let advice = "Look at both logs: credentials, network, a primary that moved, or an output buffer \
                  limit that cuts the copy off.";
    let finding = cx.finding(severity, facts::server(redis), message, advice).with(Evidence::new(
        "master_link_status",
        status,
        Unit::Text,
        "INFO replication",
    ));
    match since {
        Some(since) => {
            finding.with(Evidence::new("down since", since, Unit::Seconds, "INFO replication"))
        }
        None => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, only, severity};

    #[test]
    fn down_is_critical_and_copying_a_warning() {
        let of = |status, copying| {
            let info = [
                ("role", "slave"),
                ("master_host", "10.0.0.1"),
                ("master_port", "6379"),
                ("master_link_status", status),
                ("master_sync_in_progress", copying),
                ("master_link_down_since_seconds", "300"),
            ];
            built(&info, &[])
        };
        assert_eq!(severity(&CHECK, &of("up", "0")), None);
        assert_eq!(severity(&CHECK, &of("down", "1")), Some(Severity::Warning));
        let found = only(&CHECK, &of("down", "0"));
        assert_eq!(found.severity, Severity::Critical);
        assert_eq!(found.message, "the link to 10.0.0.1:6379 is down for 5 min");
    }

    #[test]
    fn a_primary_misses_only_replicas_it_should_have() {
        let of = |connected, expected| {
            let mut snapshot = built(&[("role", "master"), ("connected_slaves", connected)], &[]);
            snapshot.targets[0].expectations.replicas = expected;
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("0", None), None);
        assert_eq!(of("1", Some(1)), None);
        assert_eq!(of("0", Some(1)), Some(Severity::Critical));
    }
}
