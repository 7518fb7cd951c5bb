//! A kernel that promises memory in a way the database suffers from.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::HostView,
};

/// `vm.overcommit_memory` against what the servers on the machine need.
pub static CHECK: Check = Check {
    id: "host-overcommit",
    title: "Memory overcommit",
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
Where Redis runs: `vm.overcommit_memory` other than 1 (a warning), with which the copy a save makes can be
refused. Where only PostgreSQL runs: 1 (a warning), with which no request is ever refused and the kernel
ends processes instead; 0, the kernel's default, is information. Inside a container there is nothing to
choose, and the check is silent.

## Why it matters
Redis cannot save in the background when fork is refused. When the kernel ends a PostgreSQL process, all
sessions of the server are cut off and it recovers as after a crash; with 2 a statement that wants too
much gets an error instead.

## How to fix
Redis: 1. PostgreSQL on a machine of its own: 2 with a ratio that leaves room for swap and kernel; test it
under load first.

## When to ignore
PostgreSQL that shares its machine with software that reserves more memory than it uses.

## References
PostgreSQL documentation: Linux Memory Overcommit; Redis documentation: Redis administration.
",
    run: Run::Host(run),
};

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let host = view.host();
    let kernel = host.kernel.get().map_err(Skip::from)?;
    let Some(mode) = kernel.overcommit_memory else {
        return Err(Skip::not_applicable("vm.overcommit_memory is not known"));
    };
    if host.memory.value().is_some_and(|memory| memory.limited_by_cgroup) {
        return Err(Skip::not_applicable("a container cannot choose how memory is promised"));
    }
    let carries_redis = view.redis().next().is_some();
    let carries_postgres = view.postgres().next().is_some();
    let (severity, wanted, message) = match (carries_redis, carries_postgres, mode) {
        (true, _, 0 | 2) => (
            Severity::Warning,
            1,
            format!("vm.overcommit_memory is {mode}: Redis may be refused the fork it saves with"),
        ),
        (false, true, 1) => (
            Severity::Warning,
            2,
            "vm.overcommit_memory is 1: short of memory, the kernel ends PostgreSQL processes"
                .to_owned(),
        ),
        (false, true, 0) => (
            Severity::Info,
            2,
            "vm.overcommit_memory is 0: short of memory, the kernel may end PostgreSQL processes"
                .to_owned(),
        ),
        _ => return Ok(Vec::new()),
    };
    let set = |value: i64, ratio: Option<i64>| {
        let ratio = ratio.map(|ratio| format!(" vm.overcommit_ratio={ratio}")).unwrap_or_default();
        format!("sudo sysctl -w vm.overcommit_memory={value}{ratio}")
    };
    let fix = Fix::new(FixKind::Review, [set(wanted, (wanted == 2).then_some(80))])
        .undone_by([set(mode, kernel.overcommit_ratio.filter(|_| wanted == 2))]);
    let advice = if wanted == 1 {
        "Set it to 1, now and in /etc/sysctl.d."
    } else {
        "On a machine of its own set it to 2 after a test under load, and keep it in /etc/sysctl.d."
    };
    let finding = cx
        .finding(severity, Subject::new("host", view.name()), message, advice)
        .with(
            Evidence::new(
                "vm.overcommit_memory",
                mode,
                Unit::Count,
                "/proc/sys/vm/overcommit_memory",
            )
            .against(wanted),
        )
        .fixed_by(fix);
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData, host::Memory};

    use super::*;
    use crate::testing::{self, edit};

    fn with(mode: i64, redis: bool) -> Snapshot {
        let mut snapshot = testing::host(|host, _| {
            edit(&mut host.kernel).overcommit_memory = Some(mode);
            edit(&mut host.kernel).overcommit_ratio = Some(50);
        });
        if redis {
            let TargetData::Host(host) = &mut snapshot.targets[0].data else { unreachable!() };
            host.serves.push("cache".to_owned());
            let redis = TargetData::Redis(Box::new(testing::healthy_redis()));
            snapshot.targets.push(testing::target("cache", redis));
        }
        snapshot
    }

    #[test]
    fn what_is_right_depends_on_who_runs() {
        let severity =
            |mode, redis| testing::findings(&CHECK, &with(mode, redis)).first().map(|f| f.severity);
        assert_eq!(severity(0, true), Some(Severity::Warning));
        assert_eq!(severity(1, true), None);
        assert_eq!(severity(0, false), Some(Severity::Info));
        assert_eq!(severity(1, false), Some(Severity::Warning));
        assert_eq!(severity(2, false), None);
    }

    #[test]
    fn the_fix_restores_what_was_there() {
        let fix = testing::findings(&CHECK, &with(0, false))[0].fix.clone().unwrap();
        assert_eq!(
            fix.statements,
            ["sudo sysctl -w vm.overcommit_memory=2 vm.overcommit_ratio=80"]
        );
        assert_eq!(fix.undo, ["sudo sysctl -w vm.overcommit_memory=0 vm.overcommit_ratio=50"]);
    }

    #[test]
    fn is_skipped_in_containers_and_where_it_is_unknown() {
        let contained = testing::host(|host, _| {
            edit(&mut host.kernel).overcommit_memory = Some(0);
            *edit(&mut host.memory) = Memory { limited_by_cgroup: true, ..Memory::default() };
        });
        assert!(!testing::skipped(&CHECK, &contained).is_gap());
        let hidden =
            testing::host(|host, _| host.kernel = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
