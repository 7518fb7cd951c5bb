//! `pg_stat_statements` installed in an older version than the server brings.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// Installed against available version.
pub static CHECK: Check = Check {
    id: "pg-statements-version-behind",
    title: "Old version of pg_stat_statements",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements_status"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`pg_stat_statements` was created by an older server and not updated since.

## Why it matters
The old view lacks columns: times of temporary files, just-in-time compilation, when an entry began.

## How to fix
`ALTER EXTENSION pg_stat_statements UPDATE` in the database where it is installed. Views built on it have
to be dropped first and created again.

## When to ignore
When something that reads the view breaks with new columns.

## References
PostgreSQL documentation: pg_stat_statements; ALTER EXTENSION.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let status = pg.statements_status()?;
    let (Some(installed), Some(available)) = (&status.extension_version, &status.available_version)
    else {
        return Err(Skip::not_applicable("pg_stat_statements is not installed here"));
    };
    if numbers(installed) >= numbers(available) {
        return Ok(Vec::new());
    }
    let name = "pg_stat_statements";
    let fix = Fix::new(FixKind::Review, [format!("ALTER EXTENSION {name} UPDATE;")])
        .locking("AccessExclusiveLock", "readers of its view for an instant")
        .undone_by([
            format!("DROP EXTENSION {name};"),
            format!("CREATE EXTENSION {name} VERSION {};", crate::sql::literal(installed)),
        ]);
    let place = status.installed_in.as_deref().unwrap_or("the database where it is installed");
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("extension", name),
            format!("{name} is version {installed}; the server brings {available}"),
            format!("Update it in {place}; drop and recreate views built on it."),
        )
        .with(
            Evidence::new("version", installed.as_str(), Unit::Text, "pg_extension.extversion")
                .against(available.as_str()),
        );
    let found = if pg.server().in_recovery { found } else { found.fixed_by(fix) };
    Ok(vec![found])
}

/// The parts of a version, comparable: 1.10 comes after 1.9.
fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::statement::Status};

    use super::*;
    use crate::testing::{self, edit};

    fn with(installed: Option<&str>, available: Option<&str>) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.statements_status) = Status {
                extension_version: installed.map(str::to_owned),
                available_version: available.map(str::to_owned),
                ..Status::default()
            };
        })
    }

    #[test]
    fn versions_are_compared_by_number() {
        let found = |installed, available| {
            testing::findings(&CHECK, &with(Some(installed), Some(available))).len()
        };
        assert_eq!(found("1.9", "1.10"), 1);
        assert_eq!(found("1.10", "1.9"), 0);
        assert_eq!(found("1.10", "1.10"), 0);
    }

    #[test]
    fn the_fix_updates_it() {
        let found = testing::findings(&CHECK, &with(Some("1.8"), Some("1.12"))).remove(0);
        assert_eq!(found.severity, Severity::Info);
        assert_eq!(found.fix.unwrap().statements, ["ALTER EXTENSION pg_stat_statements UPDATE;"]);
    }

    #[test]
    fn is_skipped_where_it_is_not_installed_or_unknown() {
        let skip = testing::skipped(&CHECK, &with(None, Some("1.10")));
        assert_eq!(skip.0.reason, Reason::NotApplicable);
        let unknown = testing::pg(|pg| {
            pg.statements_status = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(testing::skipped(&CHECK, &unknown).0.reason, Reason::Timeout);
    }
}
