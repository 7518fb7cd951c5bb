//! Memory of sorts and hashes against the machine's.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{
    config::advice,
    setting_change::{change, rounded},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `work_mem` that all sessions together cannot have.
pub static CHECK: Check = Check {
    id: "pg-work-mem",
    title: "Size of work_mem",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["host"],
    thresholds: &[&MAX],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`work_mem` × `hash_mem_multiplier` × `max_connections` + `shared_buffers` is more than `max_ratio` of
the machine's (or container's) memory. A statement may use several such areas at once, so this is not
the worst case.

## Why it matters
On the day all connections work, the machine swaps or the kernel ends a process of the server, and all
sessions with it.

## How to fix
Lower it to what is left for one sort per connection beside `shared_buffers` (a quarter of memory at
least); give more to the roles or statements that need it (`ALTER ROLE … SET work_mem`), or lower
`max_connections` and use a pooler.

## When to ignore
Servers behind a pooler that never opens that many connections.

## References
PostgreSQL documentation: Resource Consumption, `work_mem`, `hash_mem_multiplier`.
",
    run: Run::Postgres(run),
};

static MAX: Threshold = Threshold {
    key: "max_ratio",
    unit: Unit::Ratio,
    default: 1.0,
    strict: None,
    range: (0.0, 100.0),
    why: "one sort or hash per allowed connection, beside shared_buffers, must not exceed the memory there is",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, total) = (pg.settings()?, advice::memory_of_machine(pg));
    let (total, present) = (total?, advice::bytes(settings, "work_mem")?);
    let (connections, buffers) =
        (advice::number(settings, "max_connections")?, advice::bytes(settings, "shared_buffers")?);
    let multiplier = settings.number("hash_mem_multiplier").unwrap_or(1.0).max(1.0);
    let wanted = present * multiplier * connections + buffers;
    let limit = total * cx.limit(&MAX);
    if wanted <= limit || connections <= 0.0 {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        "work_mem",
        format!(
            "work_mem {} for each of {} connections, with shared_buffers, is {}: the machine has {}",
            words::bytes(present), words::count(connections), words::bytes(wanted), words::bytes(total)
        ),
        "Lower it and give more to the roles that need it, or allow fewer connections.",
    )
    .with(Evidence::new("wanted at once", wanted, Unit::Bytes, "work_mem × hash_mem_multiplier × max_connections + shared_buffers").against(limit))
    .with(Evidence::new("max_connections", connections, Unit::Count, "pg_settings"))
    .with(Evidence::new("hash_mem_multiplier", multiplier, Unit::Factor, "pg_settings"))
    .with(advice::memory_evidence(total));
    // Beside a cache of a quarter of memory, which another finding of the same report may ask for.
    let room = (limit - buffers.max(rounded(total / 4.0))) / (multiplier * connections);
    // Whole megabytes, rounded down: the setting must not exceed the room again.
    let megabytes = (room / 1_048_576.0).floor();
    if megabytes < 1.0 {
        return Ok(vec![found]);
    }
    let fix = change(settings, FixKind::Review, &[("work_mem", format!("{megabytes:.0}MB"))]);
    Ok(vec![found.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(work_mem_kb: &str, connections: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::host(|host, pg| {
                edit(&mut host.memory).total_bytes = 8 << 30;
                set(pg, "work_mem", work_mem_kb, Some("kB"));
                set(pg, "max_connections", connections, None);
                set(pg, "hash_mem_multiplier", "2", None);
                set(pg, "shared_buffers", "262144", Some("8kB"));
            }),
        )
    }

    #[test]
    fn the_limit_has_two_sides() {
        // 6 GB are left beside shared_buffers: 100 times 61.44 MB, 30.72 MB of work_mem.
        assert!(found("31457", "100").is_empty());
        let one = found("31458", "100").remove(0);
        assert_eq!(one.fix.unwrap().statements[0], "ALTER SYSTEM SET work_mem = '30MB';");
    }

    #[test]
    fn leaves_room_for_a_cache_of_usual_size() {
        let offered = |buffers: &str| {
            let asked = testing::host(|host, pg| {
                edit(&mut host.memory).total_bytes = 8 << 30;
                set(pg, "work_mem", "1048576", Some("kB"));
                set(pg, "max_connections", "100", None);
                set(pg, "shared_buffers", buffers, Some("8kB"));
            });
            testing::findings(&CHECK, &asked).remove(0).fix.unwrap().statements.remove(0)
        };
        // 16 MB of cache, 2 GB when the advice about them is followed: a hundredth of 6 GB, not of 8 GB.
        assert_eq!(offered("2048"), "ALTER SYSTEM SET work_mem = '61MB';");
        assert_eq!(offered("524288"), "ALTER SYSTEM SET work_mem = '40MB';");
    }

    #[test]
    fn nothing_is_offered_where_nothing_helps() {
        assert!(found("65536", "10000")[0].fix.is_none());
    }

    #[test]
    fn is_skipped_without_the_machine() {
        testing::skipped(&CHECK, &testing::pg(|pg| set(pg, "work_mem", "4096", Some("kB"))));
    }
}
