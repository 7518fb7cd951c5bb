//! Foreign keys that say the same twice.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::index::parts,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Two foreign keys on the same columns of the same tables.
pub static CHECK: Check = Check {
    id: "pg-duplicate-foreign-key",
    title: "Duplicate foreign key",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["constraints"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Two foreign keys of one table with the same columns that refer to the same columns of the same table.

## Why it matters
Every insert and every change of the key is checked twice, and two actions on delete may contradict.

## How to fix
Drop the one whose action on delete is not wanted, or the younger one.

## When to ignore
While one is being replaced by the other.

## References
PostgreSQL documentation: `ALTER TABLE`, DROP CONSTRAINT.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let constraints = db.constraints()?;
    let mut found = Vec::new();
    for keys in parts::foreign_keys(constraints).values() {
        for (at, key) in keys.iter().enumerate().filter(|(_, key)| key.parent_oid.is_none()) {
            let same = |other: &&&dbvitals_model::pg::schema::Constraint| {
                other.columns == key.columns
                    && other.referenced_oid == key.referenced_oid
                    && other.referenced_columns == key.referenced_columns
            };
            let Some(first) = keys[..at].iter().find(same) else { continue };
            let table = sql::qualified(&key.schema, &key.table);
            let name = sql::ident(&key.name);
            let shown = format!("{}.{}", key.schema, key.table);
            let subject = Subject::within("constraint", db.name(), format!("{shown}.{}", key.name))
                .of_table(&shown);
            let fix =
                Fix::new(FixKind::Review, [format!("ALTER TABLE {table} DROP CONSTRAINT {name};")])
                    .locking(
                        "AccessExclusiveLock",
                        format!("everything on {shown}, for an instant"),
                    )
                    .undone_by([
                        format!(
                            "ALTER TABLE {table} ADD CONSTRAINT {name} {} NOT VALID;",
                            key.definition
                        ),
                        format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name};"),
                    ]);
            let message =
                format!("foreign keys {} and {} of {shown} are the same", first.name, key.name);
            let finding = cx
                .finding(Severity::Warning, subject, message, "Drop one of the two.")
                .with(Evidence::new(
                    "the other",
                    first.definition.as_str(),
                    Unit::Text,
                    "pg_get_constraintdef",
                ))
                .with(Evidence::new(
                    "this one",
                    key.definition.as_str(),
                    Unit::Text,
                    "pg_get_constraintdef",
                ))
                .fixed_by(fix);
            found.push(finding);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::schema::Constraint;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn count(second: Constraint) -> usize {
        let snapshot = testing::database(|db| {
            *edit(&mut db.constraints) = vec![fixture::foreign_key("one", &[4]), second];
        });
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn the_same_key_twice_is_reported_once() {
        assert_eq!(count(fixture::foreign_key("two", &[4])), 1);
    }

    #[test]
    fn other_columns_or_another_parent_make_another_key() {
        assert_eq!(count(fixture::foreign_key("two", &[5])), 0);
        let elsewhere =
            Constraint { referenced_oid: Some(10), ..fixture::foreign_key("two", &[4]) };
        assert_eq!(count(elsewhere), 0);
        let inherited = Constraint { parent_oid: Some(1), ..fixture::foreign_key("two", &[4]) };
        assert_eq!(count(inherited), 0);
    }
}
