//! Tables everybody may use.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};
use dbvitals_model::pg::{relation::Relation, security::PublicGrant};

/// Privileges on tables, granted to everybody.
pub static CHECK: Check = Check {
    id: "pg-table-grant-public",
    title: "Everybody may use a table",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["public_grants", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table or view on which PUBLIC, every role there is, holds a privilege. What an extension grants on its
own tables is not counted.

## Why it matters
Every role, also one created tomorrow for something else, may read or change the rows as soon as it may
use the schema.

## How to fix
Revoke it from PUBLIC and grant it to the roles that need it.

## When to ignore
Lists that everybody may read, such as countries.

## References
PostgreSQL documentation: Privileges; REVOKE.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (grants, relations) = (db.public_grants()?, db.relations()?);
    not_twice(db)?;
    let tables =
        grants.iter().filter(|grant| grant.kind == "table" && !grant.privileges.is_empty());
    Ok(tables.map(|grant| finding(db, cx, grant, &sql_name(relations, &grant.name))).collect())
}

/// The name as SQL takes it. A dot in a name makes its parts ambiguous; the table itself tells.
fn sql_name(relations: &[Relation], name: &str) -> String {
    let known = relations.iter().find(|relation| relation.qualified() == name);
    let parts =
        known.map(|r| (r.schema.as_str(), r.name.as_str())).or_else(|| name.split_once('.'));
    parts.map_or_else(|| sql::ident(name), |(schema, table)| sql::qualified(schema, table))
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, grant: &PublicGrant, name: &str) -> Finding {
    let privileges = grant.privileges.join(", ");
    let writes = grant
        .privileges
        .iter()
        .any(|p| matches!(p.as_str(), "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE"));
    let verb = if writes { "change" } else { "use" };
    let fix =
        Fix::new(FixKind::Review, [format!("REVOKE {privileges} ON TABLE {name} FROM PUBLIC;")])
            .undone_by([format!("GRANT {privileges} ON TABLE {name} TO PUBLIC;")]);
    cx.finding(
        Severity::Warning,
        Subject::within("table", db.name(), &grant.name),
        format!("every role may {verb} table {}: {privileges} is granted to PUBLIC", grant.name),
        "Revoke it from PUBLIC; grant it to the roles that need it.",
    )
    .with(Evidence::new("PUBLIC may", &*privileges, Unit::Text, "pg_class.relacl"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn found(kind: &str, name: &str) -> Vec<Finding> {
        let grant = PublicGrant {
            kind: kind.into(),
            name: name.into(),
            privileges: vec!["INSERT".into(), "SELECT".into()],
        };
        let relation =
            Relation { schema: "app.v2".into(), name: "Orders".into(), ..Relation::default() };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.public_grants) = vec![grant];
                *edit(&mut db.relations) = vec![relation];
            }),
        )
    }

    #[test]
    fn fires_and_revokes_exactly_what_is_granted() {
        let one = found("table", "app.orders").remove(0);
        assert!(one.message.contains("may change"));
        let fix = one.fix.unwrap();
        assert_eq!(fix.statements, ["REVOKE INSERT, SELECT ON TABLE app.orders FROM PUBLIC;"]);
        assert_eq!(fix.undo, ["GRANT INSERT, SELECT ON TABLE app.orders TO PUBLIC;"]);
        assert!(found("schema", "app").is_empty());
    }

    #[test]
    fn names_with_dots_are_resolved_by_the_table() {
        let fix = found("table", "app.v2.Orders").remove(0).fix.unwrap();
        assert_eq!(
            fix.statements,
            ["REVOKE INSERT, SELECT ON TABLE \"app.v2\".\"Orders\" FROM PUBLIC;"]
        );
    }
}
