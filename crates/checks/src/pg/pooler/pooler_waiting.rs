//! Clients that wait at the pooler for a server connection.

use dbvitals_model::{Evidence, Severity, Unit};

use super::queued;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PoolerView,
    words,
};

/// How long the first client in a queue waits.
pub static CHECK: Check = Check {
    id: "pg-pooler-waiting",
    title: "Clients wait at the pooler",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["pools"],
    uses: &["databases", "queue"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
A pool in which a client has waited, or did so while the queue was watched, for at least `warning_seconds` (or
`critical_seconds`) for a server connection. Pools without any server connection are told by `pg-pooler-no-server`, paused
ones by `pg-pooler-paused`.

## Why it matters
The wait is part of every answer, and no statistics of the server show it: there the database looks at ease.

## How to fix
Where all server connections are busy, look first for what keeps them: idle transactions, slow statements, locks. If
the server is at ease, raise `pool_size`.

## When to ignore
Batch users whose jobs may queue.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 1.0,
    strict: None,
    range: (0.001, 1e6),
    why: "a second in a queue is longer than most statements take",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 10.0,
    strict: None,
    range: (0.001, 1e6),
    why: "after ten seconds applications give up and try again, which makes the queue longer",
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let (pools, queue) = (pooler.pools()?, pooler.queue().ok());
    let databases = pooler.databases().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for pool in pools {
        let name = queued::name(pool);
        let wait = queued::longest_wait_ms(queue, pool) / 1000.0;
        let Some(severity) = cx.above(wait, &WARNING, &CRITICAL, &name) else { continue };
        if queued::is_paused(databases, pool) || (pool.servers() == 0 && pool.clients_waiting > 0) {
            continue;
        }
        let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        let size = queued::size(databases, pool);
        let is_full = size.is_some_and(|size| pool.servers_active >= size);
        let (cause, advice) = if is_full {
            (
                format!("; all {} server connections are in use", pool.servers_active),
                "Look for what keeps the server connections: idle transactions, slow statements, \
                 locks. If the server is at ease, raise pool_size.",
            )
        } else {
            (
                String::new(),
                "Look whether logging in to the server is slow, and whether max_db_connections or \
                 max_user_connections of the pooler is reached.",
            )
        };
        let finding = cx
            .finding(
                severity,
                queued::subject(pool),
                format!("clients of pool {name} waited for up to {}{cause}", words::seconds(wait)),
                advice,
            )
            .with(
                Evidence::new("longest wait", wait, Unit::Seconds, "SHOW POOLS")
                    .against(cx.limit_for(limit, &name)),
            );
        let finding = match queued::watched(queue, pool) {
            Some(seen) => finding
                .with(Evidence::new(
                    "waiting on average",
                    seen.waiting_mean,
                    Unit::Count,
                    "the window",
                ))
                .with(Evidence::new(
                    "waiting at most",
                    seen.waiting_max,
                    Unit::Count,
                    "the window",
                )),
            None => finding,
        };
        found.push(queued::with_facts(finding, pool, size));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Snapshot,
        pooler::{Pool, PoolerDatabase, QueuedPool},
    };

    use super::*;
    use crate::testing::{self, edit};

    fn waiting(seconds: f64, servers: i64) -> Snapshot {
        testing::pooler(|pooler| {
            *edit(&mut pooler.pools) = vec![Pool {
                database: "app".into(),
                user: "web".into(),
                clients_waiting: 3,
                servers_active: servers,
                longest_wait_ms: seconds * 1000.0,
                ..Pool::default()
            }];
            *edit(&mut pooler.databases) =
                vec![PoolerDatabase { name: "app".into(), pool_size: 20, ..Default::default() }];
        })
    }

    fn severity(seconds: f64) -> Option<Severity> {
        testing::findings(&CHECK, &waiting(seconds, 20)).first().map(|found| found.severity)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(0.999), None);
        assert_eq!(severity(1.0), Some(Severity::Warning));
        assert_eq!(severity(9.9), Some(Severity::Warning));
        assert_eq!(severity(10.0), Some(Severity::Critical));
    }

    #[test]
    fn the_cause_is_told_where_it_is_known() {
        let message = |servers| testing::findings(&CHECK, &waiting(2.0, servers)).remove(0).message;
        assert_eq!(
            message(20),
            "clients of pool app (web) waited for up to 2 s; all 20 server connections are in use"
        );
        assert_eq!(message(4), "clients of pool app (web) waited for up to 2 s");
    }

    #[test]
    fn other_checks_tell_of_paused_pools_and_of_servers_that_are_gone() {
        assert!(testing::findings(&CHECK, &waiting(90.0, 0)).is_empty());
        let mut paused = waiting(90.0, 5);
        if let dbvitals_model::TargetData::Pooler(pooler) = &mut paused.targets[0].data {
            edit(&mut pooler.databases)[0].is_paused = true;
        }
        assert!(testing::findings(&CHECK, &paused).is_empty());
    }

    #[test]
    fn a_queue_that_came_and_went_in_the_window_counts() {
        let mut snapshot = waiting(0.0, 20);
        if let dbvitals_model::TargetData::Pooler(pooler) = &mut snapshot.targets[0].data {
            edit(&mut pooler.queue).pools = vec![QueuedPool {
                database: "app".into(),
                user: "web".into(),
                longest_wait_ms: 3000.0,
                ..QueuedPool::default()
            }];
        }
        assert_eq!(testing::findings(&CHECK, &snapshot).len(), 1);
    }

    #[test]
    fn is_skipped_without_pools() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::pooler(|pooler| {
            pooler.pools = Section::unavailable(Reason::Permission, "not a stats user");
        });
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Permission);
    }
}
