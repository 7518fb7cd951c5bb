//! Vacuums that run to prevent wraparound.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::relation::Relation};

use super::ordinary::by_oid;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Autovacuum at work against wraparound, by table.
pub static CHECK: Check = Check {
    id: "pg-anti-wraparound-vacuum-running",
    title: "Anti-wraparound vacuum running",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["vacuum_progress"],
    uses: &["relations", "settings"],
    thresholds: &[&FAILSAFE],
    fix: None,
    explain: "\
## What it detects
An autovacuum that runs to prevent wraparound. Critical where the table is older than the server's
`vacuum_failsafe_age` (14+) or `failsafe_xids`, whichever is less: the vacuum then drops its cost delay and
skips indexes.

## Why it matters
Unlike others this vacuum does not give way: `ALTER TABLE`, `TRUNCATE` and even `LOCK` queue behind it, and all
other statements queue behind them.

## How to fix
Let it finish; never cancel it, it comes back at once. Postpone DDL on the table. If it is slow, raise
`autovacuum_vacuum_cost_limit` (reload is enough). Afterwards vacuum and freeze regularly, or raise
`autovacuum_freeze_max_age`, so that it comes less often.

## When to ignore
On large tables that are hardly written it comes once in a while by design.

## References
PostgreSQL documentation: Preventing Transaction ID Wraparound Failures.
",
    run: Run::Postgres(run),
};

static FAILSAFE: Threshold = Threshold {
    key: "failsafe_xids",
    unit: Unit::Xids,
    default: 1_600_000_000.0,
    strict: None,
    range: (0.0, 2_147_483_648.0),
    why: "the server's own default for its failsafe, three quarters of all ids",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (running, settings) = (pg.vacuum_progress()?, pg.settings());
    let tables: Vec<(&str, &[Relation])> = pg
        .by_database()
        .filter_map(|db| Some((db.name(), db.relations().ok()?.as_slice())))
        .collect();
    let own = settings.ok().and_then(|all| all.number("vacuum_failsafe_age"));
    let mut found = Vec::new();
    for vacuum in running.iter().filter(|vacuum| vacuum.to_prevent_wraparound) {
        let relations = tables.iter().find(|(name, _)| *name == vacuum.database).map(|(_, t)| *t);
        let table = relations.and_then(|all| by_oid(all, vacuum.relation_oid));
        let name = table
            .map(Relation::qualified)
            .or_else(|| vacuum.relation.clone())
            .unwrap_or_else(|| format!("relation {}", vacuum.relation_oid));
        let limit = own.unwrap_or(f64::MAX).min(cx.limit_for(&FAILSAFE, &name));
        let age = table.and_then(|t| t.frozen_xid_age.max(t.multixact_age)).map(|age| age as f64);
        let failsafe = age.is_some_and(|age| age >= limit);
        let done = vacuum.heap_blocks_scanned as f64 / (vacuum.heap_blocks_total.max(1)) as f64;
        let mut finding = cx
            .finding(
                if failsafe { Severity::Critical } else { Severity::Warning },
                Subject::within("table", &vacuum.database, &name),
                format!(
                    "an anti-wraparound vacuum of {name} is running ({}, {} of its pages scanned)",
                    vacuum.phase,
                    words::percent(done)
                ),
                "Let it finish and postpone DDL on the table; raise the cost limit if it is slow.",
            )
            .with(Evidence::new("pages scanned", done, Unit::Ratio, "pg_stat_progress_vacuum"));
        if let Some(age) = age {
            finding = finding.with(
                Evidence::new("age", age, Unit::Xids, "pg_class.relfrozenxid").against(limit),
            );
        }
        if let Some(seconds) = pg.seconds_since(vacuum.started_at) {
            finding = finding.with(Evidence::new(
                "running for",
                seconds,
                Unit::Seconds,
                "pg_stat_activity",
            ));
        }
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::activity::VacuumProgress};

    use super::*;
    use crate::pg::table::sample::{orders, with_more};
    use crate::testing::{edit, findings, set, skipped};

    fn running(age: i64, forced: bool, failsafe: &str) -> Vec<Finding> {
        let table = Relation { frozen_xid_age: Some(age), ..orders() };
        let snapshot = with_more(vec![table], |pg| {
            set(pg, "vacuum_failsafe_age", failsafe, None);
            *edit(&mut pg.vacuum_progress) = vec![VacuumProgress {
                database: "app".into(),
                relation_oid: 1,
                phase: "scanning heap".into(),
                heap_blocks_total: 200,
                heap_blocks_scanned: 50,
                is_autovacuum: true,
                to_prevent_wraparound: forced,
                ..VacuumProgress::default()
            }];
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn the_failsafe_has_two_sides_and_the_servers_own_counts() {
        let severity = |age, own| running(age, true, own)[0].severity;
        assert_eq!(severity(1_599_999_999, "1600000000"), Severity::Warning);
        assert_eq!(severity(1_600_000_000, "1600000000"), Severity::Critical);
        assert_eq!(severity(1_000_000_000, "1000000000"), Severity::Critical);
        let found = running(300_000_000, true, "1600000000");
        assert!(found[0].message.contains("app.orders is running (scanning heap, 25 %"));
    }

    #[test]
    fn an_ordinary_vacuum_is_silent() {
        assert!(running(300_000_000, false, "1600000000").is_empty());
    }

    #[test]
    fn is_skipped_without_progress() {
        let blind = with_more(vec![], |pg| {
            pg.vacuum_progress = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
