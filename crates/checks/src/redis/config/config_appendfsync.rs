//! When the append-only file is forced to the disk.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
};

/// `appendfsync` and `no-appendfsync-on-rewrite`.
pub static CHECK: Check = Check {
    id: "redis-config-appendfsync",
    title: "Setting: appendfsync",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["config"],
    uses: &["info"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The append-only file is on with `appendfsync no`, with `appendfsync always`, or with `no-appendfsync-on-rewrite yes`.

## Why it matters
`no` leaves it to the kernel, which may keep half a minute of writes in memory; so does the last setting while a rewrite runs.
`always` makes every write wait for the disk.

## How to fix
`everysec` loses a second at most and costs little.

## When to ignore
`always` where not one write may be lost; the others where half a minute may.

## References
Redis documentation: Persistence, How durable is the append only file.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, info) = (redis.config()?, redis.info().ok());
    let is_on = facts::setting(config, "appendonly")? == "yes";
    let fsync = facts::setting(config, "appendfsync")?;
    if !is_on {
        return Err(Skip::not_applicable("the append-only file is off"));
    }
    let (name, message, wanted) = if fsync == "no" {
        (
            "appendfsync",
            "a crash may lose half a minute of writes: the kernel decides when to sync",
            "everysec",
        )
    } else if fsync == "always" {
        ("appendfsync", "every write waits for the disk", "everysec")
    } else if config.is_yes("no-appendfsync-on-rewrite") == Some(true) {
        (
            "no-appendfsync-on-rewrite",
            "while a rewrite runs, a crash may lose half a minute of writes",
            "no",
        )
    } else {
        return Ok(Vec::new());
    };
    let present = config.text(name).unwrap_or_default();
    let finding = cx
        .finding(
            Severity::Info,
            facts::of_setting(name),
            format!("{message}: {name} {present}"),
            format!("Set {name} {wanted}, unless it was chosen on purpose."),
        )
        .with(Evidence::new(name, present, Unit::Text, "CONFIG GET"));
    Ok(vec![config_fix::set(finding, FixKind::Review, info, Some(config), &[(name, wanted)])])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    fn with(appendonly: &str, fsync: &str, on_rewrite: &str) -> Snapshot {
        let config = [
            ("appendonly", appendonly),
            ("appendfsync", fsync),
            ("no-appendfsync-on-rewrite", on_rewrite),
        ];
        built(&[], &config)
    }

    #[test]
    fn every_second_is_the_usual_choice() {
        assert_eq!(severity(&CHECK, &with("yes", "everysec", "no")), None);
        for (fsync, on_rewrite) in [("no", "no"), ("always", "no"), ("everysec", "yes")] {
            assert_eq!(severity(&CHECK, &with("yes", fsync, on_rewrite)), Some(Severity::Info));
        }
        assert!(!testing::skipped(&CHECK, &with("no", "always", "no")).is_gap());
    }

    #[test]
    fn the_fix_follows_the_setting() {
        let (statements, undo) = fix(&CHECK, &with("yes", "always", "no"));
        assert_eq!(statements, ["CONFIG SET appendfsync everysec", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET appendfsync always", "CONFIG REWRITE"]);
        let (statements, _) = fix(&CHECK, &with("yes", "everysec", "yes"));
        assert_eq!(statements[0], "CONFIG SET no-appendfsync-on-rewrite no");
    }
}
