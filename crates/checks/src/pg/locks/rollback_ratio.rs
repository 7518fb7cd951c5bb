//! Databases that roll back much of what they do.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::database::Database};

use super::database_counters;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::counted::Counted,
    skip::Judged,
    view::PgView,
    words,
};

/// Rollbacks against all transactions.
pub static CHECK: Check = Check {
    id: "pg-rollback-ratio",
    title: "Many rollbacks",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&ROLLBACKS, &TRANSACTIONS],
    fix: None,
    explain: "\
## What it detects
More than `max_rollback_ratio` of the transactions of a database were rolled back, out of more than
`min_transactions`.

## Why it matters
Their work was done for nothing, and what they wrote is left for vacuum. Behind it are errors that
users see, or conflicts that should not happen.

## How to fix
Read the errors in the server's log: unique violations that `ON CONFLICT` avoids, serialisation failures,
timeouts, connections that are closed in the middle.

## When to ignore
Drivers and pools that end every reading transaction with `ROLLBACK`: they cost nothing.

## References
PostgreSQL documentation: `pg_stat_database`, `xact_rollback`.
",
    run: Run::Postgres(run),
};

static ROLLBACKS: Threshold = Threshold {
    key: "max_rollback_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "errors in ordinary work concern a few per cent of transactions",
};

static TRANSACTIONS: Threshold = Threshold {
    key: "min_transactions",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "below a thousand transactions one failed job decides",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (databases, window) = (pg.databases()?, pg.window().ok());
    let found = database_counters::each(pg, databases, window, |seen| {
        transactions(seen.counters) > cx.limit_for(&TRANSACTIONS, &seen.counters.name)
    });
    Ok(found.filter_map(|seen| finding(cx, &seen)).collect())
}

fn transactions(database: &Database) -> f64 {
    database.commits.max(0) as f64 + database.rollbacks.max(0) as f64
}

fn finding(cx: &Context<'_>, seen: &Counted<'_, Database>) -> Option<Finding> {
    let name = &seen.counters.name;
    let (all, rollbacks) = (transactions(seen.counters), seen.counters.rollbacks.max(0) as f64);
    if all <= 0.0 {
        return None;
    }
    let ratio = rollbacks / all;
    let limit = cx.limit_for(&ROLLBACKS, name);
    (ratio > limit).then(|| {
        cx.finding(
            Severity::Warning,
            Subject::new("database", name),
            format!(
                "database {name} rolled back {} of its transactions {}",
                words::percent(ratio),
                seen.when()
            ),
            "Read the errors in the server's log; see whether a driver ends reading transactions with \
             ROLLBACK, which is harmless.",
        )
        .with(
            Evidence::new(
                "rolled back",
                ratio,
                Unit::Ratio,
                seen.source("pg_stat_database.xact_rollback"),
            )
            .against(limit),
        )
        .with(Evidence::new("transactions", all, Unit::Count, seen.source("pg_stat_database")))
        .with(seen.time())
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData, pg::window::Window};

    use super::*;
    use crate::testing::{self, edit};

    fn with(commits: i64, rollbacks: i64) -> Snapshot {
        testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            (database.commits, database.rollbacks) = (commits, rollbacks);
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let found = |commits, rollbacks| testing::findings(&CHECK, &with(commits, rollbacks)).len();
        assert_eq!(found(9000, 1000), 0, "10 % exactly");
        assert_eq!(found(9000, 1001), 1);
        assert_eq!(found(500, 500), 0, "1,000 transactions exactly");
        assert_eq!(found(500, 501), 1);
        assert_eq!(found(0, 0), 0);
    }

    #[test]
    fn a_busy_window_counts_more_than_the_past_and_templates_never() {
        let mut snapshot = with(100, 90_000);
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
        let recent = Database { name: "app".into(), commits: 2000, ..Database::default() };
        pg.window = Section::collected(Window {
            seconds: 10.0,
            databases: vec![recent],
            ..Window::default()
        });
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
        let template = testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            (database.is_template, database.rollbacks) = (true, 99_999);
        });
        assert!(testing::findings(&CHECK, &template).is_empty());
    }

    #[test]
    fn is_skipped_without_databases() {
        let none = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
