//! Constraints whose old rows were never checked.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::table::ordinary::{by_oid, is_users, not_twice};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};
use dbvitals_model::pg::schema::Constraint;

/// Constraints that are not validated.
pub static CHECK: Check = Check {
    id: "pg-not-valid-constraint",
    title: "Constraint not valid",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["constraints", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A foreign key, check or not-null constraint that is enforced for new rows, but was never validated for
the rows that were there (`NOT VALID`). Constraints declared `NOT ENFORCED` are a decision and silent.

## Why it matters
Old rows may break the rule, a restore of a dump with such rows fails, and the planner may not rely on
the constraint.

## How to fix
Run `VALIDATE CONSTRAINT`: it reads the whole table, while reads and writes go on. If it fails, mend the
rows it names first.

## When to ignore
In the middle of a migration that validates in a later step.

## References
PostgreSQL documentation: ALTER TABLE, `VALIDATE CONSTRAINT`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (constraints, relations) = (db.constraints()?, db.relations()?);
    not_twice(db)?;
    let open = constraints.iter().filter(|constraint| {
        !constraint.is_validated
            && constraint.parent_oid.is_none()
            && !constraint.definition.contains("NOT ENFORCED")
            && by_oid(relations, constraint.table_oid).is_none_or(is_users)
    });
    Ok(open.map(|constraint| finding(db, cx, constraint)).collect())
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, constraint: &Constraint) -> Finding {
    let table = format!("{}.{}", constraint.schema, constraint.table);
    let name = sql::qualified(&constraint.schema, &constraint.table);
    let kind = match constraint.kind.as_str() {
        "f" => "foreign key",
        "n" => "not-null constraint",
        _ => "check constraint",
    };
    let validate =
        format!("ALTER TABLE {name} VALIDATE CONSTRAINT {};", sql::ident(&constraint.name));
    let fix = Fix::new(FixKind::Review, [validate]).locking(
        "ShareUpdateExclusiveLock",
        format!("VACUUM and DDL on {name} while it reads the table, not reads or writes"),
    );
    let subject = Subject::within("constraint", db.name(), format!("{table}.{}", constraint.name));
    cx.finding(
        Severity::Warning,
        subject.of_table(&table),
        format!("{kind} {} of {table} was never checked against the old rows", constraint.name),
        "Validate it; mend the rows it complains about first.",
    )
    .with(Evidence::new("validated", "no", Unit::Text, "pg_constraint.convalidated"))
    .with(Evidence::new("definition", &*constraint.definition, Unit::Text, "pg_get_constraintdef"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn open() -> Constraint {
        Constraint {
            name: "amount_positive".into(),
            kind: "c".into(),
            schema: "app".into(),
            table: "Orders".into(),
            table_oid: 1,
            definition: "CHECK ((amount > 0)) NOT VALID".into(),
            ..Constraint::default()
        }
    }

    fn found(constraint: Constraint) -> Vec<Finding> {
        let built = testing::database(|db| *edit(&mut db.constraints) = vec![constraint]);
        testing::findings(&CHECK, &built)
    }

    #[test]
    fn fires_and_validates() {
        let found = found(open());
        assert_eq!(
            found[0].key,
            "pg-not-valid-constraint@main/constraint:app.app.Orders.amount_positive"
        );
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER TABLE app.\"Orders\" VALIDATE CONSTRAINT amount_positive;"]
        );
    }

    #[test]
    fn valid_inherited_and_unenforced_ones_are_silent() {
        assert!(found(Constraint { is_validated: true, ..open() }).is_empty());
        assert!(found(Constraint { parent_oid: Some(4), ..open() }).is_empty());
        let declared = "CHECK ((amount > 0)) NOT ENFORCED".to_owned();
        assert!(found(Constraint { definition: declared, ..open() }).is_empty());
    }
}
