//! Keys in more than one logical database.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
};

/// Databases with keys, by `INFO keyspace`.
pub static CHECK: Check = Check {
    id: "redis-multiple-databases",
    title: "Several logical databases",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Info,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
More than one logical database (`SELECT 0`, `SELECT 1` …) holds keys.

## Why it matters
They share one thread, one memory limit, one policy and one `FLUSHALL`: nothing separates them but a number that
every client must remember to select. A cluster has only database 0 (before Valkey 9).

## How to fix
Use prefixes in one database, or a server each where they should not disturb one another.

## When to ignore
When it is settled and no cluster is planned.

## References
Redis documentation: SELECT.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    let used: Vec<_> = info.keyspace.iter().filter(|db| db.keys > 0).collect();
    if used.len() < 2 {
        return Ok(Vec::new());
    }
    let names: Vec<_> = used.iter().map(|db| db.database.to_string()).collect();
    let mut finding = cx.finding(
        Severity::Info,
        facts::server(redis),
        format!("{} logical databases hold keys: {}", used.len(), names.join(", ")),
        "Use prefixes in one database, or a server each where they should not disturb one another.",
    );
    for db in used {
        let label = format!("keys in database {}", db.database);
        finding = finding.with(Evidence::new(label, db.keys, Unit::Count, "INFO keyspace"));
    }
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::redis::Keyspace;

    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing::edit,
    };

    #[test]
    fn an_empty_database_does_not_count() {
        let of = |keys: &[i64]| {
            let rows = keys.iter().zip(0..).map(|(keys, database)| Keyspace {
                database,
                keys: *keys,
                ..Keyspace::default()
            });
            let snapshot =
                built_with(&[], &[], |redis| edit(&mut redis.info).keyspace = rows.collect());
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of(&[5]), None);
        assert_eq!(of(&[5, 0]), None);
        assert_eq!(of(&[5, 1]), Some(Severity::Info));
    }
}
