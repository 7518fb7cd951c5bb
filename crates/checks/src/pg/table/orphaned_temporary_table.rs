//! Temporary tables whose session is gone.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Reason, Severity, Subject, Unavailable, Unit,
    pg::schema::TemporaryTable,
};

use super::ordinary::on_primary;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::DatabaseView,
    words,
};

/// Temporary tables without a session, by age in transactions and by size.
pub static CHECK: Check = Check {
    id: "pg-orphaned-temporary-table",
    title: "Orphaned temporary table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["temporary_tables"],
    uses: &[],
    thresholds: &[&AGE, &SIZE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A temporary table whose session has ended (a crash, a killed server process) without dropping it, and that is
older than `min_age_xids` transactions or larger than `min_size_bytes`. Before PostgreSQL 16 a server does not
tell which session a temporary schema belongs to; then it is judged only while nobody else is connected to the
database.

## Why it matters
No vacuum can freeze it, so it holds the database's transaction id horizon: left alone it ends in a server that
refuses writes. Autovacuum normally removes such tables; that these stay means that it is off or does not reach
the database.

## How to fix
Drop it. Nobody can read it any more.

## When to ignore
Never for long.

## References
PostgreSQL documentation: Preventing Transaction ID Wraparound Failures.
",
    run: Run::Database(run),
};

static AGE: Threshold = Threshold {
    key: "min_age_xids",
    unit: Unit::Xids,
    default: 1_000_000.0,
    strict: None,
    range: (0.0, 2_147_483_648.0),
    why: "autovacuum clears such tables within minutes; a million transactions later it has had its chance",
};

static SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a hundred megabytes nobody can read are worth having back at once",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let tables = db.temporary_tables()?;
    on_primary(db)?;
    let old: Vec<_> = tables.iter().filter(|table| is_worth(db, cx, table)).collect();
    let orphans = old.iter().filter(|table| table.owner_lives == Some(false));
    let found: Vec<_> = orphans.map(|table| finding(db, cx, table)).collect();
    if found.is_empty() && old.iter().any(|table| table.owner_lives.is_none()) {
        return Err(Skip(Unavailable {
            reason: Reason::Version,
            detail:
                "before 16 a server with sessions does not tell whose temporary tables these are"
                    .into(),
            remedy: None,
        }));
    }
    Ok(found)
}

fn size(db: &DatabaseView<'_>, table: &TemporaryTable) -> f64 {
    (table.pages * db.server().server().block_size_bytes) as f64
}

fn is_worth(db: &DatabaseView<'_>, cx: &Context<'_>, table: &TemporaryTable) -> bool {
    let name = format!("{}.{}", table.schema, table.name);
    table.frozen_xid_age.is_some_and(|age| age as f64 >= cx.limit_for(&AGE, &name))
        || size(db, table) >= cx.limit_for(&SIZE, &name)
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, table: &TemporaryTable) -> Finding {
    let name = format!("{}.{}", table.schema, table.name);
    let age = table.frozen_xid_age.unwrap_or(0);
    let drop = format!("DROP TABLE {};", sql::qualified(&table.schema, &table.name));
    let fix = Fix::new(FixKind::Review, [drop])
        .locking("AccessExclusiveLock", "nobody: its session is gone");
    cx.finding(
        Severity::Warning,
        Subject::within("table", db.name(), &name),
        format!(
            "{name} of {} outlived its session and holds back freezing by {} transactions",
            table.owner,
            words::count(age as f64)
        ),
        "Drop it, and find out why autovacuum has not.",
    )
    .with(
        Evidence::new("age", age, Unit::Xids, "pg_class.relfrozenxid")
            .against(cx.limit_for(&AGE, &name)),
    )
    .with(
        Evidence::new("size", size(db, table), Unit::Bytes, "pg_class.relpages")
            .against(cx.limit_for(&SIZE, &name)),
    )
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::testing::{self, edit};

    fn scratch(age: i64, pages: i64, owner_lives: Option<bool>) -> TemporaryTable {
        TemporaryTable {
            schema: "pg_temp_3".into(),
            name: "Scratch".into(),
            owner: "web".into(),
            frozen_xid_age: Some(age),
            pages,
            owner_lives,
            ..TemporaryTable::default()
        }
    }

    fn found(table: TemporaryTable) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::database(|db| *edit(&mut db.temporary_tables) = vec![table]),
        )
    }

    #[test]
    fn fires_for_old_and_for_large_ones() {
        let one = found(scratch(1_000_000, 0, Some(false))).remove(0);
        assert_eq!(one.fix.unwrap().statements, ["DROP TABLE pg_temp_3.\"Scratch\";"]);
        assert!(found(scratch(999_999, 12_799, Some(false))).is_empty());
        assert_eq!(found(scratch(0, 12_800, Some(false))).len(), 1);
    }

    #[test]
    fn a_session_that_lives_keeps_its_tables() {
        assert!(found(scratch(5_000_000, 0, Some(true))).is_empty());
    }

    #[test]
    fn is_skipped_where_nobody_can_tell() {
        let unknown = testing::database(|db| {
            *edit(&mut db.temporary_tables) = vec![scratch(5_000_000, 0, None)];
        });
        assert_eq!(testing::skipped(&CHECK, &unknown).0.reason, Reason::Version);
        assert!(found(scratch(5, 0, None)).is_empty(), "young ones need no answer");
        testing::skipped(&CHECK, &testing::database(|db| db.temporary_tables = Section::default()));
    }
}
