//! Schemas in which everybody may create objects.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// `CREATE` on a schema, granted to everybody.
pub static CHECK: Check = Check {
    id: "pg-public-schema-create",
    title: "Everybody may create in a schema",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["public_grants"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A schema in which PUBLIC, every role there is, may create objects. Until PostgreSQL 14 that is how the
schema `public` comes.

## Why it matters
Whoever may log in can put a function or table there under a name that other people's statements resolve
to, and have it run with their rights.

## How to fix
Revoke it and grant CREATE to the roles that need it. An upgrade does not do this for you.

## When to ignore
A server on which all roles trust each other fully.

## References
PostgreSQL documentation: Schemas, Usage Patterns; CVE-2018-1058.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let grants = db.public_grants()?;
    not_twice(db)?;
    let open = grants.iter().filter(|grant| {
        grant.kind == "schema" && grant.privileges.iter().any(|one| one == "CREATE")
    });
    let found = open.map(|grant| {
        let schema = sql::ident(&grant.name);
        let fix =
            Fix::new(FixKind::Review, [format!("REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC;")])
                .undone_by([format!("GRANT CREATE ON SCHEMA {schema} TO PUBLIC;")]);
        cx.finding(
            Severity::Warning,
            Subject::within("schema", db.name(), &grant.name),
            format!("every role may create objects in schema {} of {}", grant.name, db.name()),
            "Revoke it from PUBLIC; grant CREATE to the roles that need it.",
        )
        .with(Evidence::new(
            "PUBLIC may",
            grant.privileges.join(", "),
            Unit::Text,
            "pg_namespace.nspacl",
        ))
        .fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::security::PublicGrant;

    fn found(kind: &str, privileges: &[&str]) -> Vec<Finding> {
        let grant = PublicGrant {
            kind: kind.into(),
            name: "public".into(),
            privileges: privileges.iter().map(|&p| p.to_owned()).collect(),
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| *edit(&mut db.public_grants) = vec![grant]),
        )
    }

    #[test]
    fn fires_for_create_on_a_schema_alone() {
        let found_one = found("schema", &["CREATE", "USAGE"]);
        assert_eq!(
            found_one[0].fix.as_ref().unwrap().statements,
            ["REVOKE CREATE ON SCHEMA public FROM PUBLIC;"]
        );
        assert!(found("schema", &["USAGE"]).is_empty());
        assert!(found("database", &["CREATE"]).is_empty());
    }

    #[test]
    fn is_skipped_without_grants() {
        testing::skipped(&CHECK, &testing::database(|db| db.public_grants = Section::default()));
    }
}
