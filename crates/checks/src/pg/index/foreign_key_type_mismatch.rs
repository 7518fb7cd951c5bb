//! Foreign keys whose two sides have different types.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};

/// Referring and referenced column of different types.
pub static CHECK: Check = Check {
    id: "pg-foreign-key-type-mismatch",
    title: "Foreign key between different types",
    topic: Topic::Indexes,
    component: Component::Indexes,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["constraints"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A foreign key whose referring column has another type than the referenced one, such as `integer` that refers
to `bigint`. Lengths and precisions of one type do not count.

## Why it matters
The narrower side will overflow first, comparisons need a cast that can keep an index from being used, and
joins between the tables are planned worse.

## How to fix
Change the referring column to the referenced type. That rewrites the table under an exclusive lock; on a large
one add a new column, fill it in batches, and switch.

## When to ignore
When both types are of one family and the values can never leave the narrower one.

## References
PostgreSQL documentation: Constraints, Foreign Keys; `ALTER TABLE`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let constraints = db.constraints()?;
    let mut found = Vec::new();
    for key in constraints.iter().filter(|key| key.kind == "f" && key.parent_oid.is_none()) {
        let sides = key.column_names.iter().zip(&key.column_types).zip(&key.referenced_types);
        for ((column, own), referenced) in sides {
            if base(own) == base(referenced) {
                continue;
            }
            let table = format!("{}.{}", key.schema, key.table);
            let subject =
                Subject::within("column", db.name(), format!("{table}.{column}")).of_table(&table);
            let parent = key.referenced_table.as_deref().unwrap_or("the referenced table");
            let finding = cx
                .finding(
                    Severity::Warning,
                    subject,
                    format!("{table}.{column} is {own} but refers to {referenced} in {parent}"),
                    format!(
                        "Change {column} to {referenced}: it rewrites the table, so plan for it."
                    ),
                )
                .with(Evidence::new("type", own.as_str(), Unit::Text, "pg_attribute"))
                .with(Evidence::new(
                    "referenced type",
                    referenced.as_str(),
                    Unit::Text,
                    "pg_attribute",
                ))
                .with(Evidence::new("foreign key", key.name.as_str(), Unit::Text, "pg_constraint"));
            found.push(finding);
        }
    }
    Ok(found)
}

/// The type without its length or precision: `character varying(20)` and `(40)` compare alike.
fn base(type_name: &str) -> &str {
    type_name.split('(').next().unwrap_or(type_name).trim_end()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::schema::Constraint;

    use super::*;
    use crate::{
        pg::index::fixture,
        testing::{self, edit},
    };

    fn found(own: &str, referenced: &str) -> usize {
        let key = Constraint {
            column_types: vec![own.into()],
            referenced_types: vec![referenced.into()],
            ..fixture::foreign_key("fk", &[4])
        };
        let snapshot = testing::database(|db| *edit(&mut db.constraints) = vec![key]);
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn types_are_compared_without_their_length() {
        assert_eq!(found("integer", "bigint"), 1);
        assert_eq!(found("bigint", "bigint"), 0);
        assert_eq!(found("character varying(20)", "character varying(40)"), 0);
        assert_eq!(found("character varying(20)", "text"), 1);
    }
}
