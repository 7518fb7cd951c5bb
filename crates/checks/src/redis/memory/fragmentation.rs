//! Resident memory far above what the data take.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Unit,
    redis::{Config, Info},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{config_fix, facts},
    skip::Judged,
    view::RedisView,
    words,
};

/// `mem_fragmentation_ratio`, where it means something.
pub static CHECK: Check = Check {
    id: "redis-fragmentation",
    title: "Fragmented memory",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_WASTE, &MIN_USED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Resident memory above `warning_factor` (or `critical_factor`) times `used_memory`, when more than
`min_waste_bytes` are lost that way and more than `min_used_bytes` are in use.

## Why it matters
The difference is paid for and holds nothing. It brings swapping and the kernel's killer closer, while
`maxmemory` does not see it.

## How to fix
Where the allocator only holds on to free pages (`allocator_rss_ratio`), `MEMORY PURGE` returns them.
Where the pages themselves are full of holes (`allocator_frag_ratio`), active defragmentation moves the
values together; builds with the system's jemalloc refuse it, and then a restart in a quiet hour, replica
first, does the same.

## When to ignore
Shortly after a large deletion or a peak: the allocator reuses what it holds.

## References
Redis documentation: INFO, Memory optimization; `activedefrag` in redis.conf.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_factor",
    unit: Unit::Factor,
    default: 1.4,
    strict: None,
    range: (1.0, 100.0),
    why: "the factor from which the server's own memory report speaks of high fragmentation",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (1.0, 100.0),
    why: "half of the memory held is wasted",
};

static MIN_WASTE: Threshold = Threshold {
    key: "min_waste_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e13),
    why: "a process has some ten megabytes of its own, whatever it holds",
};

static MIN_USED: Threshold = Threshold {
    key: "min_used_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (5_242_880.0, 1e13),
    why: "ratios of small numbers mean nothing",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let ratio = facts::number(info, "mem_fragmentation_ratio")?;
    let used = facts::number(info, "used_memory")?;
    let waste = match info.number("mem_fragmentation_bytes") {
        Some(waste) => waste,
        None => facts::number(info, "used_memory_rss")? - used,
    };
    let name = redis.name();
    if used <= cx.limit_for(&MIN_USED, name)
        || waste <= cx.limit_for(&MIN_WASTE, name)
        || ratio <= cx.limit_for(&WARNING, name)
    {
        return Ok(Vec::new());
    }
    let is_critical = ratio > cx.limit_for(&CRITICAL, name);
    let (severity, limit) =
        if is_critical { (Severity::Critical, &CRITICAL) } else { (Severity::Warning, &WARNING) };
    let (lost, data) = (words::bytes(waste), words::bytes(used));
    let message = format!("resident memory is {ratio:.2} times the {data} in use: {lost} are lost");
    let finding = cx
        .finding(severity, facts::server(redis), message, "")
        .with(
            Evidence::new("fragmentation", ratio, Unit::Factor, "INFO memory")
                .against(cx.limit_for(limit, name)),
        )
        .with(
            Evidence::new("lost", waste, Unit::Bytes, "INFO memory")
                .against(cx.limit_for(&MIN_WASTE, name)),
        )
        .with(
            Evidence::new("used_memory", used, Unit::Bytes, "INFO memory")
                .against(cx.limit_for(&MIN_USED, name)),
        );
    Ok(vec![by_cause(finding, info, config).promising(format!("frees up to {lost}"))])
}

/// Advice by where the memory is lost: in holes inside pages, or in free pages kept. Only jemalloc
/// tells, and only with it can the server do something about either.
fn by_cause(mut finding: Finding, info: &Info, config: Option<&Config>) -> Finding {
    if info.text("mem_allocator").is_none_or(|allocator| !allocator.starts_with("jemalloc")) {
        finding.recommendation = "Restart in a quiet hour, replicas first, which packs the values \
                                  anew. A build with jemalloc fragments less."
            .to_owned();
        return finding;
    }
    let bytes = |name| info.number(name).unwrap_or(0.0);
    let (holes, kept) = (bytes("allocator_frag_bytes"), bytes("allocator_rss_bytes"));
    let measured = [("holes inside pages", holes), ("free pages kept", kept)];
    for (label, value) in measured.into_iter().filter(|(_, value)| *value > 0.0) {
        finding = finding.with(Evidence::new(label, value, Unit::Bytes, "INFO memory"));
    }
    if holes > kept {
        finding.recommendation = "Switch active defragmentation on; it takes CPU while it works. If \
                                  the server refuses (built with the system's jemalloc), restart it \
                                  in a quiet hour, replicas first."
            .to_owned();
        let changes = [("activedefrag", "yes")];
        return config_fix::set(finding, FixKind::Review, Some(info), config, &changes);
    }
    finding.recommendation =
        "Return the allocator's free pages with MEMORY PURGE, which stalls the \
                              server while it runs. If that does not help, restart in a quiet hour."
            .to_owned();
    let purge = Fix::new(FixKind::Review, ["MEMORY PURGE".to_owned()])
        .locking("none", "every command while the allocator returns its pages");
    finding.fixed_by(purge)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, edited, fix, only, severity},
        testing::edit,
    };

    fn with(ratio: &str, waste: &str, used: &str, holes: &str) -> Snapshot {
        let info = [
            ("mem_fragmentation_ratio", ratio),
            ("mem_fragmentation_bytes", waste),
            ("used_memory", used),
            ("allocator_frag_bytes", holes),
            ("allocator_rss_bytes", "50000000"),
            ("mem_allocator", "jemalloc-5.2.1"),
        ];
        built(&info, &[("activedefrag", "no")])
    }

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |ratio, waste, used| severity(&CHECK, &with(ratio, waste, used, "0"));
        assert_eq!(of("1.4", "90000000", "200000000"), None);
        assert_eq!(of("1.41", "90000000", "200000000"), Some(Severity::Warning));
        assert_eq!(of("2.0", "200000000", "200000000"), Some(Severity::Warning));
        assert_eq!(of("2.01", "200000000", "200000000"), Some(Severity::Critical));
        assert_eq!(of("1.5", "10485760", "200000000"), None);
        assert_eq!(of("1.5", "10485761", "200000000"), Some(Severity::Warning));
        assert_eq!(of("1.5", "50000000", "104857600"), None);
        assert_eq!(of("1.5", "50000000", "104857601"), Some(Severity::Warning));
    }

    #[test]
    fn a_small_server_is_never_fragmented() {
        assert_eq!(severity(&CHECK, &with("13.8", "11530384", "941024", "0")), None);
    }

    #[test]
    fn the_fix_follows_the_cause() {
        let kept = with("1.5", "90000000", "200000000", "0");
        assert_eq!(fix(&CHECK, &kept).0, ["MEMORY PURGE"]);
        let holes = with("1.5", "90000000", "200000000", "80000000");
        let (statements, undo) = fix(&CHECK, &holes);
        assert_eq!(statements, ["CONFIG SET activedefrag yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET activedefrag no", "CONFIG REWRITE"]);
        let libc = edited(holes, |redis| {
            edit(&mut redis.info).fields.insert("mem_allocator".into(), "libc".into());
        });
        assert!(only(&CHECK, &libc).fix.is_none());
    }
}
