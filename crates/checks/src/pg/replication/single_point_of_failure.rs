//! A server without a standby.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::{
    standby,
    worth::{self, MIN_DATA},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// No standby is connected.
pub static CHECK: Check = Check {
    id: "pg-single-point-of-failure",
    title: "No standby",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["replicas", "databases"],
    uses: &[],
    thresholds: &[&MIN_DATA],
    fix: None,
    explain: "\
## What it detects
A primary with at least `min_data_bytes` of data and no standby connected. Where the configuration expects
standbys, their absence is `pg-replica-missing`.

## Why it matters
When the machine fails, the service is down until a backup has been restored, which takes hours at that
size.

## How to fix
Add a streaming standby, and practise the failover.

## When to ignore
Where hours of outage are acceptable, or the storage below is replicated and attached elsewhere within
minutes, as providers do.

## References
PostgreSQL documentation: High Availability, Load Balancing, and Replication.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (replicas, databases) = (pg.replicas()?, pg.databases()?);
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("this is a standby"));
    }
    let data = worth::data_bytes(databases);
    let expected = pg.expectations().replicas.is_some_and(|number| number > 0);
    let accompanied = standby::standbys(replicas).next().is_some()
        || pg.siblings().any(|node| node.server().in_recovery);
    if expected || accompanied || data < cx.limit(&MIN_DATA) {
        return Ok(Vec::new());
    }
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            format!("{} of data and no standby to take over", words::bytes(data)),
            "Add a streaming standby, unless an outage of hours is acceptable.",
        )
        .with(Evidence::new("standbys", 0.0, Unit::Count, "pg_stat_replication").against(1.0))
        .with(
            Evidence::new("data", data, Unit::Bytes, "pg_database_size")
                .against(cx.limit(&MIN_DATA)),
        );
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::replication::Replica};

    use super::*;
    use crate::testing::{self, edit};

    fn with(bytes: i64, replicas: Vec<Replica>) -> Snapshot {
        testing::pg(|pg| {
            edit(&mut pg.databases)[0].size_bytes = Some(bytes);
            *edit(&mut pg.replicas) = replicas;
        })
    }

    #[test]
    fn only_what_is_worth_it_needs_a_standby() {
        assert_eq!(testing::findings(&CHECK, &with(1 << 30, vec![])).len(), 1);
        assert!(testing::findings(&CHECK, &with((1 << 30) - 1, vec![])).is_empty());
    }

    #[test]
    fn a_standby_is_enough_and_a_receiver_of_wal_is_none() {
        let streaming = |replay_lag_bytes| Replica {
            state: Some("streaming".into()),
            replay_lag_bytes,
            ..Replica::default()
        };
        assert!(testing::findings(&CHECK, &with(1 << 40, vec![streaming(Some(0))])).is_empty());
        assert_eq!(testing::findings(&CHECK, &with(1 << 40, vec![streaming(None)])).len(), 1);
        let mut expected = with(1 << 40, vec![]);
        expected.targets[0].expectations.replicas = Some(1);
        assert!(testing::findings(&CHECK, &expected).is_empty(), "another check's business");
    }

    #[test]
    fn is_skipped_on_standbys_and_without_the_section() {
        let standby = testing::pg(|pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
