//! Indexes that mostly hold NULL.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::{keys, parts},
    skip::Judged,
    sql,
    view::DatabaseView,
    words,
};

/// Complete indexes whose leading column is mostly NULL.
pub static CHECK: Check = Check {
    id: "pg-index-mostly-null",
    title: "Index that mostly holds NULL",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "columns"],
    uses: &[],
    thresholds: &[&MIN_NULLS, &MIN_SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A complete single-column B-tree of at least `min_size_bytes` whose column is NULL in at least `min_null_ratio` of
the rows by the planner's statistics.

## Why it matters
NULLs are entries like any other: they are written, vacuumed and cached, and almost nobody looks for them.

## How to fix
Create a partial index `WHERE column IS NOT NULL`, then drop the complete one. Every equality or range on the
column can use it.

## When to ignore
When queries look for the NULLs (`WHERE processed_at IS NULL`): then a partial index on just those is better.

## References
PostgreSQL documentation: Partial Indexes.
",
    run: Run::Database(run),
};

static MIN_NULLS: Threshold = Threshold {
    key: "min_null_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.01, 1.0),
    why: "from half on, the partial index is at most half as large",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 1 MB an index costs less than the attention it takes; deduplication already shrinks NULLs",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let mut found = Vec::new();
    for (index, column) in keys::large_and_plain(db, cx, &MIN_SIZE)? {
        let name = index.qualified();
        let nulls = column.null_ratio.unwrap_or(0.0);
        let least = cx.limit_for(&MIN_NULLS, &name);
        if nulls < least {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Info,
                parts::subject(db, index),
                format!("{} of the entries of index {name} are NULL", words::percent(nulls)),
                "Replace it by a partial index over the rows that are not NULL.",
            )
            .with(
                Evidence::new("NULL share", nulls, Unit::Ratio, "pg_stats.null_frac")
                    .against(least),
            )
            .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
            .fixed_by(partial(index, &column.name));
        found.push(finding);
    }
    Ok(found)
}

fn partial(index: &Index, column: &str) -> Fix {
    let name = parts::successor(index, "_present");
    let table = sql::qualified(&index.schema, &index.table);
    let (quoted, new) = (sql::ident(column), sql::ident(&name));
    let create = format!(
        "CREATE INDEX CONCURRENTLY {new} ON {table} ({quoted}) WHERE {quoted} IS NOT NULL;"
    );
    parts::replace_fix(index, &name, create)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::schema::Column;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn found(nulls: f64, index: Index) -> Vec<dbvitals_model::Finding> {
        let snapshot = testing::database(|db| {
            let column = Column {
                null_ratio: Some(nulls),
                n_distinct: Some(9.0),
                ..keys::fixture(3, "note")
            };
            *edit(&mut db.columns) = vec![column];
            *edit(&mut db.indexes) = vec![index];
        });
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert_eq!(found(0.5, fixture::index(5, "i")).len(), 1);
        assert!(found(0.49, fixture::index(5, "i")).is_empty());
        assert!(found(0.9, Index { size_bytes: 9, ..fixture::index(5, "i") }).is_empty());
    }

    #[test]
    fn a_partial_index_already_leaves_them_out() {
        let partial =
            Index { predicate: Some("(note IS NOT NULL)".into()), ..fixture::index(5, "i") };
        assert!(found(0.9, partial).is_empty());
    }

    #[test]
    fn the_fix_builds_the_partial_one_before_it_drops() {
        let fix = found(0.9, fixture::index(5, "i"))[0].fix.clone().unwrap();
        assert_eq!(
            fix.statements,
            [
                "CREATE INDEX CONCURRENTLY i_present ON public.orders (note) WHERE note IS NOT NULL;",
                "DROP INDEX CONCURRENTLY public.i;"
            ]
        );
    }
}
