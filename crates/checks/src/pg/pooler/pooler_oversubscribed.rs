//! A pooler that may open more connections than its server has.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::queued;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PoolerView,
};

/// Sizes of the pools against the server's `max_connections`.
pub static CHECK: Check = Check {
    id: "pg-pooler-oversubscribed",
    title: "Pools larger than the server",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["pools", "databases"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
The pools that exist now, each at its full `pool_size` with its reserve (and not above `max_db_connections`), come to
more connections than the server behind them has for ordinary roles. It needs the server among the targets, under the
address that the pooler has for it.

## Why it matters
Under load the pooler runs into `too many clients` at the server, and hands the error on to clients that would
otherwise have waited a moment.

## How to fix
Lower `default_pool_size`, or set `max_db_connections`, so that the sum stays below `max_connections` less the reserved
ones and those of who connects without the pooler. Raise `max_connections` only if the machine can run that many.

## When to ignore
Where the pools are never full at the same time.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let (pools, databases) = (pooler.pools()?, pooler.databases()?);
    let mut wanted: BTreeMap<(&str, i64), i64> = BTreeMap::new();
    for database in databases {
        let Some(host) = database.host.as_deref() else { continue };
        let users = pools.iter().filter(|pool| pool.database == database.name).count();
        let each = database.pool_size.max(0).saturating_add(database.reserve_pool.max(0));
        let all = each.saturating_mul(i64::try_from(users).unwrap_or(i64::MAX));
        let limited =
            if database.max_connections > 0 { all.min(database.max_connections) } else { all };
        let sum = wanted.entry((host, database.port.unwrap_or(5432))).or_default();
        *sum = sum.saturating_add(limited);
    }
    let (mut found, mut known) = (Vec::new(), false);
    for ((host, port), wanted) in wanted {
        let Some(server) = pooler.server_at(host, port) else { continue };
        let settings = server.settings()?;
        let number = |name: &str| settings.number(name).unwrap_or(0.0);
        let has = number("max_connections")
            - number("superuser_reserved_connections")
            - number("reserved_connections");
        known = true;
        if has <= 0.0 || wanted as f64 <= has {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Warning,
                Subject::new("server", format!("{host}:{port}")),
                format!(
                    "the pools for {host}:{port} may open {wanted} connections; the server has {has:.0} \
                     for ordinary roles"
                ),
                "Lower default_pool_size or set max_db_connections, so that all pools together fit.",
            )
            .with(
                Evidence::new("connections of full pools", wanted, Unit::Count, "SHOW DATABASES")
                    .against(has),
            )
            .with(Evidence::new("for ordinary roles", has, Unit::Count, "pg_settings"));
        found.push(finding);
    }
    if !known && queued_somewhere(pools) {
        return Err(Skip::not_applicable(
            "no server behind this pooler was examined under the address the pooler has for it",
        ));
    }
    Ok(found)
}

fn queued_somewhere(pools: &[dbvitals_model::pooler::Pool]) -> bool {
    pools.iter().any(|pool| !queued::name(pool).is_empty())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, TargetData,
        pooler::{Pool, PoolerDatabase},
    };

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(pool_size: i64, users: usize, max_connections: i64) -> Vec<Finding> {
        let mut snapshot = testing::pooler(|pooler| {
            *edit(&mut pooler.pools) = (0..users)
                .map(|user| Pool {
                    database: "app".into(),
                    user: user.to_string(),
                    ..Pool::default()
                })
                .collect();
            *edit(&mut pooler.databases) = vec![PoolerDatabase {
                name: "app".into(),
                host: Some("main.example".into()),
                port: Some(1),
                pool_size,
                max_connections,
                ..PoolerDatabase::default()
            }];
        });
        let mut pg = testing::healthy_pg();
        set(&mut pg, "max_connections", "100", None);
        set(&mut pg, "superuser_reserved_connections", "3", None);
        snapshot.targets.push(testing::target("main", TargetData::Postgres(Box::new(pg))));
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn the_sum_has_two_sides() {
        assert!(found(97, 1, 0).is_empty());
        assert_eq!(
            found(98, 1, 0)[0].message,
            "the pools for main.example:1 may open 98 connections; the server has 97 for ordinary roles"
        );
        assert_eq!(found(20, 5, 0).len(), 1, "each user has a pool of its own");
        assert!(found(20, 5, 90).is_empty(), "max_db_connections");
    }

    #[test]
    fn is_skipped_without_the_server() {
        let alone = testing::pooler(|p| *edit(&mut p.pools) = vec![Pool::default()]);
        assert!(!testing::skipped(&CHECK, &alone).is_gap());
    }
}
