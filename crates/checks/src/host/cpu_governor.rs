//! Processors kept slow to save power.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
};

/// The scaling governor of the processors.
pub static CHECK: Check = Check {
    id: "host-cpu-governor",
    title: "CPU governor saves power",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Info,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The scaling governor is `powersave` or `conservative`.

## Why it matters
A database works in bursts of milliseconds, which are over before such a governor has raised the clock:
the same statements take up to twice as long as they need.

## How to fix
Set the governor to `performance`, now and at boot.

## When to ignore
Processors that choose their clock by themselves (`intel_pstate` or `amd_pstate` in active mode), where
`powersave` still reaches the full clock; machines where power matters more than time.

## References
Linux kernel documentation: CPU Performance Scaling.
",
    run: Run::Host(run),
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let kernel = view.host().kernel.get().map_err(Skip::from)?;
    let Some(governor) = kernel.cpu_governor.as_deref() else {
        return Err(Skip::not_applicable("this machine does not tell a governor"));
    };
    if !["powersave", "conservative"].contains(&governor) {
        return Ok(Vec::new());
    }
    let set = |name: &str| format!("sudo cpupower frequency-set --governor {name}");
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("host", view.name()),
            format!("the CPU governor is {governor}: short statements run at a low clock"),
            "Set the governor to performance, now and at boot, unless the processor chooses its \
             clock by itself.",
        )
        .with(
            Evidence::new(
                "governor",
                governor,
                Unit::Text,
                "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
            )
            .against("performance"),
        )
        .fixed_by(Fix::new(FixKind::Review, [set("performance")]).undone_by([set(governor)]));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit};

    fn with(governor: &str) -> Snapshot {
        testing::host(|host, _| edit(&mut host.kernel).cpu_governor = Some(governor.to_owned()))
    }

    #[test]
    fn only_governors_that_save_power_are_reported() {
        let found = testing::findings(&CHECK, &with("powersave"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["sudo cpupower frequency-set --governor performance"]);
        assert_eq!(fix.undo, ["sudo cpupower frequency-set --governor powersave"]);
        for fine in ["performance", "schedutil", "ondemand"] {
            assert!(testing::findings(&CHECK, &with(fine)).is_empty());
        }
    }

    #[test]
    fn is_skipped_where_it_is_unknown() {
        assert!(!testing::skipped(&CHECK, &testing::host(|_, _| {})).is_gap());
        let hidden =
            testing::host(|host, _| host.kernel = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
