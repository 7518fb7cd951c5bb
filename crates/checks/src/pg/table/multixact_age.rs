//! Multixact ids running towards wraparound.

use dbvitals_model::{FixKind, Severity, Unit};

use super::wraparound::{self, Kind};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta,
    skip::Judged,
    view::PgView,
};

/// Age of each database's oldest multixact id against 2^31.
pub static CHECK: Check = Check {
    id: "pg-multixact-age",
    title: "Multixact id age",
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
A database whose oldest multixact id (a lock on one row by several transactions) has used `warning_ratio` (or
`critical_ratio`) of the 2^31 that can be told apart. Where ids were watched for `min_observed_seconds`, with the date
at which they are used up if nothing is frozen; within `warning_days` that is a warning of its own, provided that the
age is half as much again as `autovacuum_multixact_freeze_max_age`.

## Why it matters
At the end the server refuses every command that would need a new multixact id: inserts that check a foreign
key, and `SELECT … FOR SHARE`.

## How to fix
End what holds the horizon (`pg-xmin-horizon-held`), then `VACUUM (FREEZE)` the oldest tables. Workloads with
many row locks on few parent rows make multixacts fast: shorten those transactions.

## When to ignore
Never; raise the threshold where `autovacuum_multixact_freeze_max_age` is set high on purpose.

## References
PostgreSQL documentation: Multixacts and Wraparound.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.05, 1.0),
    why: "twice the default autovacuum_multixact_freeze_max_age: the forced vacuums are not keeping up",
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
    word: "multixact id",
    source: "mxid_age(pg_database.datminmxid)",
    of_database: |database| database.multixact_age,
    of_table: |table| table.multixact_age,
    taken: |growth| growth.multixacts,
    forced_at: ("autovacuum_multixact_freeze_max_age", 400_000_000.0),
    limits: [&WARNING, &CRITICAL],
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    wraparound::judge(pg, cx, &KIND)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section};

    use super::*;
    use crate::testing::{self, edit, findings, skipped};

    fn aged(age: i64) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| edit(&mut pg.databases)[0].multixact_age = age);
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert!(aged(858_993_459).is_empty());
        assert_eq!(aged(858_993_460)[0].severity, Severity::Warning);
        assert_eq!(aged(1_288_490_188)[0].severity, Severity::Warning);
        assert_eq!(aged(1_288_490_189)[0].severity, Severity::Critical);
    }

    #[test]
    fn near_the_end_indexes_wait() {
        let found = aged(2_000_000_000);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["VACUUM (FREEZE, VERBOSE, INDEX_CLEANUP OFF, TRUNCATE OFF);"]
        );
    }

    #[test]
    fn is_skipped_without_databases() {
        let blind = testing::pg(|pg| {
            pg.databases = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
