//! Single indexes larger than their table.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// An index that takes more than the table it belongs to.
pub static CHECK: Check = Check {
    id: "pg-oversized-index",
    title: "Index larger than its table",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["indexes", "relations"],
    uses: &[],
    thresholds: &[&MIN_SIZE],
    fix: None,
    explain: "\
## What it detects
An index of at least `min_size_bytes` that is larger than the heap and TOAST of its table.

## Why it matters
Either the index is bloated, or the table was purged and the index kept its size, or it holds nearly everything
the table does. Each is worth a look.

## How to fix
Look at its bloat first: `REINDEX INDEX CONCURRENTLY` shrinks it if that is the reason.

## When to ignore
GIN indexes over documents or trigrams, and covering indexes of narrow tables, which are large by nature.

## References
PostgreSQL documentation: `REINDEX`; GIN Indexes.
",
    run: Run::Database(run),
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e15),
    why: "below 100 MB nobody gains by looking",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (indexes, relations) = (db.indexes()?, db.relations()?);
    let tables = parts::by_oid(relations);
    let mut found = Vec::new();
    for index in indexes.iter().filter(|index| parts::is_judged(index)) {
        let name = index.qualified();
        let Some(table) = tables.get(&index.table_oid) else { continue };
        let data = table.heap_bytes + table.toast_bytes;
        let is_large = index.size_bytes as f64 >= cx.limit_for(&MIN_SIZE, &name);
        if !is_large || index.size_bytes <= data || index.method == "gin" {
            continue;
        }
        let finding = cx
            .finding(
                Severity::Info,
                parts::subject(db, index),
                format!(
                    "index {name} takes {}, its table {}",
                    words::bytes(index.size_bytes as f64),
                    words::bytes(data as f64)
                ),
                "Look at its bloat first, then at whether it needs all its columns.",
            )
            .with(
                Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size")
                    .against(data as f64),
            )
            .with(Evidence::new("table", data, Unit::Bytes, "pg_table_size"));
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
        testing::{self, edit},
    };

    fn fires(index: Index, heap_bytes: i64) -> bool {
        let snapshot = testing::database(|db| {
            *edit(&mut db.indexes) = vec![index];
            *edit(&mut db.relations) = vec![Relation { heap_bytes, ..fixture::table() }];
        });
        !testing::findings(&CHECK, &snapshot).is_empty()
    }

    #[test]
    fn size_against_the_table_and_against_the_threshold() {
        let large = || Index { size_bytes: 104_857_600, ..fixture::index(5, "i") };
        assert!(fires(large(), 104_857_599));
        assert!(!fires(large(), 104_857_600));
        assert!(!fires(Index { size_bytes: 104_857_599, ..large() }, 1));
        assert!(!fires(Index { method: "gin".into(), ..large() }, 1));
    }
}
