//! The table of locks close to having no room.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Locks in the shared table against its size.
pub static CHECK: Check = Check {
    id: "pg-lock-table-nearly-full",
    title: "Lock table nearly full",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["locks", "settings"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Locks held or awaited now take at least `warning_ratio` (or `critical_ratio`) of the shared lock table:
`max_locks_per_transaction` × (`max_connections` + `max_prepared_transactions`) entries.

## Why it matters
When it is full, statements of any session fail with `out of shared memory`. One statement over a table
with a thousand partitions, or a dump, takes thousands of entries at once.

## How to fix
Let queries reach fewer partitions (the key in the condition), dump in parts, and raise
`max_locks_per_transaction`, which needs a restart and little memory.

## When to ignore
A dump or restore that runs now and seldom, below the critical limit.

## References
PostgreSQL documentation: Lock Management, `max_locks_per_transaction`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.01, 1.0),
    why: "ordinary transactions use a few per cent; a fifth at one look means far higher peaks",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.6,
    strict: None,
    range: (0.01, 1.0),
    why: "the next such statement beside it does not fit any more",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (locks, settings) = (pg.locks()?, pg.settings()?);
    let number = |name| settings.number(name);
    let (Some(each), Some(connections)) =
        (number("max_locks_per_transaction"), number("max_connections"))
    else {
        return Err(Skip::not_applicable("the size of the lock table is not known"));
    };
    let slots = each * (connections + number("max_prepared_transactions").unwrap_or(0.0));
    let held = locks.in_table as f64;
    let name = pg.name();
    let ratio = held / slots.max(1.0);
    let Some(severity) = cx.above(ratio, &WARNING, &CRITICAL, name) else {
        return Ok(Vec::new());
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let raised = format!("{:.0}", each * 2.0);
    let fix =
        setting_change::change(settings, FixKind::Review, &[("max_locks_per_transaction", raised)]);
    let found = cx
        .finding(
            severity,
            Subject::new("server", name),
            format!("locks take {} of {} entries", words::count(held), words::count(slots)),
            "Let statements reach fewer partitions, dump in parts, and raise \
             max_locks_per_transaction at the next restart.",
        )
        .with(
            Evidence::new("use of the lock table", ratio, Unit::Ratio, "pg_locks")
                .against(cx.limit_for(limit, name)),
        )
        .with(Evidence::new("locks", held, Unit::Count, "pg_locks, without fast-path locks"))
        .with(Evidence::new("max_locks_per_transaction", each, Unit::Count, "pg_settings"))
        .fixed_by(fix);
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(in_table: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_locks_per_transaction", "64", None);
            "postmaster".clone_into(&mut edit(&mut pg.settings).0[0].context);
            set(pg, "max_connections", "90", None);
            set(pg, "max_prepared_transactions", "10", None);
            edit(&mut pg.locks).in_table = in_table;
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let severity =
            |locks| testing::findings(&CHECK, &with(locks)).first().map(|found| found.severity);
        assert_eq!(severity(1279), None);
        assert_eq!(severity(1280), Some(Severity::Warning));
        assert_eq!(severity(3839), Some(Severity::Warning));
        assert_eq!(severity(3840), Some(Severity::Critical));
    }

    #[test]
    fn the_fix_doubles_it_at_a_restart() {
        let found = testing::findings(&CHECK, &with(2000)).remove(0);
        assert_eq!(found.message, "locks take 2,000 of 6,400 entries");
        let fix = found.fix.unwrap();
        assert_eq!(fix.statements, ["ALTER SYSTEM SET max_locks_per_transaction = '128';"]);
        assert_eq!(fix.undo, ["ALTER SYSTEM SET max_locks_per_transaction = '64';"]);
        assert!(fix.blocks.contains("restart"));
    }

    #[test]
    fn is_skipped_when_the_size_is_unknown_or_locks_are_missing() {
        assert_eq!(testing::skipped(&CHECK, &testing::pg(|_| {})).0.reason, Reason::NotApplicable);
        let none = testing::pg(|pg| pg.locks = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
