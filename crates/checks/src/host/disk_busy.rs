//! Disks at their limit.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, host::DiskUse};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    host::sampled::{self, MIN_WINDOW},
    skip::Judged,
    view::HostView,
    words,
};

/// Share of time in which a device had something to do.
pub static CHECK: Check = Check {
    id: "host-disk-busy",
    title: "Disk busy",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&BUSY, &MIN_LATENCY, &MIN_WINDOW],
    fix: None,
    explain: "\
## What it detects
Over a window of at least `min_window_seconds` a device was busy for at least `max_busy_ratio` of the
time, and its requests took at least `min_latency_ms` each. A solid-state disk serves many requests at
once: it can be busy all the time with room for ten times the load, and then its latency stays low.

## Why it matters
At its limit every further request only makes the queue longer: reads, commits and checkpoints wait.

## How to fix
Find the statements that read or spill most; move the WAL to a device of its own; raise the volume's
limits.

## When to ignore
During backups and bulk loads.

## References
Linux kernel documentation: I/O statistics fields.
",
    run: Run::Host(run),
};

static BUSY: Threshold = Threshold {
    key: "max_busy_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.05, 1.0),
    why: "beyond 80 % the queue grows faster than the load",
};

static MIN_LATENCY: Threshold = Threshold {
    key: "min_latency_ms",
    unit: Unit::Ms,
    default: 2.0,
    strict: None,
    range: (0.0, 10_000.0),
    why: "a device that still answers faster than this serves its requests in parallel",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    Ok(sampled::disks(view, cx)?.iter().filter_map(|disk| finding(cx, disk)).collect())
}

fn finding(cx: &Context<'_>, disk: &DiskUse) -> Option<Finding> {
    let name = disk.device.as_str();
    let latency = disk.latency_ms?;
    let limit = cx.limit_for(&BUSY, name);
    if disk.busy_ratio < limit || latency < cx.limit_for(&MIN_LATENCY, name) {
        return None;
    }
    let source = "/proc/diskstats, two looks";
    Some(
        cx.finding(
            Severity::Warning,
            Subject::new("disk", name),
            format!(
                "{name} was busy {} of the time; a request took {}",
                words::percent(disk.busy_ratio),
                words::millis(latency)
            ),
            "Find the statements that read or spill most; move the WAL to a device of its own; \
             look at the volume's limits.",
        )
        .with(Evidence::new("busy", disk.busy_ratio, Unit::Ratio, source).against(limit))
        .with(
            Evidence::new("latency", latency, Unit::Ms, source)
                .against(cx.limit_for(&MIN_LATENCY, name)),
        )
        .with(Evidence::new("reads", disk.reads_per_second, Unit::PerSecond, source))
        .with(Evidence::new("writes", disk.writes_per_second, Unit::PerSecond, source))
        .with(Evidence::new("window", disk.window_seconds, Unit::Seconds, source)),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(busy_ratio: f64, latency_ms: Option<f64>, window_seconds: f64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.disks) = vec![DiskUse {
                device: "sda".into(),
                window_seconds,
                busy_ratio,
                latency_ms,
                ..DiskUse::default()
            }];
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(0.8, Some(2.0), 5.0)).len(), 1);
        assert!(testing::findings(&CHECK, &with(0.79, Some(2.0), 5.0)).is_empty());
    }

    #[test]
    fn a_busy_disk_that_answers_at_once_has_room() {
        assert!(testing::findings(&CHECK, &with(1.0, Some(0.2), 5.0)).is_empty());
        assert!(testing::findings(&CHECK, &with(1.0, None, 5.0)).is_empty());
    }

    #[test]
    fn a_glimpse_proves_nothing() {
        assert!(!testing::skipped(&CHECK, &with(1.0, Some(50.0), 1.0)).is_gap());
        let hidden =
            testing::host(|host, _| host.disks = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
