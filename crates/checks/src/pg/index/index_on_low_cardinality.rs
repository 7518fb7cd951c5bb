//! Indexes on columns with a handful of values.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::{keys, parts},
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Single-column B-trees that select too little.
pub static CHECK: Check = Check {
    id: "pg-index-on-low-cardinality",
    title: "Index on a column with few values",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "columns"],
    uses: &[],
    thresholds: &[&MAX_VALUES, &MIN_SIZE],
    fix: None,
    explain: "\
## What it detects
A complete single-column B-tree of at least `min_size_bytes` whose column has at most `max_values_count` distinct
values by the planner's statistics, and that neither enforces a rule nor supports a foreign key.

## Why it matters
A value that every third row has is found faster by reading the table. Such an index pays only for rare values,
and for those a partial index is a fraction of its size.

## How to fix
Replace it by a partial index on the rare value that is asked for (`WHERE state = 'open'`), or add the column to
an index that selects.

## When to ignore
Columns with very uneven values of which the rare ones are asked for, and indexes used for index-only counts.

## References
PostgreSQL documentation: Partial Indexes; `pg_stats`.
",
    run: Run::Database(run),
};

static MAX_VALUES: Threshold = Threshold {
    key: "max_values_count",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (1.0, 1000.0),
    why: "with five even values an index finds a fifth of all rows, more than any plan wants to fetch one by one",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 1 MB an index costs less than the attention it takes",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let mut found = Vec::new();
    for (index, column) in keys::large_and_plain(db, cx, &MIN_SIZE)? {
        let name = index.qualified();
        let Some(values) = column.n_distinct.filter(|values| *values > 0.0) else { continue };
        let most = cx.limit_for(&MAX_VALUES, &name);
        if values > most {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Info,
                parts::subject(db, index),
                format!(
                    "index {name} is on {}, which has {} different values",
                    column.name,
                    words::count(values)
                ),
                "Replace it by a partial index on the rare value that is asked for, if there is one.",
            )
            .with(
                Evidence::new("distinct values", values, Unit::Count, "pg_stats.n_distinct")
                    .against(most),
            )
            .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
            .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes.idx_scan"));
        found.push(finding);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::{index::Index, schema::Column};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn fires(values: f64, index: Index) -> bool {
        let snapshot = testing::database(|db| {
            let column = Column { n_distinct: Some(values), ..keys::fixture(3, "state") };
            *edit(&mut db.columns) = vec![column];
            *edit(&mut db.indexes) = vec![index];
        });
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn thresholds_have_two_sides() {
        let index = || fixture::index(5, "i");
        assert!(fires(5.0, index()));
        assert!(!fires(6.0, index()));
        assert!(!fires(-0.5, index()), "a share of the rows is not a handful");
        assert!(!fires(2.0, Index { size_bytes: 1_048_575, ..index() }));
    }

    #[test]
    fn partial_unique_and_wider_indexes_are_silent() {
        for index in [
            Index { predicate: Some("x".into()), ..fixture::index(5, "i") },
            Index { is_unique: true, ..fixture::index(5, "i") },
            fixture::wider(5, "i", &[3, 4]),
        ] {
            assert!(!fires(2.0, index));
        }
    }

    #[test]
    fn without_statistics_it_is_skipped_with_the_grant() {
        let snapshot = testing::database(|db| {
            *edit(&mut db.columns) = vec![keys::fixture(3, "state")];
            *edit(&mut db.indexes) = vec![fixture::index(5, "i")];
        });
        let skip = testing::skipped(&CHECK, &snapshot);
        assert!(skip.0.remedy.unwrap().contains("GRANT pg_read_all_data"));
    }
}
