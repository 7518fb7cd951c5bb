//! Transparent huge pages forced on everything.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
};

/// The kernel's setting for transparent huge pages.
pub static CHECK: Check = Check {
    id: "host-transparent-huge-pages",
    title: "Transparent huge pages always on",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
The kernel gives transparent huge pages to every process (`always`). A warning where Redis runs, since
each write after a fork then copies two megabytes instead of four kilobytes; information for PostgreSQL
alone.

## Why it matters
Redis shows pauses and doubles its memory while it saves. PostgreSQL can stall while the kernel puts
pages together; what it gains from huge pages it gets from `huge_pages`, which is something else.

## How to fix
Set it to `madvise` now and at boot (a kernel argument, a unit, or tuned). Restart Redis afterwards: it
keeps the pages it has.

## When to ignore
Kernels and workloads measured to do better with it.

## References
Redis documentation: Diagnosing latency issues; Linux kernel documentation: Transparent Hugepage Support.
",
    run: Run::Host(run),
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let kernel = view.host().kernel.get().map_err(Skip::from)?;
    let Some(setting) = kernel.transparent_huge_pages.as_deref() else {
        return Err(Skip::not_applicable("this kernel has no transparent huge pages"));
    };
    if setting != "always" {
        return Ok(Vec::new());
    }
    let carries_redis = view.redis().next().is_some();
    let severity = if carries_redis { Severity::Warning } else { Severity::Info };
    let path = "/sys/kernel/mm/transparent_hugepage/enabled";
    let write = |value: &str| format!("echo {value} | sudo tee {path}");
    let fix = Fix::new(FixKind::Review, [write("madvise")]).undone_by([write("always")]);
    let who = if carries_redis { "Redis" } else { "PostgreSQL" };
    let finding = cx
        .finding(
            severity,
            Subject::new("host", view.name()),
            format!("transparent huge pages are forced on every process, {who} among them"),
            "Set them to madvise, now and at boot. Restart Redis afterwards.",
        )
        .with(Evidence::new("transparent huge pages", setting, Unit::Text, path).against("madvise"))
        .fixed_by(fix);
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData};

    use super::*;
    use crate::testing::{self, edit};

    fn with(setting: &str) -> Snapshot {
        testing::host(|host, _| {
            edit(&mut host.kernel).transparent_huge_pages = Some(setting.to_owned());
        })
    }

    #[test]
    fn only_always_is_reported() {
        let found = testing::findings(&CHECK, &with("always"));
        assert_eq!(found[0].severity, Severity::Info);
        let fix = found[0].fix.as_ref().unwrap();
        assert!(fix.statements[0].starts_with("echo madvise") && fix.reversible);
        assert!(testing::findings(&CHECK, &with("madvise")).is_empty());
        assert!(testing::findings(&CHECK, &with("never")).is_empty());
    }

    #[test]
    fn it_is_worse_where_redis_runs() {
        let mut snapshot = with("always");
        let TargetData::Host(host) = &mut snapshot.targets[0].data else { unreachable!() };
        host.serves.push("cache".to_owned());
        let redis = TargetData::Redis(Box::new(testing::healthy_redis()));
        snapshot.targets.push(testing::target("cache", redis));
        assert_eq!(testing::findings(&CHECK, &snapshot)[0].severity, Severity::Warning);
    }

    #[test]
    fn is_skipped_where_it_is_unknown() {
        assert!(!testing::skipped(&CHECK, &testing::host(|_, _| {})).is_gap());
        let hidden =
            testing::host(|host, _| host.kernel = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
