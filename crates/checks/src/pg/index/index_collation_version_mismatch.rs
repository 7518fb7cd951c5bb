//! Indexes sorted by rules the operating system no longer follows.

use dbvitals_model::{
    Evidence, Fix, FixKind, Severity, Subject, Unit, pg::schema::CollationMismatch,
};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Collations whose version changed since objects that depend on them were built.
pub static CHECK: Check = Check {
    id: "pg-index-collation-version-mismatch",
    title: "Collation version changed below indexes",
    topic: Topic::Indexes,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["collation_mismatches"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A collation, or the database's default, whose recorded version differs from the one the operating system provides
now, and the indexes that sort by it.

## Why it matters
After an upgrade of the operating system texts may sort differently. Indexes built before are then silently
corrupt: rows are not found, unique constraints admit duplicates, partitions hold rows of their neighbours.

## How to fix
Rebuild the dependent indexes, then record the new version with `REFRESH VERSION`. Rebuild first: the other order
hides the problem.

## When to ignore
Never, unless every dependent index was rebuilt and only the version was not recorded.

## References
PostgreSQL documentation: `ALTER COLLATION`, `ALTER DATABASE … REFRESH COLLATION VERSION`; PostgreSQL wiki: Locale data
changes.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let mismatches = db.collation_mismatches()?;
    let found = mismatches.iter().map(|mismatch| {
        let is_default = mismatch.collation == "default";
        // To record the version while any of them is left as it was would hide it.
        let knows_all = i64::try_from(mismatch.indexes.len()) == Ok(mismatch.index_count);
        let mut statements: Vec<String> = if is_default || !knows_all {
            vec![format!("REINDEX DATABASE CONCURRENTLY {};", sql::ident(db.name()))]
        } else {
            mismatch
                .indexes
                .iter()
                .map(|name| format!("REINDEX INDEX CONCURRENTLY {name};"))
                .collect()
        };
        statements.push(if is_default {
            format!("ALTER DATABASE {} REFRESH COLLATION VERSION;", sql::ident(db.name()))
        } else {
            format!("ALTER COLLATION {} REFRESH VERSION;", name(mismatch))
        });
        let fix = Fix::new(FixKind::Review, statements).locking(
            "ShareUpdateExclusiveLock",
            "other DDL and VACUUM on the tables while their indexes are rebuilt",
        );
        cx.finding(
            Severity::Critical,
            Subject::within("collation", db.name(), &mismatch.collation),
            format!(
                "collation {} changed from version {} to {} below {} indexes",
                mismatch.collation,
                mismatch.recorded_version,
                mismatch.actual_version,
                mismatch.index_count
            ),
            "Rebuild the indexes that sort by it, then record the new version.",
        )
        .with(Evidence::new(
            "recorded version",
            mismatch.recorded_version.as_str(),
            Unit::Text,
            "pg_collation, pg_database",
        ))
        .with(Evidence::new(
            "actual version",
            mismatch.actual_version.as_str(),
            Unit::Text,
            "pg_collation_actual_version",
        ))
        .with(Evidence::new("dependent indexes", mismatch.index_count, Unit::Count, "pg_depend"))
        .with(Evidence::new("indexes", mismatch.indexes.join(", "), Unit::Text, "pg_index"))
        .fixed_by(fix)
    });
    Ok(found.collect())
}

/// A collation as SQL writes it, whatever the search path.
fn name(mismatch: &CollationMismatch) -> String {
    match mismatch.schema.as_str() {
        "" | "pg_catalog" => sql::ident(&mismatch.collation),
        schema => sql::qualified(schema, &mismatch.collation),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn rebuilds_before_it_records_the_version() {
        let snapshot = testing::database(|db| {
            *edit(&mut db.collation_mismatches) = vec![CollationMismatch {
                collation: "default".into(),
                recorded_version: "2.31".into(),
                actual_version: "2.36".into(),
                index_count: 4,
                ..CollationMismatch::default()
            }];
        });
        let found = testing::findings(&CHECK, &snapshot);
        let statements = &found[0].fix.as_ref().unwrap().statements;
        assert_eq!(statements[0], "REINDEX DATABASE CONCURRENTLY app;");
        assert_eq!(statements[1], "ALTER DATABASE app REFRESH COLLATION VERSION;");
    }

    fn of(index_count: i64) -> Vec<String> {
        let snapshot = testing::database(|db| {
            *edit(&mut db.collation_mismatches) = vec![CollationMismatch {
                schema: "Shop".into(),
                collation: "de-x-icu".into(),
                indexes: vec!["public.a".into(), "\"Shop\".b".into()],
                index_count,
                ..CollationMismatch::default()
            }];
        });
        testing::findings(&CHECK, &snapshot)[0].fix.clone().unwrap().statements
    }

    #[test]
    fn names_are_written_as_sql() {
        assert_eq!(
            of(2),
            [
                "REINDEX INDEX CONCURRENTLY public.a;",
                "REINDEX INDEX CONCURRENTLY \"Shop\".b;",
                "ALTER COLLATION \"Shop\".\"de-x-icu\" REFRESH VERSION;",
            ]
        );
    }

    #[test]
    fn indexes_beyond_the_list_are_rebuilt_too() {
        let statements = of(3);
        assert_eq!(statements[0], "REINDEX DATABASE CONCURRENTLY app;");
        assert_eq!(statements.len(), 2);
    }

    #[test]
    fn versions_that_agree_are_no_finding() {
        assert!(testing::findings(&CHECK, &testing::database(|_| {})).is_empty());
    }
}
