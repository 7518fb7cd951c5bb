//! An append-only file that is not rewritten.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `aof_current_size` and `aof_base_size`.
pub static CHECK: Check = Check {
    id: "redis-aof-grown",
    title: "Append-only file grown out of proportion",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&GROWTH, &MIN_SIZE],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
An append-only file of at least `min_size_bytes` that is `growth_ratio` times as large as after its last rewrite, or as at the
start.

## Why it matters
A restart plays the whole file back: what could be up in seconds takes minutes. The disk fills meanwhile.

## How to fix
Rewrite it now, in the background, and let the server do it by itself: `auto-aof-rewrite-percentage 100`.

## When to ignore
Where rewrites are run at a fixed time of the day.

## References
Redis documentation: Persistence, Log rewriting.
",
    run: Run::Redis(run),
};

static GROWTH: Threshold = Threshold {
    key: "growth_ratio",
    unit: Unit::Factor,
    default: 4.0,
    strict: None,
    range: (1.1, 1e6),
    why: "left to itself the server rewrites at twice the size",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 268_435_456.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a quarter of a gigabyte is played back in seconds",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    if facts::number(info, "aof_enabled")? <= 0.0 {
        return Err(Skip::not_applicable("there is no append-only file"));
    }
    let size = facts::number(info, "aof_current_size")?;
    let base = facts::number(info, "aof_base_size")?.max(1.0);
    let name = redis.name();
    let (most, least) = (cx.limit_for(&GROWTH, name), cx.limit_for(&MIN_SIZE, name));
    let is_under_way = info.number("aof_rewrite_in_progress").is_some_and(|running| running > 0.0);
    if size < least || size / base < most || is_under_way {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "the append-only file has grown from {} to {} since it was last rewritten",
                words::bytes(base),
                words::bytes(size)
            ),
            "Rewrite it now, and let the server do it by itself from now on.",
        )
        .with(Evidence::new("growth", size / base, Unit::Factor, "INFO persistence").against(most))
        .with(Evidence::new("size", size, Unit::Bytes, "INFO aof_current_size").against(least))
        .with(Evidence::new(
            "size after the last rewrite",
            base,
            Unit::Bytes,
            "INFO aof_base_size",
        ));
    let percentage = config.and_then(|config| config.int("auto-aof-rewrite-percentage"));
    if percentage == Some(0) {
        let changes = [("auto-aof-rewrite-percentage", "100")];
        let mut finding = config_fix::set(finding, FixKind::Safe, Some(info), config, &changes);
        if let Some(fix) = &mut finding.fix {
            fix.statements.push("BGREWRITEAOF".to_owned());
        }
        return Ok(vec![finding]);
    }
    Ok(vec![finding.fixed_by(Fix::new(FixKind::Safe, vec!["BGREWRITEAOF".to_owned()]))])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, fix, severity},
        testing,
    };

    fn with(size: &str, base: &str, percentage: &str) -> Snapshot {
        let info = [("aof_enabled", "1"), ("aof_current_size", size), ("aof_base_size", base)];
        built(&info, &[("auto-aof-rewrite-percentage", percentage)])
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |size, base| severity(&CHECK, &with(size, base, "100"));
        assert_eq!(of("268435455", "1"), None);
        assert_eq!(of("268435456", "67108864"), Some(Severity::Warning));
        assert_eq!(of("268435456", "67108865"), None);
        assert_eq!(of("268435456", "0"), Some(Severity::Warning), "began empty");
    }

    #[test]
    fn the_fix_rewrites_and_switches_rewriting_on() {
        let (statements, undo) = fix(&CHECK, &with("900000000", "1000", "0"));
        let set = "CONFIG SET auto-aof-rewrite-percentage 100";
        assert_eq!(statements, [set, "CONFIG REWRITE", "BGREWRITEAOF"]);
        assert_eq!(undo, ["CONFIG SET auto-aof-rewrite-percentage 0", "CONFIG REWRITE"]);
        assert_eq!(fix(&CHECK, &with("900000000", "1000", "100")).0, ["BGREWRITEAOF"]);
    }

    #[test]
    fn a_rewrite_under_way_is_waited_for() {
        let info = [
            ("aof_enabled", "1"),
            ("aof_current_size", "900000000"),
            ("aof_base_size", "1"),
            ("aof_rewrite_in_progress", "1"),
        ];
        assert_eq!(severity(&CHECK, &built(&info, &[])), None);
        assert!(!testing::skipped(&CHECK, &built(&[("aof_enabled", "0")], &[])).is_gap());
    }
}
