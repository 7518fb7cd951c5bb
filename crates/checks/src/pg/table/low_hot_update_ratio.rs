//! Updates that must write every index because they leave their page.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    ordinary::{on_primary, stored, subject, with_age},
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Share of updates that stayed within their page (heap-only tuples).
pub static CHECK: Check = Check {
    id: "pg-low-hot-update-ratio",
    title: "Few heap-only updates",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &["databases"],
    thresholds: &[&RATIO, &MIN_UPDATES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table with more than `min_updates` updates of which less than `hot_ratio` were heap-only: the new version found
no room on its page, or an indexed column changed.

## Why it matters
An update that is not heap-only writes an entry into every index, and leaves old ones for vacuum to remove.
Heap-only versions are cleaned by the next reader of the page.

## How to fix
Where the table's indexes do not cover what is updated, leave room on each page with a lower `fillfactor`; it
takes effect on new pages. Where they do, drop the index on the column that changes, if it can be spared.

## When to ignore
Tables updated by nightly batches only.

## References
PostgreSQL documentation: Heap-Only Tuples (HOT).
",
    run: Run::Database(run),
};

static RATIO: Threshold = Threshold {
    key: "hot_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "below half, most updates pay for all indexes",
};

static MIN_UPDATES: Threshold = Threshold {
    key: "min_updates",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "fewer updates cost too little to tune for",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    let _ = db.stats();
    on_primary(db)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let updates = table.updates as f64;
        let share = table.hot_updates.max(0) as f64 / updates.max(1.0);
        // A table without indexes has nothing to gain.
        let much = updates > cx.limit_for(&MIN_UPDATES, &name) && table.index_bytes > 0;
        if !much || share >= cx.limit_for(&RATIO, &name) {
            continue;
        }
        let filled: i64 = table.option("fillfactor").and_then(|f| f.parse().ok()).unwrap_or(100);
        let advice = if filled > 80 {
            "Leave room on its pages by a lower fillfactor, unless the columns updated are indexed."
        } else {
            "Its pages have room already: see which indexed column is updated, and whether that index is needed."
        };
        let finding = cx
            .finding(
                Severity::Info,
                subject(db, table),
                format!(
                    "only {} of {} updates of {name} stayed within their page",
                    words::percent(share),
                    words::count(updates)
                ),
                advice,
            )
            .with(
                Evidence::new(
                    "heap-only updates",
                    share,
                    Unit::Ratio,
                    "pg_stat_all_tables.n_tup_hot_upd",
                )
                .against(cx.limit_for(&RATIO, &name)),
            )
            .with(
                Evidence::new("updates", updates, Unit::Count, "pg_stat_all_tables.n_tup_upd")
                    .against(cx.limit_for(&MIN_UPDATES, &name)),
            )
            .with(Evidence::new("fillfactor", filled, Unit::Count, "pg_class.reloptions"));
        let finding = with_age(finding, db);
        found.push(if filled > 80 {
            let mut fix = upkeep::set_options(table, &[("fillfactor", "80")]);
            fix.kind = FixKind::Review;
            finding
                .fixed_by(fix)
                .promising("updates skip the indexes, once pages were written anew")
        } else {
            finding
        });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::relation::Relation};

    use super::*;
    use crate::pg::table::sample::{orders, with, within};
    use crate::testing::{findings, skipped};

    fn updated(updates: i64, hot_updates: i64) -> Relation {
        Relation { updates, hot_updates, index_bytes: 8192, ..orders() }
    }

    fn judge(table: Relation) -> Vec<Finding> {
        findings(&CHECK, &with(vec![table]))
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(judge(updated(10_002, 5_000))[0].severity, Severity::Info);
        assert!(judge(updated(10_002, 5_001)).is_empty());
        assert!(judge(updated(10_000, 0)).is_empty());
        assert_eq!(judge(updated(10_001, 0)).len(), 1);
    }

    #[test]
    fn offers_room_only_where_there_is_none() {
        let fix = judge(updated(20_000, 0))[0].fix.clone().unwrap();
        assert_eq!(fix.statements, ["ALTER TABLE app.orders SET (fillfactor = 80);"]);
        assert_eq!(fix.undo, ["ALTER TABLE app.orders RESET (fillfactor);"]);
        assert_eq!(fix.kind, FixKind::Review);
        let roomy = Relation { options: vec!["fillfactor=80".into()], ..updated(20_000, 0) };
        assert!(judge(roomy)[0].fix.is_none());
    }

    #[test]
    fn a_table_without_indexes_is_silent() {
        assert!(judge(Relation { index_bytes: 0, ..updated(20_000, 0) }).is_empty());
    }

    #[test]
    fn is_skipped_without_relations() {
        let blind =
            within(vec![], |db| db.relations = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
