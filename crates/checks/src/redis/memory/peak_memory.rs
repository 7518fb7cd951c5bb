//! A peak far above today's use.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
    words,
};

/// `used_memory_peak` against `used_memory`.
pub static CHECK: Check = Check {
    id: "redis-peak-memory",
    title: "Memory peak far above use",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[&FACTOR, &MIN_DIFFERENCE, &MIN_USED],
    fix: None,
    explain: "\
## What it detects
The highest use since the start was above `peak_factor` times today's, by more than
`min_difference_bytes`, on a server that uses more than `min_used_bytes`.

## Why it matters
The machine must be sized for the peak, not for today. After a peak the allocator may keep the memory, which
then looks like fragmentation.

## How to fix
Find what made the peak (a bulk load, a job that copies keys, unread client buffers) and spread it.

## When to ignore
Known seasonal peaks, and a deletion that was meant to be.

## References
Redis documentation: INFO, section memory.
",
    run: Run::Redis(run),
};

static FACTOR: Threshold = Threshold {
    key: "peak_factor",
    unit: Unit::Factor,
    default: 1.5,
    strict: None,
    range: (1.0, 1000.0),
    why: "the factor from which the server's own memory report mentions the peak",
};

static MIN_DIFFERENCE: Threshold = Threshold {
    key: "min_difference_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e13),
    why: "ten megabytes more or less change no plan",
};

static MIN_USED: Threshold = Threshold {
    key: "min_used_bytes",
    unit: Unit::Bytes,
    default: 5_242_880.0,
    strict: None,
    range: (5_242_880.0, 1e13),
    why: "an almost empty server has no use to compare with",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let used = facts::number(info, "used_memory")?;
    let peak = facts::number(info, "used_memory_peak")?;
    let name = redis.name();
    let limit = cx.limit_for(&FACTOR, name);
    let is_small =
        used <= cx.limit_for(&MIN_USED, name) || peak - used <= cx.limit_for(&MIN_DIFFERENCE, name);
    if is_small || peak / used <= limit {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Info,
            facts::server(redis),
            format!(
                "memory once reached {}, {:.1} times today's {}",
                words::bytes(peak),
                peak / used,
                words::bytes(used)
            ),
            "Find what made the peak, and size the machine for it or spread the work.",
        )
        .with(Evidence::new("peak", peak / used, Unit::Factor, "INFO memory").against(limit))
        .with(Evidence::new("used_memory_peak", peak, Unit::Bytes, "INFO memory"))
        .with(
            Evidence::new("used_memory", used, Unit::Bytes, "INFO memory")
                .against(cx.limit_for(&MIN_USED, name)),
        );
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, severity};

    #[test]
    fn every_threshold_has_two_sides() {
        let of = |used, peak| {
            let info = [("used_memory", used), ("used_memory_peak", peak)];
            severity(&CHECK, &built(&info, &[]))
        };
        assert_eq!(of("100000000", "150000000"), None);
        assert_eq!(of("100000000", "150000001"), Some(Severity::Info));
        assert_eq!(of("10000000", "20485760"), None, "ten megabytes are nothing");
        assert_eq!(of("10000000", "20485761"), Some(Severity::Info));
        assert_eq!(of("5242880", "900000000"), None, "below 5 MB figures mean nothing");
        assert_eq!(of("5242881", "900000000"), Some(Severity::Info));
    }
}
