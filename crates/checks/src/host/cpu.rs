//! Processors at their limit.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    host::sampled::{self, MIN_WINDOW},
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Busy share of all cores over a window.
pub static CHECK: Check = Check {
    id: "host-cpu",
    title: "CPU busy",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL, &MIN_WINDOW],
    fix: None,
    explain: "\
## What it detects
All cores together were busy for at least `warning_ratio` (or `critical_ratio`) of a window of at least
`min_window_seconds`. Waiting for disks does not count as busy.

## Why it matters
Above 70 % work begins to queue for a core, and every statement takes longer than it needs.

## How to fix
Find the statements that take most time; a missing index burns more CPU than anything else. Then look at
what else runs on the machine, and at the share stolen by other guests of a virtual one.

## When to ignore
Batch windows, and machines sized to be full.

## References
proc(5), `/proc/stat`.
",
    run: Run::Host(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.05, 1.0),
    why: "past 70 % the time spent queueing for a core grows faster than the load",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.05, 1.0),
    why: "at 90 % a small burst more doubles every response time",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let cpu = view.host().cpu.get().map_err(Skip::from)?;
    sampled::long_enough(cpu.window_seconds, cx)?;
    let Some(severity) = cx.above(cpu.busy_ratio, &WARNING, &CRITICAL, view.name()) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = "/proc/stat, two looks";
    let finding = cx
        .finding(
            severity,
            Subject::new("host", view.name()),
            format!(
                "the processors were {} busy over {}",
                words::percent(cpu.busy_ratio),
                words::seconds(cpu.window_seconds)
            ),
            "Look at the statements that take most time, and at what else runs on this machine.",
        )
        .with(
            Evidence::new("busy", cpu.busy_ratio, Unit::Ratio, source)
                .against(cx.limit_for(threshold, view.name())),
        )
        .with(Evidence::new("waiting for disks", cpu.iowait_ratio, Unit::Ratio, source))
        .with(Evidence::new("stolen by other guests", cpu.steal_ratio, Unit::Ratio, source))
        .with(Evidence::new("window", cpu.window_seconds, Unit::Seconds, source));
    Ok(vec![match view.host().cpu_count {
        Some(cores) => {
            finding.with(Evidence::new("cores", i64::from(cores), Unit::Count, "/proc/stat"))
        }
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::CpuUse};

    use super::*;
    use crate::testing::{self, edit};

    fn with(busy_ratio: f64, window_seconds: f64) -> Snapshot {
        testing::host(|host, _| {
            *edit(&mut host.cpu) = CpuUse { window_seconds, busy_ratio, ..CpuUse::default() };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let severity =
            |busy| testing::findings(&CHECK, &with(busy, 5.0)).first().map(|f| f.severity);
        assert_eq!(severity(0.69), None);
        assert_eq!(severity(0.7), Some(Severity::Warning));
        assert_eq!(severity(0.89), Some(Severity::Warning));
        assert_eq!(severity(0.9), Some(Severity::Critical));
    }

    #[test]
    fn a_glimpse_proves_nothing() {
        let skip = testing::skipped(&CHECK, &with(1.0, 4.9));
        assert_eq!(skip.0.remedy.as_deref(), Some("run with --interval 10s"));
        let hidden =
            testing::host(|host, _| host.cpu = Section::unavailable(Reason::Permission, "hidden"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
    }
}
