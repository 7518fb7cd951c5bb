//! Tables nobody ever put a row into.

use dbvitals_model::{Evidence, Severity, Unit};

use super::ordinary::{on_primary, stored, subject, with_age};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Tables without a page and without an insert over a long time.
pub static CHECK: Check = Check {
    id: "pg-empty-table",
    title: "Empty table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations", "databases"],
    uses: &[],
    thresholds: &[&MIN_AGE],
    fix: None,
    explain: "\
## What it detects
A table without a single page, into which no row was inserted for at least `min_age_days` (the age of the statistics).
Partitions, which are created ahead, and unlogged tables are left alone.

## Why it matters
It costs nothing but attention: dead schema is read by everybody who looks for the living part.

## How to fix
Ask whose it is; drop it with its code.

## When to ignore
Tables of features not switched on, and queues that are usually empty.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_all_tables`.
",
    run: Run::Database(run),
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_days",
    unit: Unit::Days,
    default: 30.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a month sees monthly jobs; younger statistics prove nothing",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    db.stats()?;
    on_primary(db)?;
    let Some(age) = db.statistics_age_days() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let plain = table.kind == "r" && table.persistence == "p" && !table.is_partition;
        let known = !table.is_locked && !table.sizes_estimated;
        let is_parent = relations.iter().any(|child| child.parent_oid == Some(table.oid));
        let untouched = table.heap_bytes == 0 && table.inserts == 0;
        if !plain || !known || is_parent || !untouched || age < cx.limit_for(&MIN_AGE, &name) {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Info,
                subject(db, table),
                format!("{name} is empty and nothing was ever inserted since statistics began"),
                "Ask whose it is; drop it with the code that names it.",
            )
            .with(Evidence::new("size", table.heap_bytes, Unit::Bytes, "pg_relation_size"))
            .with(Evidence::new("inserts", table.inserts, Unit::Count, "pg_stat_all_tables"))
            .with(Evidence::new(
                "sequential scans",
                table.seq_scans,
                Unit::Count,
                "pg_stat_all_tables",
            ));
        found.push(with_age(finding, db));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with_more, within};
    use crate::testing::{ago, edit, findings, skipped};

    fn empty() -> Relation {
        Relation { heap_bytes: 0, pages: 0, live_rows: 0, inserts: 0, ..orders() }
    }

    fn judge(table: Relation, days: i64) -> Vec<Finding> {
        let snapshot = with_more(vec![table], |pg| {
            edit(&mut pg.databases)[0].stats_reset = ago(days * 86_400);
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn the_age_has_two_sides() {
        assert_eq!(judge(empty(), 30)[0].severity, Severity::Info);
        assert!(judge(empty(), 29).is_empty());
    }

    #[test]
    fn tables_that_are_used_made_ahead_or_unknown_are_silent() {
        for table in [
            Relation { inserts: 1, ..empty() },
            Relation { heap_bytes: 8192, ..empty() },
            Relation { is_partition: true, ..empty() },
            Relation { persistence: "u".into(), ..empty() },
            Relation { is_locked: true, ..empty() },
            Relation { sizes_estimated: true, ..empty() },
        ] {
            assert!(judge(table, 60).is_empty());
        }
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
