//! Standbys that show the past.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{
        replication::{Recovery, Replica},
        window::Window,
    },
};

use super::standby::{self, label, standbys};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Time between a commit here and its appearance on a standby.
pub static CHECK: Check = Check {
    id: "pg-replica-lag-time",
    title: "Standby lags in time",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["replicas"],
    uses: &["recovery", "settings", "window"],
    thresholds: &[&WARNING, &CRITICAL, &MIN_BYTES],
    fix: None,
    explain: "\
## What it detects
On a primary: a connected standby whose replay lags by at least `warning_ms` (or `critical_ms`) while
there is WAL it has not replayed. On a standby whose primary is not a target: the last replayed commit is
that old although at least `min_lag_bytes` of WAL have been received since.

A standby of an idle primary has no lag, however long ago the last commit was. What
`recovery_min_apply_delay` asks for is subtracted where the standby is a target.

## Why it matters
Reads from the standby return what was true then, and a failover loses what has not arrived.

## How to fix
Look which of write, flush and replay lags: the network, the standby's disk, or its replay, which is one
process and waits for queries that conflict with it.

## When to ignore
Standbys kept behind on purpose, and those under a reporting load that wants consistency over freshness.

## References
PostgreSQL documentation: High Availability; `pg_stat_replication`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ms",
    unit: Unit::Ms,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a user who reads back what was just written notices after about a second",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ms",
    unit: Unit::Ms,
    default: 5000.0,
    strict: None,
    range: (1.0, 1e9),
    why: "five seconds of commits are lost by a failover",
};

static MIN_BYTES: Threshold = Threshold {
    key: "min_lag_bytes",
    unit: Unit::Bytes,
    default: 16_777_216.0,
    strict: None,
    range: (1.0, 1e12),
    why: "seen from the standby alone, the first commit after a quiet hour looks like an hour of lag; a \
          whole WAL segment of backlog does not",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let replicas = pg.replicas()?;
    let (recovery, window) = (pg.recovery(), pg.window().ok());
    let delay = standby::apply_delay_ms(pg);
    if pg.server().in_recovery {
        let own = own_lag(pg, cx, recovery?, delay);
        return Ok(own.into_iter().collect());
    }
    standby::visible(pg, replicas)?;
    if is_quiet(window) {
        return Ok(Vec::new());
    }
    let judged = standbys(replicas).filter_map(|replica| {
        let delay = standby::target_of(pg, replicas, replica);
        let delay = delay.map_or(0.0, |target| standby::apply_delay_ms(&target));
        finding(cx, replica, delay)
    });
    Ok(judged.collect())
}

/// Whether nothing was written in the whole window.
fn is_quiet(window: Option<&Window>) -> bool {
    window.and_then(|window| window.wal.as_ref()).is_some_and(|wal| wal.bytes == 0)
}

fn finding(cx: &Context<'_>, replica: &Replica, delay: f64) -> Option<Finding> {
    // The server keeps the last measured lag for a while after a standby has caught up.
    let behind = replica.replay_lag_bytes.filter(|bytes| *bytes > 0)?;
    let lag = replica.replay_lag_ms? - delay;
    let name = label(replica);
    let severity = cx.above(lag, &WARNING, &CRITICAL, &name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let source = "pg_stat_replication";
    let found = cx
        .finding(
            severity,
            Subject::new("replica", &name),
            format!(
                "standby {name} lags {} behind, with {} to replay",
                words::millis(lag),
                words::bytes(behind as f64)
            ),
            advice(replica),
        )
        .with(
            Evidence::new("replay lag", lag, Unit::Ms, format!("{source}.replay_lag"))
                .against(cx.limit_for(threshold, &name)),
        )
        .with(Evidence::new("not replayed", behind, Unit::Bytes, source));
    let stages = [("write lag", replica.write_lag_ms), ("flush lag", replica.flush_lag_ms)];
    Some(stages.into_iter().fold(found, |found, (label, lag)| match lag {
        Some(lag) => found.with(Evidence::new(label, lag, Unit::Ms, source)),
        None => found,
    }))
}

/// Which part of the way takes most of the time.
fn advice(replica: &Replica) -> &'static str {
    let replay = replica.replay_lag_ms.unwrap_or(0.0);
    let share = |lag: Option<f64>| lag.unwrap_or(0.0) / replay.max(1.0);
    if share(replica.write_lag_ms) > 0.5 {
        "WAL arrives late: look at the network and at what else uses it."
    } else if share(replica.flush_lag_ms) > 0.5 {
        "WAL is written late on the standby: look at its disk."
    } else {
        "WAL is replayed late: look for queries on the standby that conflict with replay \
         (max_standby_streaming_delay), and at its CPU and disk reads."
    }
}

/// What a standby can tell by itself, where its primary does not.
fn own_lag(pg: &PgView<'_>, cx: &Context<'_>, recovery: &Recovery, delay: f64) -> Option<Finding> {
    if standby::primary(pg).is_some() {
        return None;
    }
    let name = pg.name();
    let behind = recovery.replay_lag_bytes? as f64;
    let age = pg.seconds_since(recovery.last_replayed_at)? * 1000.0 - delay;
    if behind < cx.limit_for(&MIN_BYTES, name) {
        return None;
    }
    let severity = cx.above(age, &WARNING, &CRITICAL, name)?;
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    Some(
        cx.finding(
            severity,
            Subject::new("replica", name),
            format!(
                "{} of WAL wait to be replayed; the last replayed commit is {} old",
                words::bytes(behind),
                words::millis(age)
            ),
            "Look for queries on this standby that conflict with replay, and at its CPU and disk.",
        )
        .with(
            Evidence::new(
                "age of the last replayed commit",
                age,
                Unit::Ms,
                "pg_last_xact_replay_timestamp()",
            )
            .against(cx.limit_for(threshold, name)),
        )
        .with(
            Evidence::new("not replayed", behind, Unit::Bytes, "pg_last_wal_replay_lsn()")
                .against(cx.limit_for(&MIN_BYTES, name)),
        ),
    )
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData, pg::counters::Wal};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(replay_lag_ms: f64, bytes: i64) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.replicas) = vec![Replica {
                application: "s1".into(),
                state: Some("streaming".into()),
                replay_lag_ms: Some(replay_lag_ms),
                replay_lag_bytes: Some(bytes),
                slot_name: Some("s1".into()),
                ..Replica::default()
            }];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(severity(&with(999.0, 1)), None);
        assert_eq!(severity(&with(1000.0, 1)), Some(Severity::Warning));
        assert_eq!(severity(&with(4999.0, 1)), Some(Severity::Warning));
        assert_eq!(severity(&with(5000.0, 1)), Some(Severity::Critical));
    }

    #[test]
    fn an_idle_standby_has_no_time_lag() {
        assert_eq!(severity(&with(60_000.0, 0)), None, "caught up; the figure is the last one");
        let mut quiet = with(60_000.0, 5);
        let TargetData::Postgres(pg) = &mut quiet.targets[0].data else { unreachable!() };
        edit(&mut pg.window).wal = Some(Wal::default());
        assert_eq!(severity(&quiet), None, "nothing was written");
        let idle_standby = standby(3600, 100);
        assert_eq!(severity(&idle_standby), None);
    }

    fn standby(replayed: i64, bytes: i64) -> Snapshot {
        testing::pg(|pg| {
            pg.server.in_recovery = true;
            *edit(&mut pg.recovery) = Recovery {
                slot_name: Some("s1".into()),
                last_replayed_at: ago(replayed),
                replay_lag_bytes: Some(bytes),
                ..Recovery::default()
            };
        })
    }

    #[test]
    fn a_standby_alone_speaks_only_with_a_segment_of_backlog() {
        assert_eq!(severity(&standby(6, 16_777_216)), Some(Severity::Critical));
        assert_eq!(severity(&standby(1, 16_777_216)), Some(Severity::Warning));
        assert_eq!(severity(&standby(6, 16_777_215)), None);
    }

    #[test]
    fn the_delay_asked_for_is_no_lag_and_the_primary_speaks_for_both() {
        let mut cluster = with(6000.0, 5);
        let mut delayed = standby(6, 99_999_999);
        let TargetData::Postgres(pg) = &mut delayed.targets[0].data else { unreachable!() };
        set(pg, "recovery_min_apply_delay", "5500", Some("ms"));
        delayed.targets[0].name = "standby".into();
        cluster.targets.append(&mut delayed.targets);
        assert_eq!(severity(&cluster), None);
    }

    #[test]
    fn is_skipped_where_the_state_is_hidden() {
        let mut hidden = with(1.0, 1);
        let TargetData::Postgres(pg) = &mut hidden.targets[0].data else { unreachable!() };
        edit(&mut pg.replicas)[0].state = None;
        let skip = testing::skipped(&CHECK, &hidden);
        assert_eq!(skip.0.remedy.as_deref(), Some("GRANT pg_monitor TO monitor;"));
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
