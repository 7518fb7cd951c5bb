//! Pools whose server connections are all in use while clients queue.

use dbvitals_model::{Evidence, Severity, Unit};

use super::queued;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PoolerView,
    words,
};

/// The length of a queue against the size of its pool.
pub static CHECK: Check = Check {
    id: "pg-pooler-exhausted",
    title: "Pool exhausted",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["pools", "databases"],
    uses: &["queue"],
    thresholds: &[&QUEUE, &QUEUED],
    fix: None,
    explain: "\
## What it detects
A pool of which every server connection is in use while at least `max_queue_ratio` times as many clients wait; or, where
the queue was watched, one in which clients waited at more than `max_queued_ratio` of the looks.

## Why it matters
A queue as long as the pool means that every client waits for one whole turn of the others, whatever its own statement
takes.

## How to fix
Shorten what holds the connections: in transaction mode that is the transaction, with all the application does inside
it. If the server has cores to spare, raise `pool_size`; a few per core are enough for most loads.

## When to ignore
Loads that are made of short bursts.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

static QUEUE: Threshold = Threshold {
    key: "max_queue_ratio",
    unit: Unit::Ratio,
    default: 1.0,
    strict: None,
    range: (0.0, 1000.0),
    why: "as many in the queue as are served: one turn of waiting for everybody",
};

static QUEUED: Threshold = Threshold {
    key: "max_queued_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "a queue most of the time is no burst",
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let (pools, databases, queue) = (pooler.pools()?, pooler.databases()?, pooler.queue().ok());
    let mut found = Vec::new();
    for pool in pools.iter().filter(|pool| !queued::is_paused(databases, pool)) {
        let Some(size) = queued::size(databases, pool) else { continue };
        let name = queued::name(pool);
        let ratio = pool.clients_waiting as f64 / size as f64;
        let is_full = pool.servers_active >= size;
        let is_long = is_full && ratio >= cx.limit_for(&QUEUE, &name) && pool.clients_waiting > 0;
        let often = queued::watched(queue, pool)
            .filter(|seen| seen.queued_ratio > cx.limit_for(&QUEUED, &name));
        let message = match often {
            _ if is_long => format!(
                "pool {name} has all {size} server connections in use and {} clients in the queue",
                pool.clients_waiting
            ),
            Some(seen) => format!(
                "clients waited at pool {name} {} of the time, {:.1} on average, for {size} server \
                 connections",
                words::percent(seen.queued_ratio),
                seen.waiting_mean
            ),
            None => continue,
        };
        let finding = cx
            .finding(
                Severity::Warning,
                queued::subject(pool),
                message,
                "Shorten what holds the connections; raise pool_size if the server has cores to spare.",
            )
            .with(
                Evidence::new("queue by pool size", ratio, Unit::Ratio, "SHOW POOLS")
                    .against(cx.limit_for(&QUEUE, &name)),
            );
        let finding = match often {
            Some(seen) => finding.with(
                Evidence::new("looks with a queue", seen.queued_ratio, Unit::Ratio, "the window")
                    .against(cx.limit_for(&QUEUED, &name)),
            ),
            None => finding,
        };
        found.push(queued::with_facts(finding, pool, Some(size)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pooler::{Pool, PoolerDatabase, QueuedPool};

    use super::*;
    use crate::testing::{self, edit};

    fn found(waiting: i64, active: i64, queued_ratio: f64) -> usize {
        let snapshot = testing::pooler(|pooler| {
            *edit(&mut pooler.pools) = vec![Pool {
                database: "app".into(),
                clients_waiting: waiting,
                servers_active: active,
                ..Pool::default()
            }];
            *edit(&mut pooler.databases) =
                vec![PoolerDatabase { name: "app".into(), pool_size: 10, ..Default::default() }];
            edit(&mut pooler.queue).pools =
                vec![QueuedPool { database: "app".into(), queued_ratio, ..Default::default() }];
        });
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(9, 10, 0.0), 0);
        assert_eq!(found(10, 10, 0.0), 1);
        assert_eq!(found(10, 9, 0.0), 0, "a connection is free");
        assert_eq!(found(1, 9, 0.5), 0);
        assert_eq!(found(1, 9, 0.51), 1);
    }

    #[test]
    fn is_skipped_without_pools() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::pooler(|p| p.pools = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
