//! The queue of connections that wait to be accepted.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
};

/// `tcp-backlog`, against what the kernel allows.
pub static CHECK: Check = Check {
    id: "redis-config-tcp-backlog",
    title: "Setting: tcp-backlog",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["host"],
    thresholds: &[&SMALLEST],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
`tcp-backlog` below `min_connections`, or above `net.core.somaxconn`, to which the kernel silently cuts it.

## Why it matters
When many clients connect at once (after a restart, say) and the queue is full, the kernel drops their requests, and they try
again only after a second or more.

## How to fix
Raise `net.core.somaxconn` and `tcp-backlog` together. The setting is read at start only.

## When to ignore
A few clients that stay connected.

## References
Redis documentation: Clients; `tcp-backlog` in redis.conf.
",
    run: Run::Redis(run),
};

static SMALLEST: Threshold = Threshold {
    key: "min_connections",
    unit: Unit::Count,
    default: 128.0,
    strict: None,
    range: (1.0, 65_535.0),
    why: "the pools of a few application servers connect at once after a restart",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, host) = (redis.config()?, redis.host());
    let present = facts::setting_number(config, "tcp-backlog")?;
    let kernel = host.and_then(|host| host.kernel.value()).and_then(|kernel| kernel.somaxconn);
    let smallest = cx.limit(&SMALLEST);
    let cut = kernel.map(|kernel| kernel as f64).filter(|kernel| *kernel < present);
    if present >= smallest && cut.is_none() {
        return Ok(Vec::new());
    }
    let message = match cut {
        Some(kernel) => format!("the kernel cuts tcp-backlog from {present:.0} to {kernel:.0}"),
        None => format!("only {present:.0} connections can wait to be accepted"),
    };
    let mut finding = cx
        .finding(
            Severity::Info,
            facts::of_setting("tcp-backlog"),
            message,
            "Raise net.core.somaxconn (and make it last in /etc/sysctl.d) and tcp-backlog in \
             redis.conf together, then restart the server.",
        )
        .with(Evidence::new("tcp-backlog", present, Unit::Count, "CONFIG GET").against(smallest));
    if let Some(kernel) = kernel {
        let source = "/proc/sys/net/core/somaxconn";
        finding = finding.with(Evidence::new("net.core.somaxconn", kernel, Unit::Count, source));
    }
    let Some(kernel) = cut else { return Ok(vec![finding]) };
    let fix = Fix::new(FixKind::Manual, [format!("sysctl -w net.core.somaxconn={present:.0}")])
        .locking("none", "nothing; it holds after the server's next start")
        .undone_by([format!("sysctl -w net.core.somaxconn={kernel:.0}")]);
    Ok(vec![finding.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Snapshot, TargetData,
        host::{HostSnapshot, Kernel},
    };

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing::{self, edit},
    };

    fn with(backlog: &str, somaxconn: Option<i64>) -> Snapshot {
        let mut snapshot = built(&[], &[("tcp-backlog", backlog)]);
        let mut host = testing::healthy_host();
        *edit(&mut host.kernel) = Kernel { somaxconn, ..Kernel::default() };
        let host = HostSnapshot { host, serves: vec!["cache".to_owned()] };
        snapshot.targets.push(testing::target("host", TargetData::Host(Box::new(host))));
        snapshot
    }

    #[test]
    fn small_and_cut_queues_are_found() {
        assert_eq!(severity(&CHECK, &with("511", Some(4096))), None);
        assert_eq!(severity(&CHECK, &with("511", None)), None, "the kernel is not known");
        assert_eq!(severity(&CHECK, &with("128", Some(128))), None);
        assert_eq!(severity(&CHECK, &with("127", Some(4096))), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("511", Some(128))), Some(Severity::Info));
        let (statements, undo) = fix(&CHECK, &with("511", Some(128)));
        assert_eq!(statements, ["sysctl -w net.core.somaxconn=511"]);
        assert_eq!(undo, ["sysctl -w net.core.somaxconn=128"]);
    }
}
