//! More memory promised than the machine has.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::activity::Session};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::{HostView, PgView},
    words,
};

/// What the sessions at work now may take together, against the machine's memory.
pub static CHECK: Check = Check {
    id: "host-oom-risk",
    title: "Memory promised beyond what there is",
    topic: Topic::Host,
    component: Component::Host,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["settings", "activity"],
    uses: &[],
    thresholds: &[&CRITICAL, &NODES],
    fix: None,
    explain: "\
## What it detects
`shared_buffers`, plus `work_mem` for `nodes_per_statement` sorts or hashes in each session that was
active or in a transaction, plus the maintenance memory of all autovacuum workers, come to more than
`critical_ratio` of the machine's memory. Summed over all PostgreSQL servers on it.

## Why it matters
It takes no mistake to reach it: only all of the present sessions sorting at the same time. Then the
kernel ends a process, and the whole server restarts.

## How to fix
Lower `work_mem` (and raise it for the roles that need it), lower `maintenance_work_mem` or
`autovacuum_work_mem`, put a pooler in front so that fewer sessions work at a time.

## When to ignore
When the statements are known to be small lookups that never sort.

## References
PostgreSQL documentation: Resource Consumption, Memory; Linux Memory Overcommit.
",
    run: Run::Host(run),
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: Some(0.8),
    range: (0.1, 10.0),
    why: "the kernel, the page cache and the sessions' own overhead need the last tenth",
};

static NODES: Threshold = Threshold {
    key: "nodes_per_statement",
    unit: Unit::Count,
    default: 2.0,
    strict: None,
    range: (0.1, 100.0),
    why: "an ordinary join or report has a sort and a hash; each may take work_mem",
};

/// What one server may take, in bytes.
struct Promise {
    shared: f64,
    working: f64,
    maintenance: f64,
    sessions: usize,
}

fn run(view: &HostView<'_>, cx: &Context<'_>) -> Judged {
    let servers: Vec<_> = view.postgres().collect();
    let nodes = cx.limit_for(&NODES, view.name());
    let promises =
        servers.iter().map(|pg| promise(pg, nodes)).collect::<Result<Vec<Promise>, Skip>>()?;
    let memory = view.host().memory.get().map_err(Skip::from)?;
    let total = memory.total_bytes as f64;
    if total <= 0.0 || promises.is_empty() {
        return Err(Skip::not_applicable(
            "needs the machine's memory and a PostgreSQL server on it",
        ));
    }
    let sum = |part: fn(&Promise) -> f64| promises.iter().map(part).sum::<f64>();
    let (shared, working) = (sum(|p| p.shared), sum(|p| p.working));
    let maintenance = sum(|p| p.maintenance);
    let ratio = (shared + working + maintenance) / total;
    let limit = cx.limit_for(&CRITICAL, view.name());
    if ratio <= limit {
        return Ok(Vec::new());
    }
    let sessions: usize = promises.iter().map(|promise| promise.sessions).sum();
    let finding = cx
        .finding(
            Severity::Critical,
            Subject::new("host", view.name()),
            format!(
                "PostgreSQL may take {} with {sessions} sessions at work, {} of the memory",
                words::bytes(ratio * total),
                words::percent(ratio)
            ),
            "Lower work_mem and raise it only for roles that need it; lower the maintenance \
             memory; let a pooler keep the number of working sessions down.",
        )
        .with(
            Evidence::new("promised", ratio, Unit::Ratio, "pg_settings, pg_stat_activity")
                .against(limit),
        )
        .with(Evidence::new("shared_buffers", shared, Unit::Bytes, "pg_settings"))
        .with(Evidence::new("work_mem of all sessions", working, Unit::Bytes, "pg_settings"))
        .with(Evidence::new("maintenance of all workers", maintenance, Unit::Bytes, "pg_settings"))
        .with(Evidence::new("sessions at work", sessions as f64, Unit::Count, "pg_stat_activity"))
        .with(Evidence::new("memory", total, Unit::Bytes, "/proc/meminfo"));
    Ok(vec![finding])
}

fn promise(pg: &PgView<'_>, nodes: f64) -> Result<Promise, Skip> {
    let (settings, activity) = (pg.settings()?, pg.activity()?);
    let bytes = |name: &str| {
        let known = settings.bytes(name).map(|bytes| bytes as f64);
        known.ok_or_else(|| Skip::not_applicable(format!("{name} is not known")))
    };
    let sessions = activity.iter().filter(|session| is_at_work(session)).count();
    let workers = settings.number("autovacuum_max_workers").unwrap_or(0.0);
    let own = bytes("autovacuum_work_mem").unwrap_or(-1.0);
    let per_worker = if own < 0.0 { bytes("maintenance_work_mem")? } else { own };
    Ok(Promise {
        shared: bytes("shared_buffers")?,
        working: bytes("work_mem")? * nodes * sessions as f64,
        maintenance: per_worker * workers,
        sessions,
    })
}

fn is_at_work(session: &Session) -> bool {
    session.backend_type == "client backend"
        && session.state.as_deref().is_some_and(|state| state != "idle" && state != "disabled")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        host::{Host, Memory},
        pg::PgSnapshot,
    };

    use super::*;
    use crate::testing::{self, edit, set};

    fn at(state: &str) -> Session {
        Session {
            backend_type: "client backend".into(),
            state: Some(state.into()),
            ..Session::default()
        }
    }

    /// 4 GB of shared buffers, 3 workers of 256 MB, 64 MB a sort, 16 GB in all.
    fn server(host: &mut Host, pg: &mut PgSnapshot, busy: usize) {
        set(pg, "shared_buffers", "524288", Some("8kB"));
        set(pg, "work_mem", "65536", Some("kB"));
        set(pg, "maintenance_work_mem", "262144", Some("kB"));
        set(pg, "autovacuum_work_mem", "-1", Some("kB"));
        set(pg, "autovacuum_max_workers", "3", None);
        *edit(&mut pg.activity) = vec![at("active"); busy];
        edit(&mut pg.activity).extend(vec![at("idle"); 400]);
        edit(&mut host.memory).total_bytes = 16 << 30;
    }

    fn with(busy: usize) -> Snapshot {
        testing::host(|host, pg| server(host, pg, busy))
    }

    #[test]
    fn the_threshold_has_two_sides_and_idle_sessions_take_nothing() {
        // 90 % of 16 GB less 4.75 GB is 9.65 GB: 77 sessions with two times 64 MB.
        assert!(testing::findings(&CHECK, &with(77)).is_empty());
        let found = testing::findings(&CHECK, &with(78));
        assert_eq!(found[0].severity, Severity::Critical);
        assert!(found[0].message.contains("78 sessions"));
    }

    #[test]
    fn is_skipped_where_a_part_is_unknown() {
        let hidden = testing::host(|host, pg| {
            server(host, pg, 1);
            pg.activity = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        let blind = testing::host(|host, pg| {
            server(host, pg, 1);
            *edit(&mut host.memory) = Memory::default();
        });
        assert!(!testing::skipped(&CHECK, &blind).is_gap());
    }
}
