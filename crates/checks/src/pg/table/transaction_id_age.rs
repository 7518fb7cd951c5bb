//! Transaction ids running towards wraparound.

use dbvitals_model::{FixKind, Severity, Unit};

use super::wraparound::{self, Kind};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta,
    skip::Judged,
    view::PgView,
};

/// Age of each database's oldest unfrozen transaction id against 2^31.
pub static CHECK: Check = Check {
    id: "pg-transaction-id-age",
    title: "Transaction id age",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["relations", "settings", "growth"],
    thresholds: &[&WARNING, &CRITICAL, &eta::SOON, &eta::MIN_SECONDS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
A database (templates included) whose oldest unfrozen transaction id has used `warning_ratio` (or
`critical_ratio`) of the 2^31 that can be told apart, with the tables that keep it old. Where ids were watched for
`min_observed_seconds`, with the date at which they are used up if nothing is frozen; within `warning_days` that is a
warning of its own, provided that the age is half as much again as `autovacuum_freeze_max_age`, so that autovacuum is
not keeping up.

## Why it matters
About three million before the end the server refuses every command that needs a transaction id, in all
databases, until somebody freezes.

## How to fix
First end what holds the horizon (`pg-xmin-horizon-held`): freezing cannot pass it. Then
`VACUUM (FREEZE)` the oldest tables. Let autovacuum finish; give it more cost limit.

## When to ignore
Never; raise the threshold where `autovacuum_freeze_max_age` is set high on purpose.

## References
PostgreSQL documentation: Preventing Transaction ID Wraparound Failures.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.05, 1.0),
    why: "four times the default autovacuum_freeze_max_age: the forced vacuums are not keeping up",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.6,
    strict: None,
    range: (0.05, 1.0),
    why: "leaves time to freeze a large table by hand before the failsafe at 1.6 billion",
};

static KIND: Kind = Kind {
    word: "transaction id",
    source: "age(pg_database.datfrozenxid)",
    of_database: |database| database.frozen_xid_age,
    of_table: |table| table.frozen_xid_age,
    taken: |growth| growth.xids,
    forced_at: ("autovacuum_freeze_max_age", 200_000_000.0),
    limits: [&WARNING, &CRITICAL],
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    wraparound::judge(pg, cx, &KIND)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Measure, Reason, Section};

    use super::*;
    use crate::pg::table::sample::orders;
    use crate::testing::{self, app, edit, findings, skipped};

    fn aged(age: i64) -> Vec<Finding> {
        findings(
            &CHECK,
            &testing::pg(|pg| {
                let database = &mut edit(&mut pg.databases)[0];
                database.frozen_xid_age = age;
                let mut table = orders();
                table.frozen_xid_age = Some(age);
                *edit(&mut app(pg).relations) = vec![table];
            }),
        )
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert!(aged(858_993_459).is_empty());
        assert_eq!(aged(858_993_460)[0].severity, Severity::Warning);
        assert_eq!(aged(1_288_490_188)[0].severity, Severity::Warning);
        assert_eq!(aged(1_288_490_189)[0].severity, Severity::Critical);
    }

    #[test]
    fn tells_the_oldest_table() {
        let found = &aged(1_000_000_000)[0];
        let value = |label: &str| {
            found.evidence.iter().find(|e| e.label == label).map(|e| e.value.clone()).unwrap()
        };
        assert_eq!(value("oldest table"), Measure::from("app.orders (1,000,000,000)"));
        assert_eq!(
            found.fix.as_ref().unwrap().statements,
            ["VACUUM (FREEZE, VERBOSE) app.orders;"]
        );
    }

    /// An age, and the ids taken in so many days.
    fn burning(age: i64, xids: i64, days: f64) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            edit(&mut pg.databases)[0].frozen_xid_age = age;
            let growth = edit(&mut pg.growth);
            (growth.seconds, growth.xids) = (days * 86_400.0, Some(xids));
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn a_date_needs_autovacuum_to_be_behind() {
        // 1.64 billion are left; in a week 700 million went: 16 days, 20 at the latest.
        let found = burning(500_000_000, 700_000_000, 7.0);
        assert_eq!(found[0].severity, Severity::Warning);
        assert!(found[0].message.ends_with("they are used up in 14 to 20 days"), "{found:?}");
        assert!(found[0].evidence.iter().any(|e| e.label == "used up between"));
        assert!(burning(299_999_999, 900_000_000, 7.0).is_empty(), "autovacuum will come");
        assert!(burning(500_000_000, 70_000_000, 7.0).is_empty(), "160 days");
    }

    #[test]
    fn a_busy_hour_is_no_trend() {
        // At this pace 20 days, but an hour may be the busiest one: 60.
        assert!(burning(500_000_000, 3_500_000, 1.0 / 24.0).is_empty());
        assert!(burning(500_000_000, 90_000_000, 1.0 / 25.0).is_empty(), "less than an hour");
        assert_eq!(burning(1_000_000_000, -5, 7.0)[0].evidence.len(), 2, "no date from nonsense");
    }

    #[test]
    fn where_a_catalogue_is_the_oldest_the_whole_database_is_frozen() {
        let snapshot = testing::pg(|pg| {
            edit(&mut pg.databases)[0].frozen_xid_age = 1_000_000_000;
            *edit(&mut app(pg).relations) = vec![orders()];
        });
        let found = findings(&CHECK, &snapshot);
        assert_eq!(found[0].fix.as_ref().unwrap().statements, ["VACUUM (FREEZE, VERBOSE);"]);
    }

    #[test]
    fn is_skipped_without_databases() {
        let blind = testing::pg(|pg| {
            pg.databases = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
