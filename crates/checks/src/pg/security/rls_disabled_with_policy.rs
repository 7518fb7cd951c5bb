//! Policies that do nothing.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit};

use crate::pg::config::advice::listed;
use crate::pg::table::ordinary::{is_users, not_twice, sql_name, subject};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use dbvitals_model::pg::relation::Relation;

/// Tables with policies, but without row-level security.
pub static CHECK: Check = Check {
    id: "pg-rls-disabled-with-policy",
    title: "Row-level security off",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["relations", "policies"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table has policies, but row-level security is not enabled on it.

## Why it matters
The policies are not applied: every role with a privilege on the table sees and changes all rows, while
the schema looks protected.

## How to fix
Enable row-level security after reading the policies: rows none of them admits disappear for everybody
but the owner and roles with BYPASSRLS.

## When to ignore
While policies are being prepared.

## References
PostgreSQL documentation: Row Security Policies.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, policies) = (db.relations()?, db.policies()?);
    not_twice(db)?;
    let bare = relations.iter().filter(|table| {
        !table.row_security && is_users(table) && policies.iter().any(|p| p.table_oid == table.oid)
    });
    let found = bare.map(|table| {
        let names: Vec<&str> = policies
            .iter()
            .filter(|policy| policy.table_oid == table.oid)
            .map(|policy| policy.name.as_str())
            .collect();
        finding(db, cx, table, &names)
    });
    Ok(found.collect())
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    policies: &[&str],
) -> Finding {
    let name = sql_name(table);
    let fix = Fix::new(FixKind::Review, [format!("ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;")])
        .locking("AccessExclusiveLock", format!("reads and writes of {name} for a moment"))
        .undone_by([format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY;")]);
    cx.finding(
        Severity::Critical,
        subject(db, table),
        format!(
            "table {} has policies that are not applied ({}): row-level security is off",
            table.qualified(),
            listed(policies, 5)
        ),
        "Read the policies, then enable row-level security.",
    )
    .with(Evidence::new("policies", policies.len() as f64, Unit::Count, "pg_policy"))
    .with(Evidence::new("row-level security", "off", Unit::Text, "pg_class.relrowsecurity"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::security::Policy;

    fn found(row_security: bool, table_oid: i64) -> Vec<Finding> {
        let table = Relation {
            oid: 1,
            schema: "app".into(),
            name: "orders".into(),
            kind: "r".into(),
            row_security,
            ..Relation::default()
        };
        let policy = Policy { table_oid, name: "own_rows".into(), ..Policy::default() };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.relations) = vec![table];
                *edit(&mut db.policies) = vec![policy];
            }),
        )
    }

    #[test]
    fn fires_for_policies_without_effect() {
        let one = found(false, 1).remove(0);
        assert_eq!(one.severity, Severity::Critical);
        assert!(one.message.contains("own_rows"));
        assert_eq!(
            one.fix.unwrap().statements,
            ["ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY;"]
        );
        assert!(found(true, 1).is_empty());
        assert!(found(false, 2).is_empty());
    }
}
