//! Filesystems that fill up.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, host::HostGrowth};
use jiff::Timestamp;

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta::{self, Eta, Needs, Pace},
    host::mounts::{Mount, mounts},
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Share of each filesystem that is taken.
pub static CHECK: Check = Check {
    id: "host-disk-space",
    title: "Filesystem filling up",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[
        &WARNING,
        &CRITICAL,
        &AMPLE,
        &eta::SOON,
        &CRITICAL_DAYS,
        &eta::MIN_SECONDS,
        &HALF,
    ],
    fix: None,
    explain: "\
## What it detects
A filesystem that holds data, WAL or a tablespace is taken to at least `warning_ratio` (or
`critical_ratio`), as an unprivileged process sees it. As long as `ample_free_bytes` are free there is no
warning. Against an earlier snapshot at least `min_observed_seconds` old, also one that will be full within
`warning_days` (or `critical_days`) even if it was watched at its busiest. Watched for less than a day, that is never
critical, and no finding below `min_taken_ratio`: a bulk load is no trend.

## Why it matters
PostgreSQL stops when it cannot write WAL. Getting out of a full disk is slow, because even deleting rows
and vacuuming need space first.

## How to fix
Find what grew: WAL held by a slot or a failing archiver, temporary files, logs, a bloated table. Never
delete anything in `pg_wal` by hand.

## When to ignore
Filesystems that are filled on purpose and cannot grow.

## References
PostgreSQL documentation: Disk Full Failure.
",
    run: Run::Host(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.85,
    strict: None,
    range: (0.1, 1.0),
    why: "leaves room to rebuild a large index or table while somebody orders a disk",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.1, 1.0),
    why: "one large sort or an hour of WAL takes the rest",
};

static AMPLE: Threshold = Threshold {
    key: "ample_free_bytes",
    unit: Unit::Bytes,
    default: 549_755_813_888.0,
    strict: None,
    range: (0.0, 1e15),
    why: "512 GB free are weeks of notice on any ordinary system, however large the disk is",
};

static CRITICAL_DAYS: Threshold = Threshold {
    key: "critical_days",
    unit: Unit::Days,
    default: 7.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a week is a weekend and the days it takes to get a disk",
};

static HALF: Threshold = Threshold {
    key: "min_taken_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "hours of growth on a disk that is half empty are a load, a backup or an index build",
};

/// Growth is counted in steps of one WAL segment.
const STEP_BYTES: f64 = 16_777_216.0;
const DAY: f64 = 86_400.0;

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let filesystems = view.host().filesystems.get().map_err(Skip::from)?;
    let growth = view.host().growth.value();
    let now = view.taken_at();
    Ok(mounts(filesystems).iter().filter_map(|mount| finding(cx, mount, growth, now)).collect())
}

/// When a filesystem is full.
fn date(cx: &Context<'_>, growth: Option<&HostGrowth>, name: &str, free: f64) -> Option<Eta> {
    let growth = growth?;
    let grown = growth.filesystems.iter().find(|one| one.mount_point == name)?.bytes as f64;
    let pace = Pace { grown, seconds: growth.seconds, steps: grown / STEP_BYTES };
    eta::eta(free, pace, Needs::of(cx, 8.0))
}

/// How bad a date is.
fn by_date(cx: &Context<'_>, date: &Eta, used: f64, name: &str) -> Option<Severity> {
    let is_short = date.seconds < DAY;
    if is_short && used < cx.limit_for(&HALF, name) {
        return None;
    }
    if date.latest_days <= cx.limit_for(&CRITICAL_DAYS, name) && !is_short {
        Some(Severity::Critical)
    } else if date.latest_days <= cx.limit_for(&eta::SOON, name) {
        Some(Severity::Warning)
    } else {
        None
    }
}

fn finding(
    cx: &Context<'_>,
    mount: &Mount<'_>,
    growth: Option<&HostGrowth>,
    now: Timestamp,
) -> Option<Finding> {
    let name = mount.filesystem.mount_point.as_str();
    let total = mount.filesystem.total_bytes as f64;
    let free = mount.filesystem.available_bytes.max(0) as f64;
    if total <= 0.0 {
        return None;
    }
    let used = 1.0 - free / total;
    let by_share = cx
        .above(used, &WARNING, &CRITICAL, name)
        .filter(|severity| *severity == Severity::Critical || free < cx.limit_for(&AMPLE, name));
    let date = date(cx, growth, name, free);
    let soon = date.filter(|date| by_date(cx, date, used, name).is_some());
    let severity = by_share.max(soon.and_then(|date| by_date(cx, &date, used, name)))?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = "statvfs";
    let end =
        soon.map_or_else(String::new, |date| format!("; at this pace it is full {}", date.when()));
    let found = cx
        .finding(
            severity,
            Subject::new("filesystem", name),
            format!(
                "{name} ({}) is {} full; {} are free{end}",
                mount.holds,
                words::percent(used),
                words::bytes(free)
            ),
            "Find what grew: WAL held by a slot or the archiver, temporary files, logs, bloat. \
             Never delete files in pg_wal by hand.",
        )
        .with(
            Evidence::new("taken", used, Unit::Ratio, source)
                .against(cx.limit_for(threshold, name)),
        )
        .with(Evidence::new("free", free, Unit::Bytes, source).against(cx.limit_for(&AMPLE, name)))
        .with(Evidence::new("size", total, Unit::Bytes, source))
        .with(Evidence::new("holds", mount.holds.as_str(), Unit::Text, "settings"));
    Some(match date {
        Some(date) => date.told(found, Unit::Bytes, now, "statvfs twice"),
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        host::{Filesystem, FilesystemGrowth},
    };

    use super::*;
    use crate::testing::{self, edit};

    fn with(available_bytes: i64, total_bytes: i64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.filesystems) = vec![Filesystem {
                mount_point: "/data".into(),
                purpose: "data".into(),
                total_bytes,
                available_bytes,
                ..Filesystem::default()
            }];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(severity(&with(151, 1000)), None);
        assert_eq!(severity(&with(150, 1000)), Some(Severity::Warning));
        assert_eq!(severity(&with(51, 1000)), Some(Severity::Warning));
        assert_eq!(severity(&with(49, 1000)), Some(Severity::Critical));
        assert_eq!(severity(&with(0, 0)), None);
    }

    #[test]
    fn a_seventh_of_a_huge_disk_is_plenty() {
        let terabyte = 1_i64 << 40;
        assert_eq!(severity(&with(terabyte, 10 * terabyte)), None);
        assert_eq!(severity(&with(terabyte / 2 - 1, 5 * terabyte)), Some(Severity::Warning));
        assert_eq!(severity(&with(terabyte, 100 * terabyte)), Some(Severity::Critical));
    }

    /// A disk of 1 TB, with so much free, that took so much in so many days.
    fn filling(free_gb: i64, grown_gb: i64, days: f64) -> Option<Severity> {
        let gb = 1_i64 << 30;
        let mut snapshot = with(free_gb * gb, 1024 * gb);
        if let dbvitals_model::TargetData::Host(host) = &mut snapshot.targets[0].data {
            let growth = edit(&mut host.host.growth);
            growth.seconds = days * DAY;
            growth.filesystems =
                vec![FilesystemGrowth { mount_point: "/data".into(), bytes: grown_gb * gb }];
        }
        severity(&snapshot)
    }

    #[test]
    fn a_near_end_is_told_before_the_disk_is_full() {
        assert_eq!(filling(500, 70, 7.0), None, "50 days");
        assert_eq!(filling(200, 70, 7.0), Some(Severity::Warning), "20 days, 27 at the latest");
        assert_eq!(filling(450, 700, 7.0), Some(Severity::Critical), "4.5 days, 6.2");
    }

    #[test]
    fn traps_of_growth() {
        assert_eq!(filling(700, 100, 1.0 / 24.0), None, "a load on a disk that is half empty");
        assert_eq!(filling(400, 100, 1.0 / 24.0), Some(Severity::Warning), "never critical");
        assert_eq!(filling(400, 100, 1.0 / 25.0), None, "less than an hour");
        assert_eq!(filling(400, -100, 7.0), None, "it shrinks");
        assert_eq!(filling(400, 0, 7.0), None, "it rests");
    }

    #[test]
    fn is_skipped_where_it_cannot_be_read() {
        let hidden = testing::host(|host, _| {
            host.filesystems = Section::unavailable(Reason::NotApplicable, "remote");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::NotApplicable);
    }
}
