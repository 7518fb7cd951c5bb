//! Filesystems that fill up.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
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
    thresholds: &[&WARNING, &CRITICAL, &AMPLE],
    fix: None,
    explain: "\
## What it detects
A filesystem that holds data, WAL or a tablespace is taken to at least `warning_ratio` (or
`critical_ratio`), as an unprivileged process sees it. As long as `ample_free_bytes` are free there is no
warning.

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

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let filesystems = view.host().filesystems.get().map_err(Skip::from)?;
    Ok(mounts(filesystems).iter().filter_map(|mount| finding(cx, mount)).collect())
}

fn finding(cx: &Context<'_>, mount: &Mount<'_>) -> Option<Finding> {
    let name = mount.filesystem.mount_point.as_str();
    let total = mount.filesystem.total_bytes as f64;
    let free = mount.filesystem.available_bytes.max(0) as f64;
    if total <= 0.0 {
        return None;
    }
    let used = 1.0 - free / total;
    let severity = cx.above(used, &WARNING, &CRITICAL, name)?;
    if severity == Severity::Warning && free >= cx.limit_for(&AMPLE, name) {
        return None;
    }
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = "statvfs";
    Some(
        cx.finding(
            severity,
            Subject::new("filesystem", name),
            format!(
                "{name} ({}) is {} full; {} are free",
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
        .with(Evidence::new("holds", mount.holds.as_str(), Unit::Text, "settings")),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::Filesystem};

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

    #[test]
    fn is_skipped_where_it_cannot_be_read() {
        let hidden = testing::host(|host, _| {
            host.filesystems = Section::unavailable(Reason::NotApplicable, "remote");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::NotApplicable);
    }
}
