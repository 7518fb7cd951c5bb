//! Standbys with much WAL still to replay.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::replication::{Recovery, Replica},
};

use super::standby::{self, label, standbys};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// WAL written here and not yet replayed there.
pub static CHECK: Check = Check {
    id: "pg-replica-lag-bytes",
    title: "Standby lags in WAL",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["replicas"],
    uses: &["recovery", "settings"],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
A connected standby that has not replayed at least `warning_bytes` (or `critical_bytes`) of what this
server has written; on a standby whose primary is not a target, the same of what it has received.
Standbys that are targets and delay replay on purpose are left out.

## Why it matters
All of it must be replayed before the standby can take over, and what has not been sent is lost with the
primary.

## How to fix
Tell where it stands: not sent (network), not written (the standby's disk), not replayed (conflicting
queries, CPU, reads). A standby that never catches up needs a faster machine or a fresh copy.

## When to ignore
Right after a bulk load, or while a new standby catches up.

## References
PostgreSQL documentation: `pg_stat_replication`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (1.0, 1e13),
    why: "six WAL segments: more than a healthy link has under way",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (1.0, 1e13),
    why: "replaying a gigabyte takes up to a minute, which a failover would wait for",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let replicas = pg.replicas()?;
    let recovery = pg.recovery();
    let delay = standby::apply_delay_ms(pg);
    if pg.server().in_recovery {
        let recovery = recovery?;
        let speaks = standby::primary(pg).is_none() && delay <= 0.0;
        let own = speaks.then(|| own_lag(pg, cx, recovery)).flatten();
        return Ok(own.into_iter().collect());
    }
    standby::visible(pg, replicas)?;
    let judged = standbys(replicas).filter_map(|replica| {
        let target = standby::target_of(pg, replicas, replica);
        let delayed = target.is_some_and(|target| standby::apply_delay_ms(&target) > 0.0);
        if delayed { None } else { finding(cx, replica) }
    });
    Ok(judged.collect())
}

fn finding(cx: &Context<'_>, replica: &Replica) -> Option<Finding> {
    let lag = replica.replay_lag_bytes? as f64;
    let name = label(replica);
    let severity = cx.above(lag, &WARNING, &CRITICAL, &name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = "pg_stat_replication";
    let found = cx
        .finding(
            severity,
            Subject::new("replica", &name),
            format!("standby {name} has {} of WAL to replay", words::bytes(lag)),
            advice(replica, lag),
        )
        .with(
            Evidence::new("not replayed", lag, Unit::Bytes, source)
                .against(cx.limit_for(threshold, &name)),
        );
    let stages = [
        ("not sent", replica.sent_lag_bytes),
        ("not written", replica.write_lag_bytes),
        ("not flushed", replica.flush_lag_bytes),
    ];
    let found = stages.into_iter().fold(found, |found, (label, lag)| match lag {
        Some(lag) => found.with(Evidence::new(label, lag, Unit::Bytes, source)),
        None => found,
    });
    Some(match &replica.state {
        Some(state) => found.with(Evidence::new("state", state.as_str(), Unit::Text, source)),
        None => found,
    })
}

/// Where most of it stands.
fn advice(replica: &Replica, lag: f64) -> &'static str {
    let share = |bytes: Option<i64>| bytes.unwrap_or(0) as f64 / lag.max(1.0);
    if share(replica.sent_lag_bytes) > 0.5 {
        "Most of it has not been sent: look at the network and at the WAL disk's reads."
    } else if share(replica.flush_lag_bytes) > 0.5 {
        "Most of it has not been written on the standby: look at its disk."
    } else {
        "Most of it waits for replay: look for conflicting queries on the standby \
         (max_standby_streaming_delay), a paused replay, its CPU and disk reads."
    }
}

fn own_lag(pg: &PgView<'_>, cx: &Context<'_>, recovery: &Recovery) -> Option<Finding> {
    let (name, lag) = (pg.name(), recovery.replay_lag_bytes? as f64);
    let severity = cx.above(lag, &WARNING, &CRITICAL, name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    Some(
        cx.finding(
            severity,
            Subject::new("replica", name),
            format!("{} of WAL were received and wait to be replayed", words::bytes(lag)),
            "Look for conflicting queries on this standby, a paused replay, its CPU and disk reads.",
        )
        .with(
            Evidence::new("not replayed", lag, Unit::Bytes, "pg_last_wal_replay_lsn()")
                .against(cx.limit_for(threshold, name)),
        ),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData};

    use super::*;
    use crate::testing::{self, edit, set};

    const MB: i64 = 1 << 20;

    fn with(bytes: i64) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.replicas) = vec![Replica {
                application: "s1".into(),
                state: Some("streaming".into()),
                replay_lag_bytes: Some(bytes),
                sent_lag_bytes: Some(bytes),
                ..Replica::default()
            }];
        })
    }

    fn standby(bytes: i64, delay: &str) -> Snapshot {
        testing::pg(|pg| {
            pg.server.in_recovery = true;
            set(pg, "recovery_min_apply_delay", delay, Some("ms"));
            edit(&mut pg.recovery).replay_lag_bytes = Some(bytes);
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn thresholds_have_two_sides_from_both_ends() {
        for severity in [|b| severity(&with(b)), |b| severity(&standby(b, "0"))] {
            assert_eq!(severity(100 * MB - 1), None);
            assert_eq!(severity(100 * MB), Some(Severity::Warning));
            assert_eq!(severity(1024 * MB - 1), Some(Severity::Warning));
            assert_eq!(severity(1024 * MB), Some(Severity::Critical));
        }
        let found = testing::findings(&CHECK, &with(100 * MB));
        assert!(found[0].recommendation.contains("not been sent"));
    }

    #[test]
    fn a_replica_delayed_on_purpose_is_silent_on_both_sides() {
        assert_eq!(severity(&standby(1024 * MB, "3600000")), None);
        let mut cluster = with(1024 * MB);
        let mut delayed = standby(1024 * MB, "3600000");
        delayed.targets[0].name = "standby".into();
        cluster.targets.append(&mut delayed.targets);
        assert_eq!(severity(&cluster), None);
    }

    #[test]
    fn is_skipped_where_it_cannot_be_seen() {
        let mut hidden = with(1);
        let TargetData::Postgres(pg) = &mut hidden.targets[0].data else { unreachable!() };
        edit(&mut pg.replicas)[0].state = None;
        assert!(testing::skipped(&CHECK, &hidden).is_gap());
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
