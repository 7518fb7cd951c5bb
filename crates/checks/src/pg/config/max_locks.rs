//! Room for locks against what statements on partitions need.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};
use crate::{
    pg::{config::advice, setting_change::change},
    view::DatabaseView,
};
use std::collections::BTreeMap;

/// `max_locks_per_transaction` against the largest partitioned table.
pub static CHECK: Check = Check {
    id: "pg-max-locks",
    title: "Few locks per transaction",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["partitions", "indexes"],
    thresholds: &[&SHARE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A statement that touches all partitions of one table, with their indexes, takes more than `max_ratio` of
all places of the lock table (`max_locks_per_transaction` × (`max_connections` +
`max_prepared_transactions`)).

## Why it matters
When the table is full, statements fail with \"out of shared memory\", first those that need many locks:
`pg_dump`, DROP of a parent, statements that cannot exclude partitions.

## How to fix
Raise `max_locks_per_transaction`; it needs a restart, on standbys first. Or have fewer partitions.

## When to ignore
Tables that are only ever used through one partition at a time.

## References
PostgreSQL documentation: Lock Management, `max_locks_per_transaction`.
",
    run: Run::Postgres(run),
};

static SHARE: Threshold = Threshold {
    key: "max_ratio",
    unit: Unit::Ratio,
    default: 0.25,
    strict: None,
    range: (0.0, 1.0),
    why: "four sessions that touch every partition at once must find room",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let needs: Vec<(f64, String)> = pg.by_database().filter_map(|db| most_locks(&db)).collect();
    let name = "max_locks_per_transaction";
    let (each, connections) =
        (advice::number(settings, name)?, advice::number(settings, "max_connections")?);
    let prepared = settings.number("max_prepared_transactions").unwrap_or(0.0);
    let places = each * (connections + prepared);
    let Some((needed, table)) = needs.into_iter().max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Ok(Vec::new());
    };
    let limit = cx.limit(&SHARE);
    if places <= 0.0 || needed / places <= limit {
        return Ok(Vec::new());
    }
    let wanted = (needed / limit.max(0.01) / (connections + prepared)).log2().ceil().exp2();
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        name,
        format!(
            "one statement on all of {table} needs {} locks of {} there are",
            words::count(needed),
            words::count(places)
        ),
        "Raise max_locks_per_transaction, on standbys first, or have fewer partitions.",
    )
    .with(
        Evidence::new(
            "share of all locks",
            needed / places,
            Unit::Ratio,
            "partitions and their indexes / places",
        )
        .against(limit),
    )
    .with(Evidence::new("locks needed", needed, Unit::Count, "pg_inherits, pg_index"))
    .with(Evidence::new(
        "places",
        places,
        Unit::Count,
        "max_locks_per_transaction × (max_connections + max_prepared_transactions)",
    ))
    .fixed_by(change(settings, FixKind::Review, &[(name, format!("{wanted:.0}"))]));
    Ok(vec![found])
}

/// The partitioned table of a database that needs most locks: one for each partition and index.
fn most_locks(db: &DatabaseView<'_>) -> Option<(f64, String)> {
    let (partitions, indexes) = (db.partitions().ok(), db.indexes().ok());
    let mut on_table: BTreeMap<i64, f64> = BTreeMap::new();
    for index in indexes.into_iter().flatten() {
        *on_table.entry(index.table_oid).or_default() += 1.0;
    }
    let mut needed: BTreeMap<&str, f64> = BTreeMap::new();
    for partition in partitions.into_iter().flatten() {
        let locks = 1.0 + on_table.get(&partition.oid).copied().unwrap_or(0.0);
        *needed.entry(&partition.parent).or_default() += locks;
    }
    let (table, locks) = needed.into_iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some((locks, format!("{table} in {}", db.name())))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, app, edit, set};
    use dbvitals_model::pg::{index::Index, relation::Partition};

    fn found(count: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "max_locks_per_transaction", "64", None);
                set(pg, "max_connections", "100", None);
                let db = app(pg);
                *edit(&mut db.partitions) = (1..=count)
                    .map(|oid| Partition { oid, parent: "app.log".into(), ..Partition::default() })
                    .collect();
                *edit(&mut db.indexes) =
                    (1..=count).map(|table_oid| Index { table_oid, ..Index::default() }).collect();
            }),
        )
    }

    #[test]
    fn the_share_has_two_sides() {
        // A quarter of 6,400 places: 800 partitions with an index each.
        assert!(found(800).is_empty());
        let one = found(801).remove(0);
        assert!(one.message.contains("1,602 locks of 6,400"), "{}", one.message);
        assert_eq!(
            one.fix.unwrap().statements[0],
            "ALTER SYSTEM SET max_locks_per_transaction = '128';"
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
