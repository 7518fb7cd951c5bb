//! A standby told to stop replaying.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Whether replay is paused, and what has piled up since.
pub static CHECK: Check = Check {
    id: "pg-replica-apply-paused",
    title: "Replay paused",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["recovery"],
    uses: &[],
    thresholds: &[&CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Replay is paused on this standby. Critical when at least `critical_bytes` of WAL wait.

## Why it matters
The standby shows the past and keeps all WAL since; at a failover all of it has to be replayed first.

## How to fix
`SELECT pg_wal_replay_resume();`, unless somebody paused it for a consistent copy and still needs it. If
the server paused by itself (its log says so), a setting is lower here than on the primary: raise that
first, since resuming would shut the standby down.

## When to ignore
While a backup tool holds it.

## References
PostgreSQL documentation: Recovery Control Functions; Hot Standby, Administrator's Overview.
",
    run: Run::Postgres(run),
};

static CRITICAL: Threshold = Threshold {
    key: "critical_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e13),
    why: "nobody pauses for a copy and forgets it for less; a failover would wait for it to be replayed",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let recovery = pg.recovery()?;
    if !pg.server().in_recovery {
        return Err(Skip::not_applicable("a primary replays nothing"));
    }
    if !recovery.is_paused {
        return Ok(Vec::new());
    }
    let waiting = recovery.replay_lag_bytes.unwrap_or(0).max(0) as f64;
    let limit = cx.limit_for(&CRITICAL, pg.name());
    let severity = if waiting >= limit { Severity::Critical } else { Severity::Warning };
    let fix = Fix::new(FixKind::Review, ["SELECT pg_wal_replay_resume();".to_owned()])
        .undone_by(["SELECT pg_wal_replay_pause();".to_owned()]);
    let found = cx
        .finding(
            severity,
            Subject::new("replica", pg.name()),
            format!("replay is paused; {} of WAL wait", words::bytes(waiting)),
            "Resume it, unless a backup needs the pause. Read the log first: if a setting lower than \
             on the primary paused it, raise that.",
        )
        .with(
            Evidence::new("not replayed", waiting, Unit::Bytes, "pg_last_wal_replay_lsn()")
                .against(limit),
        )
        .fixed_by(fix);
    Ok(vec![match pg.seconds_since(recovery.last_replayed_at) {
        Some(age) => found.with(Evidence::new(
            "age of the last replayed commit",
            age,
            Unit::Seconds,
            "pg_last_xact_replay_timestamp()",
        )),
        None => found,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::replication::Recovery};

    use super::*;
    use crate::testing::{self, edit};

    fn with(is_paused: bool, bytes: i64) -> Snapshot {
        testing::pg(|pg| {
            pg.server.in_recovery = true;
            *edit(&mut pg.recovery) =
                Recovery { is_paused, replay_lag_bytes: Some(bytes), ..Recovery::default() };
        })
    }

    #[test]
    fn the_backlog_decides_how_bad_it_is() {
        let severity =
            |bytes| testing::findings(&CHECK, &with(true, bytes)).first().map(|f| f.severity);
        assert_eq!(severity((1 << 30) - 1), Some(Severity::Warning));
        assert_eq!(severity(1 << 30), Some(Severity::Critical));
        assert!(testing::findings(&CHECK, &with(false, 1 << 40)).is_empty());
    }

    #[test]
    fn offers_to_resume() {
        let found = testing::findings(&CHECK, &with(true, 0));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["SELECT pg_wal_replay_resume();"]);
        assert_eq!(fix.kind, FixKind::Review);
    }

    #[test]
    fn is_skipped_on_primaries_and_without_the_section() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.recovery = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
