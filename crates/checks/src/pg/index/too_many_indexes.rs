//! Tables with more indexes than writes can bear.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Many indexes on one table, or more bytes of indexes than of table.
pub static CHECK: Check = Check {
    id: "pg-too-many-indexes",
    title: "Too many indexes",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "indexes"],
    uses: &[],
    thresholds: &[&MAX_COUNT, &MAX_FACTOR, &MIN_SIZE],
    fix: None,
    explain: "\
## What it detects
A table of at least `min_size_bytes` that has more than `max_indexes_count` indexes, or whose indexes take more
than `max_size_factor` times its heap and TOAST together while there are at least four of them.

## Why it matters
Each insert and each update that is not heap-only writes to every index; WAL, vacuum and memory follow.

## How to fix
Start with the duplicate, redundant, unused and bloated ones other checks name; then merge what is left.

## When to ignore
Tables that are read by many different filters and hardly written.

## References
PostgreSQL documentation: Heap-Only Tuples; Indexes.
",
    run: Run::Database(run),
};

static MAX_COUNT: Threshold = Threshold {
    key: "max_indexes_count",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "the mark of other advisors (Percona's checks); beyond it writes cost more than ten times one",
};

static MAX_FACTOR: Threshold = Threshold {
    key: "max_size_factor",
    unit: Unit::Factor,
    default: 2.0,
    strict: None,
    range: (0.1, 100.0),
    why: "twice the table is memory and disk that look-ups rarely earn back",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 10_485_760.0,
    strict: None,
    range: (0.0, 1e15),
    why: "on a small table indexes are always relatively large and never matter",
};

/// Fewest indexes for which their size relative to the table says anything.
const FEW: usize = 4;

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, indexes) = (db.relations()?, db.indexes()?);
    let by_table = parts::by_table(indexes);
    let mut found = Vec::new();
    for table in relations.iter().filter(|table| table.kind == "r" && table.extension.is_none()) {
        let name = table.qualified();
        let own = by_table.get(&table.oid).map_or(0, Vec::len);
        let data = (table.heap_bytes + table.toast_bytes) as f64;
        let factor = table.index_bytes as f64 / data.max(1.0);
        let limit = |threshold| cx.limit_for(threshold, &name);
        let many = own as f64 > limit(&MAX_COUNT);
        let large = own >= FEW && factor > limit(&MAX_FACTOR);
        if data < limit(&MIN_SIZE) || !(many || large) {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Warning,
                parts::table_subject(db, table),
                format!(
                    "{name} has {own} indexes that take {}, {factor:.1} times the table",
                    words::bytes(table.index_bytes as f64)
                ),
                "Drop duplicate, redundant and unused indexes first, then merge what is left.",
            )
            .with(
                Evidence::new("indexes", own as f64, Unit::Count, "pg_index")
                    .against(limit(&MAX_COUNT)),
            )
            .with(
                Evidence::new("indexes to table", factor, Unit::Factor, "pg_indexes_size")
                    .against(limit(&MAX_FACTOR)),
            )
            .with(Evidence::new(
                "writes",
                table.inserts + table.updates,
                Unit::Count,
                "pg_stat_all_tables",
            ));
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::relation::Relation;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn fires(count: i64, index_bytes: i64, heap_bytes: i64) -> bool {
        let snapshot = testing::database(|db| {
            let table = Relation { index_bytes, heap_bytes, ..fixture::table() };
            *edit(&mut db.relations) = vec![table];
            *edit(&mut db.indexes) =
                (0..count).map(|i| fixture::index(i, &format!("i{i}"))).collect();
        });
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert!(fires(11, 0, 10_485_760));
        assert!(!fires(10, 0, 10_485_760));
        assert!(!fires(11, 0, 10_485_759));
        assert!(fires(4, 20_971_521, 10_485_760));
        assert!(!fires(4, 20_971_520, 10_485_760));
    }

    #[test]
    fn two_wide_indexes_on_a_narrow_table_are_fine() {
        assert!(!fires(3, 200_000_000, 10_485_760));
    }
}
