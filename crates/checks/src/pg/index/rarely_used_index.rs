//! Indexes that are written far more than read.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::{Judged, Skip},
    view::DatabaseView,
    words,
};

/// Less than one scan a day, and a thousand writes for each.
pub static CHECK: Check = Check {
    id: "pg-rarely-used-index",
    title: "Rarely used index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "relations", "databases"],
    uses: &[],
    thresholds: &[&MAX_SCANS, &MIN_WRITES, &MIN_SIZE, &MIN_AGE],
    fix: None,
    explain: "\
## What it detects
An index of at least `min_size_bytes` that was scanned, on all nodes together, less than `max_scans_per_day_count`
times a day over at least `min_age_days` of statistics, while its table was written more than
`writes_per_scan_count` times for each scan.

## Why it matters
It is kept up to date thousands of times for every time it helps.

## How to fix
Find out which job reads it. If that job can wait for a sequential scan, or build the index for itself, drop it.

## When to ignore
When the rare query is the one that must not be slow.

## References
PostgreSQL documentation: `pg_stat_all_indexes`.
",
    run: Run::Database(run),
};

static MAX_SCANS: Threshold = Threshold {
    key: "max_scans_per_day_count",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "less than daily is a job, not the application",
};

static MIN_WRITES: Threshold = Threshold {
    key: "writes_per_scan_count",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a thousand index writes cost more than one scan of most tables saves",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 1 MB an index costs less than the attention it takes",
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_days",
    unit: Unit::Days,
    default: 14.0,
    strict: None,
    range: (1.0, 3650.0),
    why: "two weeks see weekly jobs twice; younger statistics prove nothing",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations) = (db.indexes()?, db.relations()?);
    db.stats()?;
    if db.server().server().in_recovery {
        return Err(Skip::not_applicable("judged on the primary, with the scans of all nodes"));
    }
    let age = parts::youngest_age_days(db)
        .filter(|age| *age >= cx.limit(&MIN_AGE))
        .ok_or_else(|| Skip::not_applicable("statistics are younger than min_age_days"))?;
    let tables = parts::by_oid(relations);
    let scans = parts::scans_on_all_nodes(db, indexes);
    let mut found = Vec::new();
    for index in indexes.iter().filter(|i| parts::is_judged(i) && !parts::is_protected(i)) {
        let name = index.qualified();
        let limit = |threshold| cx.limit_for(threshold, &name);
        let scanned = scans.get(&index.oid).copied().unwrap_or(0) as f64;
        let Some(table) = tables.get(&index.table_oid) else { continue };
        let writes = (table.inserts + table.updates - table.hot_updates).max(0) as f64;
        let per_day = scanned / age;
        // Never scanned is another check's business.
        let is_rare = scanned > 0.0
            && per_day < limit(&MAX_SCANS)
            && writes > scanned * limit(&MIN_WRITES)
            && index.size_bytes as f64 >= limit(&MIN_SIZE);
        if !is_rare {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Info,
                parts::subject(db, index),
                format!(
                    "index {name} was scanned {} times in {:.0} days and written {} times",
                    words::count(scanned),
                    age,
                    words::count(writes)
                ),
                "Find out which job reads it and whether that job could do without.",
            )
            .with(
                Evidence::new(
                    "scans per day",
                    per_day,
                    Unit::Count,
                    "pg_stat_all_indexes, all nodes",
                )
                .against(limit(&MAX_SCANS)),
            )
            .with(
                Evidence::new(
                    "writes per scan",
                    writes / scanned,
                    Unit::Count,
                    "pg_stat_all_tables",
                )
                .against(limit(&MIN_WRITES)),
            )
            .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
            .with(
                Evidence::new("statistics age", age, Unit::Days, "stats_reset")
                    .against(cx.limit(&MIN_AGE)),
            );
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::{index::Index, relation::Relation};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, ago, app, edit},
    };

    fn snapshot(scans: i64, inserts: i64, days: i64) -> dbvitals_model::Snapshot {
        testing::pg(|pg| {
            edit(&mut pg.databases)[0].stats_reset = ago(days * 86_400);
            let db = app(pg);
            *edit(&mut db.indexes) = vec![Index { scans, ..fixture::index(5, "i") }];
            *edit(&mut db.relations) = vec![Relation { inserts, ..fixture::table() }];
        })
    }

    fn fires(scans: i64, inserts: i64) -> bool {
        !testing::findings(&CHECK, &snapshot(scans, inserts, 60)).is_empty()
    }

    #[test]
    fn scans_and_writes_have_two_sides() {
        assert!(fires(59, 59_001));
        assert!(!fires(60, 1_000_000));
        assert!(!fires(59, 59_000));
        assert!(!fires(0, 1_000_000), "never scanned is another check's business");
    }

    #[test]
    fn young_statistics_prove_nothing() {
        assert!(!testing::skipped(&CHECK, &snapshot(1, 9_999_999, 13)).is_gap());
    }
}
