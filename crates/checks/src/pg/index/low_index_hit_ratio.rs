//! Indexes that are read from disk instead of memory.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Share of index blocks found in shared buffers, over all indexes of a database.
pub static CHECK: Check = Check {
    id: "pg-low-index-hit-ratio",
    title: "Low index hit ratio",
    topic: Topic::Indexes,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["indexes", "databases"],
    uses: &[],
    thresholds: &[&MIN_RATIO, &MIN_READS],
    fix: None,
    explain: "\
## What it detects
Less than `min_hit_ratio` of the index blocks of a database were found in shared buffers, over at least
`min_blocks_count` blocks since statistics began. The indexes that miss most are in the evidence.

## Why it matters
Index pages are the hottest pages there are. When they do not stay in memory every look-up waits for storage,
or at best for the operating system's cache.

## How to fix
Drop unused and duplicate indexes, rebuild bloated ones, then give shared_buffers more memory.

## When to ignore
Warehouses whose indexes exceed memory by design.

## References
PostgreSQL documentation: `pg_statio_all_indexes`; Resource Consumption, `shared_buffers`.
",
    run: Run::Database(run),
};

static MIN_RATIO: Threshold = Threshold {
    key: "min_hit_ratio",
    unit: Unit::Ratio,
    default: 0.99,
    strict: None,
    range: (0.0, 1.0),
    why: "the field's common mark for transactional systems (PgHero, Heroku pg-extras)",
};

static MIN_READS: Threshold = Threshold {
    key: "min_blocks_count",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e15),
    why: "below a hundred thousand blocks start-up still dominates the ratio",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let indexes = db.indexes()?;
    db.stats()?;
    let hit: i64 = indexes.iter().map(|index| index.blocks_hit).sum();
    let read: i64 = indexes.iter().map(|index| index.blocks_read).sum();
    let all = (hit + read) as f64;
    if all < cx.limit_for(&MIN_READS, db.name()) {
        return Ok(Vec::new());
    }
    let ratio = hit as f64 / all;
    let least = cx.limit_for(&MIN_RATIO, db.name());
    if ratio >= least {
        return Ok(Vec::new());
    }
    let mut worst: Vec<_> = indexes.iter().collect();
    worst.sort_by_key(|index| std::cmp::Reverse(index.blocks_read));
    let names: Vec<String> = worst.iter().take(3).map(|index| index.qualified()).collect();
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("database", db.name()),
            format!(
                "{} of index blocks of {} were found in memory",
                words::percent(ratio),
                db.name()
            ),
            "Remove indexes nobody needs, rebuild bloated ones, then consider more shared_buffers.",
        )
        .with(
            Evidence::new("index hit ratio", ratio, Unit::Ratio, "pg_statio_all_indexes")
                .against(least),
        )
        .with(Evidence::new("blocks read", read, Unit::Count, "pg_statio_all_indexes"))
        .with(Evidence::new("most misses", names.join(", "), Unit::Text, "pg_statio_all_indexes"));
    let finding = match db.statistics_age_days() {
        Some(age) => finding.with(Evidence::new("statistics age", age, Unit::Days, "stats_reset")),
        None => finding,
    };
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::index::Index;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn fires(hit: i64, read: i64) -> bool {
        let index = Index { blocks_hit: hit, blocks_read: read, ..fixture::index(5, "i") };
        let snapshot = testing::database(|db| *edit(&mut db.indexes) = vec![index]);
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn thresholds_have_two_sides_and_no_reads_are_no_ratio() {
        assert!(fires(98_999, 1_001));
        assert!(!fires(99_000, 1_000));
        assert!(!fires(98_000, 1_999));
        assert!(!fires(0, 0));
    }
}
