//! Filesystems that run out of inodes.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    host::mounts::{Mount, mounts},
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Share of each filesystem's inodes that is taken.
pub static CHECK: Check = Check {
    id: "host-inodes",
    title: "Filesystem running out of inodes",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
At least `warning_ratio` (or `critical_ratio`) of the inodes of a filesystem that holds data are taken.
Filesystems that make inodes as they need them have no such limit and are passed over.

## Why it matters
Without an inode no file can be made, however much space is free: no table, no WAL segment, no temporary
file.

## How to fix
Find the folder with the many files: old logs, a mail queue, thousands of partitions.

## When to ignore
Hardly ever.

## References
statvfs(3), `f_files`, `f_favail`.
",
    run: Run::Host(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.85,
    strict: None,
    range: (0.1, 1.0),
    why: "the same share that warns for space",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.1, 1.0),
    why: "the same share that is critical for space",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let filesystems = view.host().filesystems.get().map_err(Skip::from)?;
    Ok(mounts(filesystems).iter().filter_map(|mount| finding(cx, mount)).collect())
}

fn finding(cx: &Context<'_>, mount: &Mount<'_>) -> Option<Finding> {
    let name = mount.filesystem.mount_point.as_str();
    let total = mount.filesystem.inodes_total as f64;
    let free = mount.filesystem.inodes_free.max(0) as f64;
    if total <= 0.0 {
        return None;
    }
    let used = 1.0 - free / total;
    let severity = cx.above(used, &WARNING, &CRITICAL, name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    Some(
        cx.finding(
            severity,
            Subject::new("filesystem", name),
            format!(
                "{} of the inodes of {name} ({}) are taken; {} are free",
                words::percent(used),
                mount.holds,
                words::count(free)
            ),
            "Find the folder with the many files and clear it.",
        )
        .with(
            Evidence::new("inodes taken", used, Unit::Ratio, "statvfs")
                .against(cx.limit_for(threshold, name)),
        )
        .with(Evidence::new("inodes free", free, Unit::Count, "statvfs")),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::Filesystem};

    use super::*;
    use crate::testing::{self, edit};

    fn with(inodes_free: i64, inodes_total: i64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.filesystems) = vec![Filesystem {
                mount_point: "/data".into(),
                inodes_free,
                inodes_total,
                ..Filesystem::default()
            }];
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let severity =
            |free| testing::findings(&CHECK, &with(free, 1000)).first().map(|f| f.severity);
        assert_eq!(severity(151), None);
        assert_eq!(severity(150), Some(Severity::Warning));
        assert_eq!(severity(51), Some(Severity::Warning));
        assert_eq!(severity(49), Some(Severity::Critical));
    }

    #[test]
    fn a_filesystem_without_a_fixed_number_has_no_limit() {
        assert!(testing::findings(&CHECK, &with(0, 0)).is_empty());
    }

    #[test]
    fn is_skipped_where_it_cannot_be_read() {
        let hidden = testing::host(|host, _| {
            host.filesystems = Section::unavailable(Reason::NotApplicable, "remote");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::NotApplicable);
    }
}
