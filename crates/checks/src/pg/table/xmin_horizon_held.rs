//! Old snapshots that keep vacuum from removing dead rows anywhere.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use super::horizon::{Holder, Kind, holders};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
    words,
};

/// Sessions, slots, prepared transactions and standbys that hold the xmin horizon.
pub static CHECK: Check = Check {
    id: "pg-xmin-horizon-held",
    title: "Xmin horizon held back",
    topic: Topic::Tables,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["activity"],
    uses: &["prepared_transactions", "slots", "replicas"],
    thresholds: &[&WARNING, &CRITICAL, &WARNING_XIDS, &CRITICAL_XIDS, &MIN_XIDS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Whoever holds an old snapshot: a session, a replication slot, a prepared transaction, a standby with
`hot_standby_feedback`. Warned from `warning_seconds` on (where the time cannot be told, from
`warning_xids` on), critical from `critical_seconds` or `critical_xids` on. Holders with fewer than
`min_xids` transactions since then hold nothing worth having.

## Why it matters
No vacuum may remove a row that died after that snapshot, in any table. Tables and indexes bloat, queries slow
down, and the age of transaction ids grows towards wraparound.

## How to fix
End it: finish or terminate the transaction, drop the abandoned slot, commit or roll back the prepared
transaction, end the standby's long query or switch its feedback off. Then prevent it:
`idle_in_transaction_session_timeout`, `transaction_timeout` (17+), `max_slot_wal_keep_size`.

## When to ignore
A dump or an initial copy of a subscription that is known and will end.

## References
PostgreSQL documentation: Routine Vacuuming; Replication Slots; `hot_standby_feedback`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: Some(900.0),
    range: (0.0, 31_536_000.0),
    why: "ordinary transactions end in seconds; in an hour a busy table turns over",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 86_400.0,
    strict: None,
    range: (0.0, 31_536_000.0),
    why: "a day without clean-up is a day of bloat that only a rewrite takes back",
};

static WARNING_XIDS: Threshold = Threshold {
    key: "warning_xids",
    unit: Unit::Xids,
    default: 1_000_000.0,
    strict: None,
    range: (0.0, 2e9),
    why: "stands in for the hour where the server does not say since when (slots until 16, standbys)",
};

static CRITICAL_XIDS: Threshold = Threshold {
    key: "critical_xids",
    unit: Unit::Xids,
    default: 10_000_000.0,
    strict: None,
    range: (0.0, 2e9),
    why: "ten million transactions of dead rows, and a twentieth of the way to the forced freeze",
};

static MIN_XIDS: Threshold = Threshold {
    key: "min_xids",
    unit: Unit::Xids,
    default: 1000.0,
    strict: None,
    range: (0.0, 2e9),
    why: "on a server where nothing happened since, an open snapshot costs nothing",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let holders = holders(pg)?;
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby removes nothing; ask its primary"));
    }
    let judged = holders.iter().filter_map(|holder| {
        let name = holder.name.as_str();
        let xids = holder.held_xids as f64;
        if xids < cx.limit_for(&MIN_XIDS, name) {
            return None;
        }
        let by_time =
            holder.held_seconds.and_then(|held| cx.above(held, &WARNING, &CRITICAL, name));
        let untold = holder.held_seconds.is_none() && xids >= cx.limit_for(&WARNING_XIDS, name);
        let severity = if xids >= cx.limit_for(&CRITICAL_XIDS, name) {
            Severity::Critical
        } else {
            by_time.or(untold.then_some(Severity::Warning))?
        };
        Some(finding(pg, cx, holder, severity))
    });
    Ok(judged.collect())
}

fn finding(pg: &PgView<'_>, cx: &Context<'_>, holder: &Holder, severity: Severity) -> Finding {
    let name = holder.name.as_str();
    let since = holder
        .held_seconds
        .map_or_else(String::new, |held| format!(" and {}", words::seconds(held)));
    let kept = if holder.catalogues_only { "dead catalogue rows" } else { "dead rows" };
    let (advice, fix) = remedy(holder);
    let found = cx
        .finding(
            severity,
            Subject::new(holder.kind.subject(), name),
            format!(
                "{} keeps {kept} of the last {} transactions{since} from being removed",
                holder.description,
                words::count(holder.held_xids as f64)
            ),
            advice,
        )
        .with(
            Evidence::new(
                "transactions since",
                holder.held_xids,
                Unit::Xids,
                "age of its xmin or xid",
            )
            .against(cx.limit_for(&CRITICAL_XIDS, name)),
        );
    let found = match holder.held_seconds {
        Some(held) => found.with(
            Evidence::new("held for", held, Unit::Seconds, "server clock").against(cx.limit_for(
                if severity == Severity::Critical { &CRITICAL } else { &WARNING },
                name,
            )),
        ),
        None => found,
    };
    let found = match on_standby(pg, holder) {
        Some(session) => found.with(Evidence::new(
            "oldest on the standby",
            session,
            Unit::Text,
            "its pg_stat_activity",
        )),
        None => found,
    };
    let found = found.promising("vacuum can remove dead rows again, everywhere");
    match fix {
        Some(fix) => found.fixed_by(fix),
        None => found,
    }
}

/// Advice and statements, by kind of holder.
fn remedy(holder: &Holder) -> (&'static str, Option<Fix>) {
    let quoted = sql::literal(&holder.name);
    match holder.kind {
        Kind::Session => (
            "Ask its owner to end the transaction, or terminate the session; set idle_in_transaction_session_timeout.",
            holder.pid.map(|pid| {
                Fix::new(FixKind::Review, [format!("SELECT pg_terminate_backend({pid});")])
                    .locking("none", "nothing, but the session's transaction is rolled back")
            }),
        ),
        Kind::Prepared => (
            "Ask its transaction manager whether to commit it; otherwise roll it back, in its own database.",
            Some(
                Fix::new(FixKind::Review, [format!("ROLLBACK PREPARED {quoted};")])
                    .locking("none", "nothing, but the prepared changes are lost"),
            ),
        ),
        Kind::IdleSlot => (
            "Start its consumer again, or drop the slot if nobody will come back for it.",
            Some(
                Fix::new(FixKind::Review, [format!("SELECT pg_drop_replication_slot({quoted});")])
                    .locking("none", "nothing, but its consumer must be built anew"),
            ),
        ),
        Kind::Slot => (
            "Find out why its consumer does not confirm: a long query on the standby, or a slow subscriber.",
            None,
        ),
        Kind::Standby => (
            "End the long query on the standby, or switch its hot_standby_feedback off and accept cancelled queries there.",
            None,
        ),
    }
}

/// The session with the oldest snapshot on an audited standby of that name.
fn on_standby(pg: &PgView<'_>, holder: &Holder) -> Option<String> {
    if holder.kind != Kind::Standby {
        return None;
    }
    let node = pg.siblings().find(|node| {
        let named = node.server().cluster_name.as_deref() == Some(holder.name.as_str());
        node.name() == holder.name || named
    })?;
    holders(&node)
        .ok()?
        .into_iter()
        .find(|held| held.kind == Kind::Session)
        .map(|held| held.description)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, TargetData,
        pg::{
            PgSnapshot,
            activity::{PreparedTransaction, Session},
            replication::{Replica, Slot},
        },
    };

    use super::*;
    use crate::testing::{self, ago, edit, findings, skipped};

    fn session(seconds: i64, xids: i64) -> Session {
        Session {
            pid: 4711,
            user: Some("app".into()),
            database: Some("app".into()),
            backend_type: "client backend".into(),
            state: Some("idle in transaction".into()),
            transaction_started_at: ago(seconds),
            xmin_age: Some(xids),
            ..Session::default()
        }
    }

    fn severity(told: impl FnOnce(&mut PgSnapshot)) -> Option<Severity> {
        findings(&CHECK, &testing::pg(told)).first().map(|found| found.severity)
    }

    #[test]
    fn time_and_transactions_have_two_sides_each() {
        let of =
            |seconds, xids| severity(|pg| *edit(&mut pg.activity) = vec![session(seconds, xids)]);
        assert_eq!(of(3599, 1000), None);
        assert_eq!(of(3600, 1000), Some(Severity::Warning));
        assert_eq!(of(86_399, 1000), Some(Severity::Warning));
        assert_eq!(of(86_400, 1000), Some(Severity::Critical));
        assert_eq!(of(60, 9_999_999), None);
        assert_eq!(of(60, 10_000_000), Some(Severity::Critical));
        assert_eq!(of(86_400, 999), None, "nothing happened since");
    }

    #[test]
    fn a_session_can_be_terminated() {
        let snapshot = testing::pg(|pg| *edit(&mut pg.activity) = vec![session(7200, 5000)]);
        let found = findings(&CHECK, &snapshot);
        assert_eq!(found[0].subject.name, "4711 (app)");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["SELECT pg_terminate_backend(4711);"]);
        assert_eq!(fix.kind, FixKind::Review);
    }

    #[test]
    fn slots_and_prepared_transactions_are_named_with_their_statements() {
        let snapshot = testing::pg(|pg| {
            *edit(&mut pg.slots) = vec![Slot {
                name: "cdc".into(),
                kind: "logical".into(),
                catalog_xmin_age: Some(1_000_000),
                ..Slot::default()
            }];
            *edit(&mut pg.prepared_transactions) = vec![PreparedTransaction {
                gid: "it's".into(),
                prepared_at: ago(7200),
                xid_age: 2000,
                ..PreparedTransaction::default()
            }];
        });
        let statements: Vec<_> = findings(&CHECK, &snapshot)
            .into_iter()
            .flat_map(|found| found.fix.unwrap().statements)
            .collect();
        assert_eq!(
            statements,
            ["SELECT pg_drop_replication_slot('cdc');", "ROLLBACK PREPARED 'it''s';"]
        );
    }

    #[test]
    fn a_standby_is_named_with_its_oldest_session() {
        let mut snapshot = testing::pg(|pg| {
            *edit(&mut pg.replicas) = vec![Replica {
                application: "standby1".into(),
                xmin_age: Some(1_000_000),
                ..Replica::default()
            }];
        });
        let mut standby = testing::healthy_pg();
        standby.server.in_recovery = true;
        *edit(&mut standby.activity) = vec![session(9000, 1_000_000)];
        let data = TargetData::Postgres(Box::new(standby));
        snapshot.targets.insert(0, testing::target("standby1", data));
        let settings = crate::Settings::default();
        let report = crate::judge(&snapshot, &settings);
        let found: Vec<_> = report.findings.iter().filter(|f| f.check == CHECK.id).collect();
        assert_eq!(found.len(), 1, "the standby itself says nothing");
        assert!(found[0].evidence.iter().any(|e| e.label == "oldest on the standby"));
    }

    #[test]
    fn is_skipped_without_activity() {
        let blind = testing::pg(|pg| {
            pg.activity = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Permission);
    }
}
