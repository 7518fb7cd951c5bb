//! Prepared transactions that nobody finishes.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
    words,
};

/// Age of `pg_prepared_xacts`.
pub static CHECK: Check = Check {
    id: "pg-prepared-transaction-old",
    title: "Old prepared transaction",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["prepared_transactions"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A transaction prepared for two-phase commit at least `warning_seconds` (or `critical_seconds`) ago and
neither committed nor rolled back since.

## Why it matters
It keeps its locks and holds back vacuum without any session, survives restarts, and in the end stops
the server when transaction ids run out.

## How to fix
Ask the transaction manager what it decided. `COMMIT PREPARED` or `ROLLBACK PREPARED` in its database
finishes it. Set `max_prepared_transactions` to 0 where nothing uses them.

## When to ignore
Never for long: a transaction manager finishes within seconds.

## References
PostgreSQL documentation: PREPARE TRANSACTION; Two-Phase Transactions.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (0.0, 1e7),
    why: "a transaction manager needs seconds; five minutes means that it lost track",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 1e7),
    why: "after an hour nobody comes back for it, and its locks and its snapshot stay for ever",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let prepared = pg.prepared_transactions()?;
    let found = prepared.iter().filter_map(|transaction| {
        let age = pg.seconds_since(transaction.prepared_at)?;
        let gid = &transaction.gid;
        let severity = cx.above(age, &WARNING, &CRITICAL, gid)?;
        let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
        let fix =
            Fix::new(FixKind::Review, [format!("ROLLBACK PREPARED {};", sql::literal(gid))])
                .locking(
                    "none",
                    "nothing; its changes are lost for good, although other databases may have \
                     committed their part",
                );
        let found = cx
            .finding(
                severity,
                Subject::within("transaction", &transaction.database, gid),
                format!(
                    "prepared transaction {gid} of {} in database {} waits for its end for {}",
                    transaction.owner,
                    transaction.database,
                    words::seconds(age)
                ),
                format!(
                    "Ask the transaction manager what it decided; commit or roll it back, connected to \
                     database {}.",
                    transaction.database
                ),
            )
            .with(
                Evidence::new("age", age, Unit::Seconds, "pg_prepared_xacts.prepared")
                    .against(cx.limit_for(limit, gid)),
            )
            .with(Evidence::new(
                "transactions since",
                transaction.xid_age,
                Unit::Xids,
                "pg_prepared_xacts.transaction",
            ))
            .fixed_by(fix);
        Some(found)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::activity::PreparedTransaction};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn found(age: i64) -> Option<Finding> {
        let snapshot = testing::pg(|pg| {
            *edit(&mut pg.prepared_transactions) = vec![PreparedTransaction {
                gid: "it's".into(),
                owner: "xa".into(),
                database: "app".into(),
                prepared_at: ago(age),
                xid_age: 5,
            }];
        });
        testing::findings(&CHECK, &snapshot).pop()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity = |age| found(age).map(|found| found.severity);
        assert_eq!(severity(299), None);
        assert_eq!(severity(300), Some(Severity::Warning));
        assert_eq!(severity(3599), Some(Severity::Warning));
        assert_eq!(severity(3600), Some(Severity::Critical));
    }

    #[test]
    fn the_fix_names_it_with_quotes_and_all() {
        let fix = found(400).unwrap().fix.unwrap();
        assert_eq!(fix.statements, ["ROLLBACK PREPARED 'it''s';"]);
        assert!(!fix.reversible);
    }

    #[test]
    fn is_skipped_when_missing() {
        let none = testing::pg(|pg| {
            pg.prepared_transactions = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
