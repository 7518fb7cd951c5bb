//! More processes ready to run than there are cores.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
};

/// Load averages by core.
pub static CHECK: Check = Check {
    id: "host-load",
    title: "Load above the cores",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Info,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&PER_CORE],
    fix: None,
    explain: "\
## What it detects
The load averages over five and over fifteen minutes are both at least `max_load_per_core` times the
number of cores.

## Why it matters
The load counts what runs, what waits for a core and what waits for a disk without a chance to be
interrupted: for a quarter of an hour there was more to do than the machine could.

## How to fix
Look whether it is CPU (`host-cpu`) or disks (`host-disk-busy`), and go on from there.

## When to ignore
Right after a batch job; and in containers, which show the load of the whole machine.

## References
proc(5), `/proc/loadavg`.
",
    run: Run::Host(run),
};

static PER_CORE: Threshold = Threshold {
    key: "max_load_per_core",
    unit: Unit::Factor,
    default: 1.5,
    strict: None,
    range: (0.1, 100.0),
    why: "up to one per core nobody waits; half as much again for a quarter of an hour is a queue",
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let load = view.host().load.get().map_err(Skip::from)?;
    let Some(cores) = view.host().cpu_count.filter(|cores| *cores > 0) else {
        return Err(Skip::not_applicable("the number of cores is not known"));
    };
    let per_core = load.five.min(load.fifteen) / f64::from(cores);
    if per_core < cx.limit_for(&PER_CORE, view.name()) {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("host", view.name()),
            format!(
                "the load was {:.1} over 5 minutes and {:.1} over 15 on {cores} cores",
                load.five, load.fifteen
            ),
            "Look whether processes wait for the CPU or for disks.",
        )
        .with(
            Evidence::new("load per core", per_core, Unit::Factor, "/proc/loadavg")
                .against(cx.limit_for(&PER_CORE, view.name())),
        )
        .with(Evidence::new("load over 1 minute", load.one, Unit::Count, "/proc/loadavg"))
        .with(Evidence::new("cores", i64::from(cores), Unit::Count, "/proc/stat"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, host::LoadAverage};

    use super::*;
    use crate::testing::{self, edit};

    fn with(five: f64, fifteen: f64) -> Snapshot {
        testing::host(|host, _| {
            host.cpu_count = Some(4);
            *edit(&mut host.load) = LoadAverage { one: 50.0, five, fifteen };
        })
    }

    #[test]
    fn the_threshold_has_two_sides_and_a_burst_is_no_load() {
        assert_eq!(testing::findings(&CHECK, &with(6.0, 6.0)).len(), 1);
        assert!(testing::findings(&CHECK, &with(5.9, 9.0)).is_empty());
        assert!(testing::findings(&CHECK, &with(9.0, 5.9)).is_empty());
    }

    #[test]
    fn is_skipped_where_it_is_unknown() {
        let blind = testing::host(|host, _| host.cpu_count = None);
        assert!(!testing::skipped(&CHECK, &blind).is_gap());
        let hidden =
            testing::host(|host, _| host.load = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
