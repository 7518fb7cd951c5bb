//! Memory nearly used up.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Memory that could not be given to a new process without swapping.
pub static CHECK: Check = Check {
    id: "host-memory",
    title: "Memory nearly used up",
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
At least `warning_ratio` (or `critical_ratio`) of the memory is not available: taken by processes,
shared memory and reserved huge pages. Caches the kernel can drop count as available. Inside a container
the limit of its control group is the total.

## Why it matters
Beyond it the kernel swaps, or ends the largest process, which is the database.

## How to fix
Lower `work_mem` or the number of connections, `shared_buffers` last; give Redis a `maxmemory`; move
other software away.

## When to ignore
Machines whose huge pages are reserved for a database on purpose and fit it.

## References
proc(5), `/proc/meminfo`, `MemAvailable`.
",
    run: Run::Host(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.05, 1.0),
    why: "a fifth is what a peak of sorts takes, and what keeps the page cache useful",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.05, 1.0),
    why: "one more large sort, and the kernel has to choose a victim",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let memory = view.host().memory.get().map_err(Skip::from)?;
    let (total, available) = (memory.total_bytes as f64, memory.available_bytes as f64);
    if total <= 0.0 {
        return Err(Skip::not_applicable("the amount of memory is not known"));
    }
    let used = 1.0 - available / total;
    let Some(severity) = cx.above(used, &WARNING, &CRITICAL, view.name()) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = if memory.limited_by_cgroup { "control group" } else { "/proc/meminfo" };
    let finding = cx
        .finding(
            severity,
            Subject::new("host", view.name()),
            format!(
                "{} of {} of memory is taken; {} is available",
                words::percent(used),
                words::bytes(total),
                words::bytes(available)
            ),
            "Lower work_mem or the number of connections, cap Redis with maxmemory, or move other \
             software away.",
        )
        .with(
            Evidence::new("memory taken", used, Unit::Ratio, source)
                .against(cx.limit_for(threshold, view.name())),
        )
        .with(Evidence::new("available", available, Unit::Bytes, source))
        .with(Evidence::new("total", total, Unit::Bytes, source));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::Memory};

    use super::*;
    use crate::testing::{self, edit};

    fn with(available_bytes: i64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.memory) =
                Memory { total_bytes: 1000, available_bytes, ..Memory::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let severity =
            |available| testing::findings(&CHECK, &with(available)).first().map(|f| f.severity);
        assert_eq!(severity(201), None);
        assert_eq!(severity(200), Some(Severity::Warning));
        assert_eq!(severity(51), Some(Severity::Warning));
        assert_eq!(severity(49), Some(Severity::Critical));
    }

    #[test]
    fn is_skipped_where_it_is_unknown() {
        assert!(!testing::skipped(&CHECK, &testing::host(|_, _| {})).is_gap());
        let hidden =
            testing::host(|host, _| host.memory = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
