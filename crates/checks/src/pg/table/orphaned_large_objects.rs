//! Large objects that no column could refer to.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Large objects in a database without any column of type `oid` or `lo`.
pub static CHECK: Check = Check {
    id: "pg-orphaned-large-objects",
    title: "Orphaned large objects",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["large_objects"],
    uses: &[],
    thresholds: &[&MIN_COUNT],
    fix: None,
    explain: "\
## What it detects
At least `min_count` large objects in a database where no user table has a column of type `oid` or `lo` that could hold
their numbers. Where such a column exists nothing is said: whether it refers to each of them only a full read can tell.

## Why it matters
Deleting the row that named a large object does not delete the object. They stay, are dumped with every backup, and
make `pg_upgrade` slow.

## How to fix
Look at what `vacuumlo --dry-run` would remove, then run `vacuumlo`. Let a trigger of the extension `lo` remove them
from now on.

## When to ignore
Where the application keeps their numbers in columns of another type, or outside the database.

## References
PostgreSQL documentation: Large Objects; vacuumlo; lo.
",
    run: Run::Database(run),
};

static MIN_COUNT: Threshold = Threshold {
    key: "min_count",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a few are somebody's experiment and cost nothing",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let objects = db.large_objects()?;
    not_twice(db)?;
    let count = objects.count as f64;
    if objects.referring_columns > 0 || count < cx.limit_for(&MIN_COUNT, db.name()) {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Info,
            Subject::new("database", db.name()),
            format!(
                "{} large objects of {} have no column that could refer to them",
                words::count(count),
                db.name()
            ),
            "Look at what vacuumlo --dry-run would remove, then run vacuumlo.",
        )
        .with(
            Evidence::new("large objects", count, Unit::Count, "pg_largeobject_metadata")
                .against(cx.limit_for(&MIN_COUNT, db.name())),
        )
        .with(Evidence::new("columns of type oid or lo", 0.0, Unit::Count, "pg_attribute"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Reason, Section, pg::schema::LargeObjects};

    use super::*;
    use crate::testing::{self, findings, skipped};

    fn judge(count: i64, referring_columns: i64) -> Vec<Finding> {
        let snapshot = testing::database(|db| {
            db.large_objects = Section::collected(LargeObjects { count, referring_columns });
        });
        findings(&CHECK, &snapshot)
    }

    #[test]
    fn the_count_has_two_sides_and_any_column_silences() {
        assert!(judge(99, 0).is_empty());
        assert_eq!(judge(100, 0)[0].severity, Severity::Info);
        assert!(judge(100, 1).is_empty());
    }

    #[test]
    fn is_skipped_without_large_objects() {
        let blind = testing::database(|db| {
            db.large_objects = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Permission);
    }
}
