//! Indexes that are the beginning of another.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::index::Index};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// A B-tree whose keys are the first keys of another usable B-tree.
pub static CHECK: Check = Check {
    id: "pg-redundant-index",
    title: "Redundant index",
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
A B-tree index whose keys, with operator classes, collations and order, are the first keys of another valid
B-tree of the same table with the same predicate, and that enforces nothing itself. Included columns must be
found in the longer index too.

## Why it matters
The longer index answers every look-up of the shorter one; the shorter only costs writes, memory and vacuum.

## How to fix
`DROP INDEX CONCURRENTLY` the shorter one.

## When to ignore
When the longer index is several times larger and the shorter one is read very often: a smaller index stays in
memory more easily. The evidence shows both sizes and the scans.

## References
PostgreSQL documentation: Multicolumn Indexes.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let indexes = db.indexes()?;
    let mut found = Vec::new();
    for of_table in parts::by_table(indexes).values() {
        for index in of_table {
            if !parts::is_judged(index) || parts::is_protected(index) {
                continue;
            }
            let longer =
                of_table.iter().find(|other| parts::is_judged(other) && covers(other, index));
            found.extend(longer.map(|longer| finding(db, cx, index, longer)));
        }
    }
    Ok(found)
}

/// Whether the longer index answers everything the shorter one does, index-only scans included.
fn covers(longer: &Index, shorter: &Index) -> bool {
    let holds =
        |column| longer.key_columns.contains(column) || longer.included_columns.contains(column);
    parts::is_prefix(shorter, longer) && shorter.included_columns.iter().all(holds)
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, index: &Index, longer: &Index) -> Finding {
    let name = index.qualified();
    cx.finding(
        Severity::Warning,
        parts::subject(db, index),
        format!(
            "index {name} ({}) is the beginning of {} ({})",
            index.key_names.join(", "),
            longer.qualified(),
            longer.key_names.join(", ")
        ),
        format!(
            "Drop {name} concurrently, unless its smaller size matters for how often it is read."
        ),
    )
    .with(Evidence::new("size", index.size_bytes, Unit::Bytes, "pg_relation_size"))
    .with(Evidence::new("size of the longer", longer.size_bytes, Unit::Bytes, "pg_relation_size"))
    .with(Evidence::new("scans", index.scans, Unit::Count, "pg_stat_all_indexes.idx_scan"))
    .fixed_by(parts::drop_fix(index))
    .promising(format!(
        "frees {} and one index update per write; look-ups move to {}",
        words::bytes(index.size_bytes as f64),
        longer.qualified()
    ))
}

#[cfg(test)]
mod tests {
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
    fn a_prefix_is_redundant() {
        let pair = vec![fixture::index(5, "short"), fixture::wider(6, "long", &[3, 4])];
        assert_eq!(names(pair), ["public.short"]);
    }

    #[test]
    fn order_of_columns_predicates_and_rules_matter() {
        let long = || fixture::wider(6, "long", &[3, 4]);
        for (short, long) in [
            (fixture::index(5, "s"), fixture::wider(6, "l", &[4, 3])),
            (Index { is_unique: true, ..fixture::index(5, "s") }, long()),
            (Index { predicate: Some("(a > 1)".into()), ..fixture::index(5, "s") }, long()),
            (Index { key_options: vec![1], ..fixture::index(5, "s") }, long()),
            (Index { included_columns: vec![9], ..fixture::index(5, "s") }, long()),
            (fixture::index(5, "s"), Index { is_valid: false, ..long() }),
            (Index { method: "gist".into(), ..fixture::index(5, "s") }, long()),
        ] {
            assert!(names(vec![short, long]).is_empty());
        }
    }

    #[test]
    fn the_longer_may_be_unique_and_may_include_what_the_shorter_includes() {
        let short = Index { included_columns: vec![9], ..fixture::index(5, "s") };
        let long =
            Index { is_unique: true, included_columns: vec![9], ..fixture::wider(6, "l", &[3, 4]) };
        assert_eq!(names(vec![short, long]), ["public.s"]);
    }
}
