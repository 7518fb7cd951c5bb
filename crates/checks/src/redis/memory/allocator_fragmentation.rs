//! Holes inside the allocator's pages.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// `allocator_frag_ratio`: pages in use against what was asked for.
pub static CHECK: Check = Check {
    id: "redis-allocator-fragmentation",
    title: "Holes in the allocator's pages",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&INFO, &WARNING, &MIN_WASTE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The allocator's active pages above `info_factor` (or `warning_factor`) times what was allocated in them,
with more than `min_waste_bytes` lost.

## Why it matters
Deleted and resized values leave holes that other sizes cannot fill. The memory is lost until the values
around them are moved.

## How to fix
Switch `activedefrag` on, best while traffic is low. Builds with the system's jemalloc refuse it; a restart,
replica first, packs the values anew. Values of similar sizes and fewer in-place growths keep it away.

## When to ignore
Right after a mass deletion that will be refilled.

## References
Redis documentation: INFO, section memory; `activedefrag` in redis.conf.
",
    run: Run::Redis(run),
};

static INFO: Threshold = Threshold {
    key: "info_factor",
    unit: Unit::Factor,
    default: 1.1,
    strict: None,
    range: (1.0, 100.0),
    why: "a tenth lost in holes is where the server's own memory report begins to speak of it",
};

static WARNING: Threshold = Threshold {
    key: "warning_factor",
    unit: Unit::Factor,
    default: 1.4,
    strict: None,
    range: (1.0, 100.0),
    why: "the same factor from which resident memory as a whole counts as fragmented",
};

static MIN_WASTE: Threshold = Threshold {
    key: "min_waste_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (5_242_880.0, 1e13),
    why: "below ten megabytes nothing is gained by moving values",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let allocator = facts::text(info, "mem_allocator")?;
    let ratio = facts::number(info, "allocator_frag_ratio")?;
    let waste = facts::number(info, "allocator_frag_bytes")?;
    if !allocator.starts_with("jemalloc") {
        // Others do not tell: the server then shows resident memory in the place of their pages.
        return Err(Skip::not_applicable(format!("{allocator} does not tell what its pages hold")));
    }
    let name = redis.name();
    if ratio <= cx.limit_for(&INFO, name) || waste <= cx.limit_for(&MIN_WASTE, name) {
        return Ok(Vec::new());
    }
    let is_warning = ratio > cx.limit_for(&WARNING, name);
    let (severity, limit) =
        if is_warning { (Severity::Warning, &WARNING) } else { (Severity::Info, &INFO) };
    let lost = words::bytes(waste);
    let finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!("{lost} are lost in holes: pages are {ratio:.2} times what they hold"),
            "Switch active defragmentation on in a quiet hour; it takes CPU while it works.",
        )
        .with(
            Evidence::new("allocator fragmentation", ratio, Unit::Factor, "INFO memory")
                .against(cx.limit_for(limit, name)),
        )
        .with(
            Evidence::new("lost in holes", waste, Unit::Bytes, "INFO memory")
                .against(cx.limit_for(&MIN_WASTE, name)),
        )
        .promising(format!("frees up to {lost}"));
    let is_on = config.and_then(|config| config.is_yes("activedefrag")) == Some(true);
    if is_on {
        return Ok(vec![finding]);
    }
    let changes = [("activedefrag", "yes")];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, edited, fix, only, severity},
        testing::{self, edit},
    };

    fn with(ratio: &str, waste: &str, defrag: &str) -> Snapshot {
        let info = [
            ("allocator_frag_ratio", ratio),
            ("allocator_frag_bytes", waste),
            ("mem_allocator", "jemalloc-5.2.1"),
        ];
        built(&info, &[("activedefrag", defrag)])
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(severity(&CHECK, &with("1.10", "20000000", "no")), None);
        assert_eq!(severity(&CHECK, &with("1.11", "20000000", "no")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("1.40", "20000000", "no")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with("1.41", "20000000", "no")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with("3.0", "10485760", "no")), None, "too little to matter");
        assert_eq!(severity(&CHECK, &with("3.0", "10485761", "no")), Some(Severity::Warning));
    }

    #[test]
    fn another_allocator_does_not_tell() {
        let libc = edited(with("4.91", "90000000", "no"), |redis| {
            edit(&mut redis.info).fields.insert("mem_allocator".into(), "libc".into());
        });
        assert!(!testing::skipped(&CHECK, &libc).is_gap());
    }

    #[test]
    fn offers_defragmentation_only_where_it_is_off() {
        let (statements, undo) = fix(&CHECK, &with("1.5", "20000000", "no"));
        assert_eq!(statements, ["CONFIG SET activedefrag yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET activedefrag no", "CONFIG REWRITE"]);
        assert!(only(&CHECK, &with("1.5", "20000000", "yes")).fix.is_none());
    }
}
