//! Tables that inherit without partitions.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::pg::{
    config::advice::{listed, many},
    table::ordinary::{by_oid, is_users, not_twice, subject},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use dbvitals_model::pg::relation::Relation;
use std::collections::BTreeMap;

/// Table inheritance other than declarative partitioning.
pub static CHECK: Check = Check {
    id: "pg-inheritance-legacy",
    title: "Table inheritance",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A table others inherit from (`INHERITS`), without being a partitioned table.

## Why it matters
Unique and foreign keys of the parent do not cover the children, statements exclude children only by
`constraint_exclusion`, and rows are sent to them by triggers.

## How to fix
Where it was meant to partition: attach the children to a partitioned table, one at a time, with `ATTACH
PARTITION`.

## When to ignore
Inheritance for its own sake, with few tables.

## References
PostgreSQL documentation: Inheritance, Caveats; Table Partitioning.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    not_twice(db)?;
    let mut children: BTreeMap<i64, Vec<&Relation>> = BTreeMap::new();
    for relation in relations.iter().filter(|r| r.kind == "r" && !r.is_partition && is_users(r)) {
        if let Some(parent) = relation.parent_oid {
            children.entry(parent).or_default().push(relation);
        }
    }
    let found = children.into_iter().filter_map(|(oid, children)| {
        let parent =
            by_oid(relations, oid).filter(|parent| parent.kind == "r" && is_users(parent))?;
        let names: Vec<String> = children.iter().map(|child| child.qualified()).collect();
        let found = cx.finding(
            Severity::Info,
            subject(db, parent),
            format!(
                "table {} is inherited by {}: its keys do not cover those rows",
                parent.qualified(),
                many(names.len(), "table")
            ),
            "Where it was meant to partition, attach the children to a partitioned table.",
        );
        Some(
            found
                .with(Evidence::new("children", names.len() as f64, Unit::Count, "pg_inherits"))
                .with(Evidence::new(
                    "first children",
                    listed(&names, 5),
                    Unit::Text,
                    "pg_inherits",
                )),
        )
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::pg::schema::columns_of_type::sample::table;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Relation, &mut Relation)) -> Vec<Finding> {
        let (mut parent, mut child) =
            (table(), Relation { oid: 2, name: "old".into(), parent_oid: Some(1), ..table() });
        change(&mut parent, &mut child);
        let both = vec![parent, child];
        testing::findings(&CHECK, &testing::database(|db| *edit(&mut db.relations) = both))
    }

    #[test]
    fn fires_for_plain_inheritance_alone() {
        let one = found(|_, _| {}).remove(0);
        assert_eq!(
            one.message,
            "table public.Orders is inherited by 1 table: its keys do not cover those rows"
        );
        assert!(found(|_, child| child.parent_oid = None).is_empty());
        let partitioned = |parent: &mut Relation, child: &mut Relation| {
            parent.kind = "p".into();
            child.is_partition = true;
        };
        assert!(found(partitioned).is_empty());
    }
}
