//! Functions that may do anything on the machine.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit};

use super::routine::{name, sql_name, subject};
use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
};
use dbvitals_model::pg::security::Function;

/// Functions in untrusted languages that others may call.
pub static CHECK: Check = Check {
    id: "pg-untrusted-language-function",
    title: "Function in an untrusted language",
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
A function outside any extension, written in a language without a sandbox (`plpython3u`, `plperlu`, `c`
…), that everybody may call.

## Why it matters
It runs as the operating-system user of the server: whatever its arguments can make it read, write or
execute, every role can.

## How to fix
Revoke EXECUTE from PUBLIC and grant it to the roles that need it; rewrite it in a trusted language
where possible.

## When to ignore
Functions that were reviewed for hostile arguments.

## References
PostgreSQL documentation: Procedural Languages; Privileges.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let functions = db.functions()?;
    not_twice(db)?;
    let open = functions.iter().filter(|function| {
        !function.is_trusted_language
            && function.public_execute
            && function.extension.is_none()
            && function.language != "internal"
    });
    Ok(open.map(|function| finding(db, cx, function)).collect())
}

fn finding(db: &DatabaseView<'_>, cx: &Context<'_>, function: &Function) -> Finding {
    let routine = sql_name(function);
    let fix =
        Fix::new(FixKind::Review, [format!("REVOKE EXECUTE ON ROUTINE {routine} FROM PUBLIC;")])
            .undone_by([format!("GRANT EXECUTE ON ROUTINE {routine} TO PUBLIC;")]);
    cx.finding(
        Severity::Warning,
        subject(db, function),
        format!(
            "every role may call {}, written in {}, which has no sandbox",
            name(function),
            function.language
        ),
        "Revoke EXECUTE from PUBLIC; grant it to the roles that need it.",
    )
    .with(Evidence::new("language", &*function.language, Unit::Text, "pg_language.lanpltrusted"))
    .with(Evidence::new("owner", &*function.owner, Unit::Text, "pg_proc.proowner"))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn found(change: impl FnOnce(&mut Function)) -> Vec<Finding> {
        let mut function = Function {
            schema: "app".into(),
            name: "shell".into(),
            arguments: "text".into(),
            language: "plpython3u".into(),
            public_execute: true,
            ..Function::default()
        };
        change(&mut function);
        testing::findings(
            &CHECK,
            &testing::database(|db| *edit(&mut db.functions) = vec![function]),
        )
    }

    #[test]
    fn fires_for_what_everybody_may_call() {
        assert_eq!(
            found(|_| {}).remove(0).fix.unwrap().statements,
            ["REVOKE EXECUTE ON ROUTINE app.shell(text) FROM PUBLIC;"]
        );
    }

    #[test]
    fn trusted_restricted_and_extension_functions_are_silent() {
        assert!(found(|f| f.is_trusted_language = true).is_empty());
        assert!(found(|f| f.public_execute = false).is_empty());
        assert!(found(|f| f.extension = Some("plpython3u".into())).is_empty());
        assert!(found(|f| f.language = "internal".into()).is_empty());
    }
}
