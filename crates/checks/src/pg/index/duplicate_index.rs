//! Indexes that are the same twice.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Two indexes with the same definition but for their names.
pub static CHECK: Check = Check {
    id: "pg-duplicate-index",
    title: "Duplicate index",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["indexes"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Two valid indexes of one table with the same method, keys, operator classes, collations, order, expressions,
predicate and included columns, of which one adds no rule of its own: the duplicate is the one that no
constraint, replica identity or clustering needs. A unique index next to a plain one on the same keys counts:
the unique one answers everything.

## Why it matters
Every write maintains both, and both compete for memory; the planner only ever needs one.

## How to fix
`DROP INDEX CONCURRENTLY` the one that enforces nothing; its definition is the way back.

## When to ignore
While one is being replaced by the other, for the minutes this takes.

## References
PostgreSQL documentation: Indexes, `CREATE INDEX`, `DROP INDEX`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let indexes = db.indexes()?;
    let mut found = Vec::new();
    for of_table in parts::by_table(indexes).values() {
        let mut kept: Vec<&Index> = Vec::new();
        let mut candidates: Vec<&Index> =
            of_table.iter().copied().filter(|index| parts::is_judged(index)).collect();
        // The one to keep comes first: constraints, then the older.
        candidates.sort_by_key(|index| (!parts::is_protected(index), !index.is_unique, index.oid));
        for index in candidates {
            let twin = kept.iter().find(|kept| replaces(kept, index));
            match twin {
                Some(twin) if !parts::is_protected(index) => {
                    found.push(finding(db, cx, index, twin));
                }
                _ => kept.push(index),
            }
        }
    }
    Ok(found)
}

/// Whether `kept` answers everything `index` does.
fn replaces(kept: &Index, index: &Index) -> bool {
    parts::same_keys(kept, index) && kept.included_columns == index.included_columns
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, index: &Index, twin: &Index) -> Finding {
    let name = index.qualified();
    cx.finding(
        Severity::Warning,
        parts::subject(db, index),
        format!(
            "index {name} on {} is the same as {} and takes {}",
            index.qualified_table(),
            twin.qualified(),
            words::bytes(index.size_bytes as f64)
        ),
        format!("Drop {name} concurrently; {} answers the same look-ups.", twin.qualified()),
    )
    .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
    .with(Evidence::new("same as", twin.definition.as_str(), Unit::Text, "pg_get_indexdef"))
    .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes.idx_scan"))
    .fixed_by(parts::drop_fix(index))
    .promising(format!(
        "frees {} and one index update per write; plans stay the same",
        words::bytes(index.size_bytes as f64)
    ))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section};

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn names(indexes: Vec<Index>) -> Vec<String> {
        let snapshot = testing::database(|db| *edit(&mut db.indexes) = indexes);
        testing::findings(&CHECK, &snapshot).into_iter().map(|f| f.subject.name).collect()
    }

    #[test]
    fn the_younger_of_two_equal_indexes_is_the_duplicate() {
        let pair = vec![fixture::index(7, "young"), fixture::index(5, "old")];
        assert_eq!(names(pair), ["public.young"]);
    }

    #[test]
    fn the_constraint_s_index_is_kept_and_two_constraints_are_both_kept() {
        let unique = Index {
            is_unique: true,
            constraint: Some("orders_note_key".into()),
            ..fixture::index(7, "unique")
        };
        assert_eq!(names(vec![fixture::index(5, "plain"), unique.clone()]), ["public.plain"]);
        let other = Index { oid: 8, name: "other".into(), ..unique.clone() };
        assert!(names(vec![unique, other]).is_empty());
    }

    #[test]
    fn a_full_and_a_partial_index_are_not_duplicates() {
        let partial =
            Index { predicate: Some("(note IS NOT NULL)".into()), ..fixture::index(7, "p") };
        assert!(names(vec![fixture::index(5, "full"), partial]).is_empty());
    }

    #[test]
    fn any_part_that_differs_makes_another_index() {
        let base = || fixture::index(7, "other");
        for other in [
            Index { method: "hash".into(), ..base() },
            Index { opclasses: vec![1994], ..base() },
            Index { collations: vec![950], ..base() },
            Index { key_options: vec![1], ..base() },
            Index { included_columns: vec![4], ..base() },
            Index { expressions: Some("lower(note)".into()), ..base() },
            Index { is_valid: false, ..base() },
        ] {
            assert!(names(vec![fixture::index(5, "one"), other]).is_empty());
        }
    }

    #[test]
    fn is_skipped_without_indexes() {
        let snapshot = testing::database(|db| {
            db.indexes = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::Permission);
    }
}
