//! Row-level security that admits nothing.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit};

use crate::pg::table::ordinary::{is_users, not_twice, sql_name, subject};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use dbvitals_model::pg::relation::Relation;

/// Tables with row-level security, but without a policy.
pub static CHECK: Check = Check {
    id: "pg-rls-enabled-without-policy",
    title: "Row-level security without policy",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
Row-level security is enabled on a table that has no policy. Partitions are silent: behind their parent
they need none.

## Why it matters
Everybody but the owner and roles with BYPASSRLS sees an empty table and cannot insert: usually a
forgotten policy, which shows as missing data, not as an error.

## How to fix
Create the policies the table is meant to have, or switch row-level security off if it is meant to have
none.

## When to ignore
Tables that are closed on purpose to all but their owner.

## References
PostgreSQL documentation: Row Security Policies; CREATE POLICY.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let relations = db.relations()?;
    not_twice(db)?;
    let closed = relations.iter().filter(|table| {
        table.row_security && table.policies == 0 && !table.is_partition && is_users(table)
    });
    Ok(closed.map(|table| finding(db, cx, table)).collect())
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, table: &Relation) -> Finding {
    let name = sql_name(table);
    let fix = Fix::new(
        FixKind::Manual,
        [format!("CREATE POLICY own_rows ON {name} USING (owner_name = CURRENT_USER);")],
    )
    .locking("AccessExclusiveLock", format!("reads and writes of {name} for a moment"))
    .undone_by([format!("DROP POLICY own_rows ON {name};")]);
    cx.finding(
        Severity::Warning,
        subject(db, table),
        format!(
            "table {} has row-level security but no policy: only its owner sees rows",
            table.qualified()
        ),
        "Create the policies it is meant to have, or disable row-level security on it.",
    )
    .with(Evidence::new("policies", 0.0, Unit::Count, "pg_policy"))
    .with(Evidence::new("row-level security", "on", Unit::Text, "pg_class.relrowsecurity"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Relation)) -> Vec<Finding> {
        let mut table = Relation {
            schema: "app".into(),
            name: "orders".into(),
            kind: "r".into(),
            row_security: true,
            ..Relation::default()
        };
        change(&mut table);
        testing::findings(&CHECK, &testing::database(|db| *edit(&mut db.relations) = vec![table]))
    }

    #[test]
    fn fires_for_a_table_nobody_can_read() {
        let one = found(|_| {}).remove(0);
        assert_eq!(one.subject.name, "app.orders");
        assert_eq!(one.fix.unwrap().kind, FixKind::Manual);
    }

    #[test]
    fn policies_partitions_and_extensions_are_silent() {
        assert!(found(|table| table.policies = 1).is_empty());
        assert!(found(|table| table.row_security = false).is_empty());
        assert!(found(|table| table.is_partition = true).is_empty());
        assert!(found(|table| table.extension = Some("cron".into())).is_empty());
    }
}
