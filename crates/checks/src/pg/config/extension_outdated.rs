//! Extensions older than what is installed for them.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::table::ordinary::not_twice;
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};

/// Extensions whose objects are of an older version than their library.
pub static CHECK: Check = Check {
    id: "pg-extension-outdated",
    title: "Extension outdated",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["extensions"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An extension was created with an older version than the server would install now: its library was
upgraded, its functions and views were not. `pg_stat_statements` has a check of its own.

## Why it matters
New functions and fixes of its SQL part are missing; some extensions refuse to work with an old one
after an upgrade of the server.

## How to fix
Read its notes, then `ALTER EXTENSION … UPDATE` in each database.

## When to ignore
Extensions held back on purpose.

## References
PostgreSQL documentation: ALTER EXTENSION.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let extensions = db.extensions()?;
    not_twice(db)?;
    let behind =
        extensions.iter().filter(|one| one.name != "pg_stat_statements").filter_map(|one| {
            let available = one.available_version.as_deref()?;
            (available != one.version).then_some((one, available))
        });
    let found = behind.map(|(extension, available)| {
        let name = sql::ident(&extension.name);
        let fix = Fix::new(FixKind::Review, [format!("ALTER EXTENSION {name} UPDATE;")])
            .locking("depends on the extension", "uses of the extension for a moment, mostly");
        cx.finding(
            Severity::Info,
            Subject::within("extension", db.name(), &extension.name),
            format!(
                "extension {} in {} is {}, {available} is installed",
                extension.name,
                db.name(),
                extension.version
            ),
            "Read its notes, then update it.",
        )
        .with(
            Evidence::new("version", &*extension.version, Unit::Text, "pg_extension")
                .against(available),
        )
        .fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, edit};
    use dbvitals_model::pg::schema::Extension;

    fn found(name: &str, available: Option<&str>) -> Vec<Finding> {
        let extension = Extension {
            name: name.into(),
            version: "1.0".into(),
            available_version: available.map(str::to_owned),
            ..Extension::default()
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| *edit(&mut db.extensions) = vec![extension]),
        )
    }

    #[test]
    fn fires_for_another_version_alone() {
        let one = found("uuid-ossp", Some("1.1")).remove(0);
        assert_eq!(one.fix.unwrap().statements, ["ALTER EXTENSION \"uuid-ossp\" UPDATE;"]);
        assert!(found("postgis", Some("1.0")).is_empty());
        assert!(found("postgis", None).is_empty(), "no longer on the machine");
        assert!(found("pg_stat_statements", Some("1.1")).is_empty());
    }

    #[test]
    fn is_skipped_without_extensions() {
        testing::skipped(&CHECK, &testing::database(|db| db.extensions = Section::default()));
    }
}
