//! Standbys whose replication stands still.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{
        instance::Settings,
        replication::{Recovery, Replica},
    },
};

use super::standby::{self, label, standbys};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// The state of the receiver on a standby, and of the senders on its primary.
pub static CHECK: Check = Check {
    id: "pg-replica-not-streaming",
    title: "Standby not streaming",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["replicas"],
    uses: &["recovery", "settings"],
    thresholds: &[&GRACE],
    fix: None,
    explain: "\
## What it detects
On a standby that runs for at least `min_seconds`: no receiver is streaming (a warning where a
`restore_command` can still bring WAL from an archive). On a primary: a standby that is connected for that
long and still not in the state `streaming`.

## Why it matters
The standby falls further behind with every commit, and once the primary has removed the WAL it needs, it
must be built anew.

## How to fix
Read the standby's log: the primary unreachable, a wrong password, a missing slot, or `requested WAL
segment has already been removed` (restore it from the archive, or build the standby anew).

## When to ignore
Standbys that follow an archive only, which are passed over when `primary_conninfo` is empty.

## References
PostgreSQL documentation: Log-Shipping Standby Servers; `pg_stat_wal_receiver`.
",
    run: Run::Postgres(run),
};

static GRACE: Threshold = Threshold {
    key: "min_seconds",
    unit: Unit::Seconds,
    default: 60.0,
    strict: None,
    range: (0.0, 86_400.0),
    why: "after a start or a reconnection the first minute goes into catching up",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let replicas = pg.replicas()?;
    let (recovery, settings) = (pg.recovery(), pg.settings().ok());
    if pg.server().in_recovery {
        return receiver(pg, cx, recovery?, settings);
    }
    standby::visible(pg, replicas)?;
    Ok(standbys(replicas).filter_map(|replica| sender(pg, cx, replica)).collect())
}

fn receiver(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    recovery: &Recovery,
    settings: Option<&Settings>,
) -> Judged {
    let status = recovery.receiver_status.as_deref();
    if status == Some("streaming") {
        return Ok(Vec::new());
    }
    if status.is_none() && !standby::sees_receiver(pg) {
        return Err(standby::hidden(pg, "the state of the WAL receiver is hidden"));
    }
    let text = |name| settings.and_then(|settings| settings.text(name));
    if text("primary_conninfo") == Some("") {
        return Err(Skip::not_applicable("this standby follows an archive, not a primary"));
    }
    let running = pg.seconds_since(pg.server().started_at);
    if running.is_some_and(|seconds| seconds < cx.limit_for(&GRACE, pg.name())) {
        return Ok(Vec::new());
    }
    let restores = text("restore_command").is_some_and(|command| !command.is_empty());
    let severity = if restores { Severity::Warning } else { Severity::Critical };
    let state = status.unwrap_or("no receiver runs");
    let found = cx
        .finding(
            severity,
            Subject::new("replica", pg.name()),
            format!("this standby receives nothing from its primary ({state})"),
            "Read the standby's log for the reason: the primary unreachable, a wrong password, a \
             missing slot, or WAL that was removed already.",
        )
        .with(
            Evidence::new("receiver", state, Unit::Text, "pg_stat_wal_receiver")
                .against("streaming"),
        );
    let found = match pg.seconds_since(recovery.last_message_at.or(recovery.last_replayed_at)) {
        Some(age) => found.with(Evidence::new(
            "time since the last sign of the primary",
            age,
            Unit::Seconds,
            "pg_stat_wal_receiver, pg_last_xact_replay_timestamp()",
        )),
        None => found,
    };
    Ok(vec![found])
}

fn sender(pg: &PgView<'_>, cx: &Context<'_>, replica: &Replica) -> Option<Finding> {
    let state = replica.state.as_deref().filter(|state| *state != "streaming")?;
    let name = label(replica);
    let connected = pg.seconds_since(replica.backend_started_at)?;
    if connected < cx.limit_for(&GRACE, &name) {
        return None;
    }
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("replica", &name),
            format!("standby {name} is in state {state} after {}", words::seconds(connected)),
            "Look whether it catches up; one that never does needs a faster disk or network, or a \
             fresh copy.",
        )
        .with(Evidence::new("state", state, Unit::Text, "pg_stat_replication").against("streaming"))
        .with(
            Evidence::new("connected for", connected, Unit::Seconds, "pg_stat_replication")
                .against(cx.limit_for(&GRACE, &name)),
        );
    Some(match replica.sent_lag_bytes {
        Some(bytes) => {
            found.with(Evidence::new("not sent", bytes, Unit::Bytes, "pg_stat_replication"))
        }
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Snapshot, pg::PgSnapshot};

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn standby(status: Option<&str>, change: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
        testing::pg(|pg| {
            pg.server.in_recovery = true;
            pg.server.member_of = vec!["pg_monitor".into()];
            set(pg, "primary_conninfo", "host=primary", None);
            edit(&mut pg.recovery).receiver_status = status.map(str::to_owned);
            change(pg);
        })
    }

    fn primary(state: &str, seconds: i64) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.replicas) = vec![Replica {
                state: Some(state.into()),
                backend_started_at: ago(seconds),
                replay_lag_bytes: Some(1),
                ..Replica::default()
            }];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn a_standby_without_a_receiver_is_critical() {
        assert_eq!(severity(&standby(None, |_| {})), Some(Severity::Critical));
        assert_eq!(severity(&standby(Some("stopping"), |_| {})), Some(Severity::Critical));
        assert_eq!(severity(&standby(Some("streaming"), |_| {})), None);
        let archive = standby(None, |pg| set(pg, "restore_command", "fetch %f", None));
        assert_eq!(severity(&archive), Some(Severity::Warning));
    }

    #[test]
    fn the_first_minute_is_for_catching_up() {
        assert_eq!(severity(&standby(None, |pg| pg.server.started_at = ago(59))), None);
        let late = standby(None, |pg| pg.server.started_at = ago(60));
        assert_eq!(severity(&late), Some(Severity::Critical));
        assert_eq!(severity(&primary("catchup", 59)), None);
        assert_eq!(severity(&primary("catchup", 60)), Some(Severity::Warning));
        assert_eq!(severity(&primary("streaming", 600)), None);
        assert_eq!(severity(&primary("backup", 600)), None, "a base backup is no standby");
    }

    #[test]
    fn is_skipped_for_archive_standbys_and_hidden_receivers() {
        let archive = standby(None, |pg| set(pg, "primary_conninfo", "", None));
        assert!(!testing::skipped(&CHECK, &archive).is_gap());
        let hidden = standby(None, |pg| pg.server.member_of.clear());
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
    }
}
