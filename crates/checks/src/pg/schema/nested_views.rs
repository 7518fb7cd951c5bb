//! Views upon views upon views.

use dbvitals_model::{Evidence, Severity, Subject, Unit, pg::schema::NestedView};

use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Depth of the nest a view stands on.
pub static CHECK: Check = Check {
    id: "pg-nested-views",
    title: "Nested views",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["nested_views"],
    uses: &[],
    thresholds: &[&LEVELS],
    fix: None,
    explain: "\
## What it detects
A view that reads views that read views, more than `max_levels` deep, itself included. Only the top of each nest
is reported. Materialised views end a nest: what they read is stored.

## Why it matters
Each use drags in all levels, columns nobody asked for and joins that cannot always be removed; the planner joins
more tables than it can order well (`join_collapse_limit`), and no column can be changed without dropping the
whole tower.

## How to fix
Write the top view on tables, or keep a level that many share as a materialised view.

## When to ignore
Layers that only rename and pick columns of one table cost nothing when planned.

## References
PostgreSQL documentation: Views and the Rule System; `join_collapse_limit`.
",
    run: Run::Database(run),
};

static LEVELS: Threshold = Threshold {
    key: "max_levels",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 20.0),
    why: "three layers (rename, join, present) are a design; further ones are sediment",
};

/// Levels shown as evidence.
const SHOWN: usize = 8;

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let views = db.nested_views()?;
    not_twice(db)?;
    let name = |view: &NestedView| format!("{}.{}", view.schema, view.name);
    let is_read = |view: &NestedView| {
        let name = name(view);
        views.iter().any(|other| other.reads.contains(&name))
    };
    let found = views.iter().filter(|view| view.extension.is_none()).filter_map(|view| {
        let name = name(view);
        let limit = cx.limit_for(&LEVELS, &name);
        if view.depth as f64 <= limit || is_read(view) {
            return None;
        }
        let found = cx.finding(
            Severity::Info,
            Subject::within("view", db.name(), &name),
            format!("{name} is the top of {} views nested in each other", view.depth),
            "Write it on tables, or keep a level that many share as a materialised view.",
        );
        Some(
            found
                .with(
                    Evidence::new("levels", view.depth, Unit::Count, "pg_depend, pg_rewrite")
                        .against(limit),
                )
                .with(Evidence::new(
                    "way down",
                    way_down(views, view),
                    Unit::Text,
                    "pg_depend, pg_rewrite",
                )),
        )
    });
    Ok(found.collect())
}

/// The longest way down, by name.
fn way_down(views: &[NestedView], top: &NestedView) -> String {
    let mut names = vec![format!("{}.{}", top.schema, top.name)];
    let mut view = top;
    while names.len() < SHOWN {
        let below = view.reads.iter().filter_map(|read| {
            views
                .iter()
                .find(|v| *read == format!("{}.{}", v.schema, v.name) && v.depth < view.depth)
        });
        let Some(next) = below.max_by_key(|v| v.depth) else { break };
        names.push(format!("{}.{}", next.schema, next.name));
        view = next;
    }
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, edit};

    /// A tower of that many views, the top first.
    fn tower(levels: i64) -> Vec<NestedView> {
        let view = |depth: i64| NestedView {
            schema: "app".into(),
            name: format!("v{depth}"),
            depth,
            reads: if depth > 1 { vec![format!("app.v{}", depth - 1)] } else { Vec::new() },
            ..NestedView::default()
        };
        (1..=levels).rev().map(view).collect()
    }

    fn found(views: Vec<NestedView>) -> Vec<Finding> {
        testing::findings(&CHECK, &testing::database(|db| *edit(&mut db.nested_views) = views))
    }

    #[test]
    fn fires_once_for_the_top_of_a_tower() {
        let found = found(tower(4));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].key, "pg-nested-views@main/view:app.app.v4");
        assert!(format!("{:?}", found[0].evidence).contains("app.v4 → app.v3 → app.v2 → app.v1"));
    }

    #[test]
    fn three_levels_and_extensions_are_silent() {
        assert!(found(tower(3)).is_empty());
        let mut owned = tower(5);
        owned[0].extension = Some("postgis".into());
        assert!(found(owned).is_empty());
    }

    #[test]
    fn views_that_read_each_other_in_a_ring_end() {
        let mut ring = tower(6);
        ring[5].reads = vec!["app.v6".into()];
        assert!(found(ring).is_empty());
    }

    #[test]
    fn is_skipped_without_views() {
        testing::skipped(&CHECK, &testing::database(|db| db.nested_views = Section::default()));
    }
}
