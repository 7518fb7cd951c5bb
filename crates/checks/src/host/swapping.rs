//! Memory that moves to and from the disk.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
    words,
};

/// Pages swapped per second.
pub static CHECK: Check = Check {
    id: "host-swapping",
    title: "Swapping",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&RATE],
    fix: None,
    explain: "\
## What it detects
At least `max_pages_per_second` pages moved between memory and swap during the window. Pages that lie in
swap and are never asked for again do no harm and are not reported.

## Why it matters
A database that waits for its own memory to come back from disk is a thousand times slower than one
that reads the disk on purpose.

## How to fix
Make room: lower `work_mem`, connections or `maxmemory`. `vm.swappiness = 1` makes the kernel drop caches
before it takes memory from processes.

## When to ignore
Never on a database host, if it lasts.

## References
proc(5), `/proc/vmstat`, `pswpin`, `pswpout`.
",
    run: Run::Host(run),
};

static RATE: Threshold = Threshold {
    key: "max_pages_per_second",
    unit: Unit::PerSecond,
    default: 10.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a kernel tidying away what sleeps moves a few pages; tens a second are missed by somebody",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let memory = view.host().memory.get().map_err(Skip::from)?;
    if memory.swap_total_bytes <= 0 {
        return Ok(Vec::new());
    }
    let Some(rate) = memory.swap_pages_per_second else {
        return Err(Skip::needs_window());
    };
    if rate < cx.limit_for(&RATE, view.name()) {
        return Ok(Vec::new());
    }
    let used = memory.swap_total_bytes.saturating_sub(memory.swap_free_bytes).max(0);
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("host", view.name()),
            format!("{} pages a second move between memory and swap", words::count(rate)),
            "Make room: lower work_mem, connections or maxmemory. Set vm.swappiness to 1.",
        )
        .with(
            Evidence::new("pages swapped", rate, Unit::PerSecond, "/proc/vmstat, two looks")
                .against(cx.limit_for(&RATE, view.name())),
        )
        .with(Evidence::new("swap used", used, Unit::Bytes, "/proc/meminfo"))
        .with(Evidence::new(
            "memory available",
            memory.available_bytes,
            Unit::Bytes,
            "/proc/meminfo",
        ));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::Memory};

    use super::*;
    use crate::testing::{self, edit};

    fn with(swap_pages_per_second: Option<f64>) -> Snapshot {
        testing::host(|host, _| {
            let swap_total_bytes = 1 << 30;
            *edit(&mut host.memory) =
                Memory { swap_total_bytes, swap_pages_per_second, ..Memory::default() };
        })
    }

    #[test]
    fn the_threshold_has_two_sides() {
        assert_eq!(testing::findings(&CHECK, &with(Some(10.0))).len(), 1);
        assert!(testing::findings(&CHECK, &with(Some(9.9))).is_empty());
        assert!(testing::findings(&CHECK, &with(Some(0.0))).is_empty(), "a full swap at rest");
    }

    #[test]
    fn needs_a_window_unless_there_is_no_swap() {
        assert_eq!(testing::skipped(&CHECK, &with(None)), Skip::needs_window());
        assert!(testing::findings(&CHECK, &testing::host(|_, _| {})).is_empty());
        let hidden =
            testing::host(|host, _| host.memory = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
