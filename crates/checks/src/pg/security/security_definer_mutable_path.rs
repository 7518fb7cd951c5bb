//! Functions with their owner's rights and their caller's names.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit};

use super::routine::{name, sql_name, subject};
use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};
use dbvitals_model::pg::security::Function;

/// `SECURITY DEFINER` functions without a fixed `search_path`.
pub static CHECK: Check = Check {
    id: "pg-security-definer-mutable-path",
    title: "SECURITY DEFINER without search_path",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["functions"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A function or procedure that runs with the rights of its owner (`SECURITY DEFINER`) and does not fix
`search_path`. Functions of extensions and those written in C are silent.

## Why it matters
The caller chooses which objects the names in its body mean: with a table, function or operator of the
right name in a schema of their own, callers make it do anything its owner may do.

## How to fix
Fix `search_path` on the function, trusted schemas only, `pg_temp` last. Names of other schemas in its
body must be qualified or their schemas added.

## When to ignore
Functions whose body is SQL-standard (`BEGIN ATOMIC`): their names were resolved at creation.

## References
PostgreSQL documentation: CREATE FUNCTION, Writing SECURITY DEFINER Functions Safely.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let functions = db.functions()?;
    not_twice(db)?;
    let open = functions.iter().filter(|function| {
        function.is_security_definer
            && !function.has_fixed_search_path
            && function.extension.is_none()
            && !matches!(function.language.as_str(), "c" | "internal")
    });
    Ok(open.map(|function| finding(db, cx, function)).collect())
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, function: &Function) -> Finding {
    let routine = sql_name(function);
    let path = if function.schema == "pg_catalog" {
        "pg_catalog, pg_temp".to_owned()
    } else {
        format!("pg_catalog, {}, pg_temp", sql::ident(&function.schema))
    };
    let fix =
        Fix::new(FixKind::Review, [format!("ALTER ROUTINE {routine} SET search_path = {path};")])
            .undone_by([format!("ALTER ROUTINE {routine} RESET search_path;")]);
    let owner = if function.owner_is_superuser { "superuser " } else { "" };
    let callers = if function.public_execute { "everybody" } else { "chosen roles" };
    cx.finding(
        Severity::Warning,
        subject(db, function),
        format!(
            "function {} runs with the rights of {owner}{} under a search_path its caller chooses",
            name(function),
            function.owner
        ),
        "Fix its search_path; qualify names of other schemas in its body.",
    )
    .with(Evidence::new(
        "owner",
        format!("{owner}{}", function.owner),
        Unit::Text,
        "pg_proc.proowner",
    ))
    .with(Evidence::new("may be called by", callers, Unit::Text, "pg_proc.proacl"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Function)) -> Vec<Finding> {
        let mut function = Function {
            schema: "App".into(),
            name: "pay".into(),
            arguments: "amount numeric".into(),
            owner: "boss".into(),
            language: "plpgsql".into(),
            is_trusted_language: true,
            is_security_definer: true,
            ..Function::default()
        };
        change(&mut function);
        testing::findings(
            &CHECK,
            &testing::database(|db| *edit(&mut db.functions) = vec![function]),
        )
    }

    #[test]
    fn fires_and_fixes_the_path() {
        let one = found(|_| {}).remove(0);
        assert_eq!(one.subject.name, "App.pay(amount numeric)");
        let fix = one.fix.unwrap();
        assert_eq!(
            fix.statements,
            [
                "ALTER ROUTINE \"App\".pay(amount numeric) SET search_path = pg_catalog, \"App\", pg_temp;"
            ]
        );
        assert!(fix.reversible);
    }

    #[test]
    fn fixed_plain_extension_and_c_functions_are_silent() {
        assert!(found(|f| f.has_fixed_search_path = true).is_empty());
        assert!(found(|f| f.is_security_definer = false).is_empty());
        assert!(found(|f| f.extension = Some("postgis".into())).is_empty());
        assert!(found(|f| f.language = "c".into()).is_empty());
    }
}
