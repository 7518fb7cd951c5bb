//! Disks that answer slowly.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, host::DiskUse};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    host::sampled::{self, MIN_WINDOW},
    skip::Judged,
    view::HostView,
    words,
};

/// Mean time of a request to a device.
pub static CHECK: Check = Check {
    id: "host-disk-latency",
    title: "Disk slow",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&LATENCY, &MIN_RATE, &MIN_WINDOW],
    fix: None,
    explain: "\
## What it detects
Over a window of at least `min_window_seconds` a device served at least `min_requests_per_second`
requests and took at least `max_latency_ms` for each on average.

## Why it matters
Every read that misses the caches and every commit waits that long.

## How to fix
Look whether the device is at its limit (`host-disk-busy`), throttled by its provider, or failing (kernel
log, SMART). Read and write less: indexes, larger caches, fewer checkpoints.

## When to ignore
Spinning disks under sequential work: backups, bulk loads.

## References
Linux kernel documentation: I/O statistics fields.
",
    run: Run::Host(run),
};

static LATENCY: Threshold = Threshold {
    key: "max_latency_ms",
    unit: Unit::Ms,
    default: 20.0,
    strict: Some(5.0),
    range: (0.01, 10_000.0),
    why: "twice what a spinning disk needs for a random request: no healthy device takes that long",
};

static MIN_RATE: Threshold = Threshold {
    key: "min_requests_per_second",
    unit: Unit::PerSecond,
    default: 10.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a device asked once a minute may have been asleep",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    Ok(sampled::disks(view, cx)?.iter().filter_map(|disk| finding(cx, disk)).collect())
}

fn finding(cx: &Context<'_>, disk: &DiskUse) -> Option<Finding> {
    let name = disk.device.as_str();
    let (latency, limit) = (disk.latency_ms?, cx.limit_for(&LATENCY, name));
    let requests = disk.reads_per_second + disk.writes_per_second;
    if latency < limit || requests < cx.limit_for(&MIN_RATE, name) {
        return None;
    }
    let source = "/proc/diskstats, two looks";
    Some(
        cx.finding(
            Severity::Warning,
            Subject::new("disk", name),
            format!(
                "a request to {name} took {} on average, at {} requests a second",
                words::millis(latency),
                words::count(requests)
            ),
            "Look whether the device is at its limit, throttled by its provider, or failing.",
        )
        .with(Evidence::new("latency", latency, Unit::Ms, source).against(limit))
        .with(
            Evidence::new("requests", requests, Unit::PerSecond, source)
                .against(cx.limit_for(&MIN_RATE, name)),
        )
        .with(Evidence::new("busy", disk.busy_ratio, Unit::Ratio, source))
        .with(Evidence::new("window", disk.window_seconds, Unit::Seconds, source)),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::{
        Profile, Settings,
        testing::{self, edit},
    };

    fn with(latency_ms: Option<f64>, reads_per_second: f64, window_seconds: f64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.disks) = vec![DiskUse {
                device: "sda".into(),
                window_seconds,
                reads_per_second,
                latency_ms,
                ..DiskUse::default()
            }];
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(Some(20.0), 10.0, 5.0)).len(), 1);
        assert!(testing::findings(&CHECK, &with(Some(19.9), 10.0, 5.0)).is_empty());
        assert!(testing::findings(&CHECK, &with(Some(20.0), 9.9, 5.0)).is_empty(), "asleep");
        assert!(testing::findings(&CHECK, &with(None, 0.0, 5.0)).is_empty(), "nothing asked");
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        let found = testing::findings_with(&CHECK, &with(Some(5.0), 10.0, 5.0), &strict);
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn a_glimpse_proves_nothing() {
        assert!(!testing::skipped(&CHECK, &with(Some(50.0), 50.0, 1.0)).is_gap());
        let hidden =
            testing::host(|host, _| host.disks = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
