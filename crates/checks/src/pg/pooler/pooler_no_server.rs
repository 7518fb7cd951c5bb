//! Pools that wait for a server that lets nobody in.

use dbvitals_model::{Evidence, Severity, Unit};

use super::queued;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PoolerView,
    words,
};

/// Clients that wait while the pool has no server connection at all.
pub static CHECK: Check = Check {
    id: "pg-pooler-no-server",
    title: "Pooler has no server",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["pools"],
    uses: &["databases"],
    thresholds: &[&MIN_WAIT],
    fix: None,
    explain: "\
## What it detects
A pool in which clients have waited for at least `min_wait_seconds` while it has not one server connection that is
logged in, and the database is not paused.

## Why it matters
Nothing goes through: the server is down, refuses the login, has no connection left, or cannot be reached from the
pooler.

## How to fix
Look into the pooler's log for `login failed` or `connect failed`, and try the same login from the pooler's machine.

## When to ignore
Never.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

static MIN_WAIT: Threshold = Threshold {
    key: "min_wait_seconds",
    unit: Unit::Seconds,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "logging in takes a few milliseconds; a second means that it does not succeed",
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let pools = pooler.pools()?;
    let databases = pooler.databases().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for pool in pools.iter().filter(|pool| pool.servers() == 0 && pool.clients_waiting > 0) {
        let name = queued::name(pool);
        let (wait, limit) = (pool.longest_wait_ms / 1000.0, cx.limit_for(&MIN_WAIT, &name));
        if wait < limit || queued::is_paused(databases, pool) {
            continue;
        }
        let place = queued::database(databases, pool).map_or_else(String::new, |database| {
            let host = database.host.as_deref().unwrap_or("the unix socket");
            format!(" at {host} port {}", database.port.unwrap_or(5432))
        });
        let finding = cx
            .finding(
                Severity::Critical,
                queued::subject(pool),
                format!(
                    "pool {name} has no connection to its server{place}; {} clients wait, for up to {}",
                    pool.clients_waiting,
                    words::seconds(wait)
                ),
                "Look into the pooler's log for failed logins, and log in from the pooler's machine.",
            )
            .with(
                Evidence::new("longest wait", wait, Unit::Seconds, "SHOW POOLS").against(limit),
            )
            .with(Evidence::new("logins under way", pool.servers_login, Unit::Count, "SHOW POOLS"));
        found.push(queued::with_facts(finding, pool, queued::size(databases, pool)));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pooler::{Pool, PoolerDatabase};

    use super::*;
    use crate::testing::{self, edit};

    fn found(wait_ms: f64, servers: i64, is_paused: bool) -> Option<String> {
        let snapshot = testing::pooler(|pooler| {
            *edit(&mut pooler.pools) = vec![Pool {
                database: "app".into(),
                user: "web".into(),
                clients_waiting: 2,
                servers_idle: servers,
                longest_wait_ms: wait_ms,
                ..Pool::default()
            }];
            *edit(&mut pooler.databases) = vec![PoolerDatabase {
                name: "app".into(),
                host: Some("10.0.0.7".into()),
                port: Some(5433),
                is_paused,
                ..PoolerDatabase::default()
            }];
        });
        testing::findings(&CHECK, &snapshot).first().map(|found| found.message.clone())
    }

    #[test]
    fn a_second_without_a_server_has_two_sides() {
        assert_eq!(found(999.0, 0, false), None);
        assert_eq!(
            found(1500.0, 0, false).unwrap(),
            "pool app (web) has no connection to its server at 10.0.0.7 port 5433; 2 clients wait, \
             for up to 1.5 s"
        );
        assert_eq!(found(1500.0, 1, false), None);
        assert_eq!(found(1500.0, 0, true), None, "paused on purpose");
    }

    #[test]
    fn is_skipped_without_pools() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::pooler(|p| p.pools = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
