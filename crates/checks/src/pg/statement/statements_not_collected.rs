//! Statements that nobody counts.

use dbvitals_model::{
    Evidence, Fix, FixKind, Severity, Subject, Unit,
    pg::{instance::Settings, statement::Status},
};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
};

/// `pg_stat_statements` missing, not loaded, or switched off.
pub static CHECK: Check = Check {
    id: "pg-statements-not-collected",
    title: "Statements are not collected",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements_status"],
    uses: &["settings"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`pg_stat_statements` is not preloaded, not installed in any database that was looked at, set to track
nothing, or without query ids because `compute_query_id` is off.

## Why it matters
Without it nobody can say which statements the server spends its time on; every search for a slow query
starts blind.

## How to fix
Add it to `shared_preload_libraries` and restart, run `CREATE EXTENSION pg_stat_statements` in one
database, and set `pg_stat_statements.track` to `top`. It costs a few per cent at most.

## When to ignore
Servers whose statements are collected by another extension.

## References
PostgreSQL documentation: pg_stat_statements; `compute_query_id`.
",
    run: Run::Postgres(run),
};

const LIBRARY: &str = "pg_stat_statements";

/// What is wrong, what to do, and the statements for it.
struct Problem {
    message: &'static str,
    advice: String,
    fix: Option<Fix>,
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (status, settings) = (pg.statements_status()?, pg.settings().ok());
    let Some(problem) = problem(pg, status, settings) else { return Ok(Vec::new()) };
    let shown = |value: Option<&str>| value.unwrap_or("none").to_owned();
    let preloaded = if status.is_preloaded { "yes" } else { "no" };
    let mut found = cx
        .finding(
            Severity::Warning,
            Subject::new("extension", LIBRARY),
            problem.message,
            problem.advice,
        )
        .with(Evidence::new("preloaded", preloaded, Unit::Text, "shared_preload_libraries"))
        .with(Evidence::new(
            "installed in",
            shown(status.installed_in.as_deref()),
            Unit::Text,
            "pg_extension",
        ))
        .with(Evidence::new(
            "track",
            shown(status.track.as_deref()),
            Unit::Text,
            "pg_stat_statements.track",
        ))
        .promising("shows which statements the server spends its time on");
    found.fix = problem.fix;
    Ok(vec![found])
}

fn problem(pg: &PgView<'_>, status: &Status, settings: Option<&Settings>) -> Option<Problem> {
    let is_installed = status.installed_in.is_some();
    if !status.is_preloaded {
        let package = if is_installed || status.available_version.is_some() {
            ""
        } else {
            "Install the server's contrib package first. "
        };
        return Some(Problem {
            message: "statements are not collected: pg_stat_statements is not preloaded",
            advice: format!(
                "{package}Add it to shared_preload_libraries and restart, then create the extension."
            ),
            fix: settings
                .and_then(|settings| settings.text("shared_preload_libraries"))
                .map(|libraries| preload(libraries, is_installed || pg.server().in_recovery)),
        });
    }
    if !is_installed {
        let standby = pg.server().in_recovery;
        let place = if standby { "on the primary, in" } else { "in" };
        return Some(Problem {
            message: "statements cannot be read: pg_stat_statements is preloaded but not installed",
            advice: format!("Create the extension {place} the database you connect to."),
            fix: (!standby).then(|| {
                Fix::new(FixKind::Safe, [create()])
                    .undone_by([format!("DROP EXTENSION {LIBRARY};")])
            }),
        });
    }
    if status.track.as_deref() == Some("none") {
        return Some(Problem {
            message: "statements are not collected: pg_stat_statements.track is none",
            advice: "Set it to top.".to_owned(),
            fix: Some(switch("pg_stat_statements.track", "top", "none")),
        });
    }
    if settings.and_then(|settings| settings.text("compute_query_id")) == Some("off") {
        return Some(Problem {
            message: "statements are not collected: compute_query_id is off",
            advice: "Set it to auto.".to_owned(),
            fix: Some(switch("compute_query_id", "auto", "off")),
        });
    }
    None
}

fn create() -> String {
    format!("CREATE EXTENSION IF NOT EXISTS {LIBRARY};")
}

fn switch(name: &str, value: &str, before: &str) -> Fix {
    Fix::new(FixKind::Safe, sql::alter_system(name, value, false))
        .undone_by(sql::alter_system(name, before, false))
}

/// The library behind those that are loaded already. Each name is its own literal: one literal for
/// all would name one library with commas in it.
fn preload(libraries: &str, is_installed: bool) -> Fix {
    let before: Vec<String> = libraries
        .split(',')
        .map(|name| name.trim().trim_matches('"'))
        .filter(|name| !name.is_empty())
        .map(sql::literal)
        .collect();
    let mut after = before.clone();
    after.push(sql::literal(LIBRARY));
    let set = |names: &[String]| {
        format!("ALTER SYSTEM SET shared_preload_libraries = {};", names.join(", "))
    };
    let mut statements = vec![set(&after)];
    if !is_installed {
        statements.push(create());
    }
    let undo = if before.is_empty() {
        "ALTER SYSTEM RESET shared_preload_libraries;".to_owned()
    } else {
        set(&before)
    };
    Fix::new(FixKind::Review, statements)
        .locking("none", "everything during the restart it needs")
        .undone_by([undo])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit, set};

    fn collected() -> Status {
        Status {
            is_preloaded: true,
            installed_in: Some("app".into()),
            available_version: Some("1.10".into()),
            track: Some("top".into()),
            ..Status::default()
        }
    }

    fn with(status: Status, settings: &[(&str, &str)]) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.statements_status) = status;
            for (name, value) in settings {
                set(pg, name, value, None);
            }
        })
    }

    fn fix(snapshot: &Snapshot) -> Fix {
        testing::findings(&CHECK, snapshot).remove(0).fix.unwrap()
    }

    #[test]
    fn silent_where_statements_are_collected() {
        let fine = with(collected(), &[("compute_query_id", "auto")]);
        assert!(testing::findings(&CHECK, &fine).is_empty());
    }

    #[test]
    fn the_library_is_added_to_those_already_loaded() {
        let missing = Status { is_preloaded: false, installed_in: None, ..collected() };
        let some = with(missing.clone(), &[("shared_preload_libraries", "auto_explain, \"$x\"")]);
        assert_eq!(
            fix(&some).statements,
            [
                "ALTER SYSTEM SET shared_preload_libraries = 'auto_explain', '$x', \
                 'pg_stat_statements';",
                "CREATE EXTENSION IF NOT EXISTS pg_stat_statements;"
            ]
        );
        let none = with(missing.clone(), &[("shared_preload_libraries", "")]);
        assert_eq!(fix(&none).undo, ["ALTER SYSTEM RESET shared_preload_libraries;"]);
        let unknown = testing::findings(&CHECK, &with(missing, &[]));
        assert!(unknown[0].fix.is_none(), "would throw out libraries it cannot see");
    }

    #[test]
    fn each_switch_is_named() {
        let not_installed = with(Status { installed_in: None, ..collected() }, &[]);
        assert_eq!(fix(&not_installed).kind, FixKind::Safe);
        let off = with(Status { track: Some("none".into()), ..collected() }, &[]);
        assert_eq!(fix(&off).statements[0], "ALTER SYSTEM SET pg_stat_statements.track = 'top';");
        let no_ids = with(collected(), &[("compute_query_id", "off")]);
        assert_eq!(fix(&no_ids).statements[0], "ALTER SYSTEM SET compute_query_id = 'auto';");
    }

    #[test]
    fn on_a_standby_the_extension_comes_from_the_primary() {
        let standby = testing::pg(|pg| {
            pg.server.in_recovery = true;
            *edit(&mut pg.statements_status) = Status { installed_in: None, ..collected() };
        });
        let found = testing::findings(&CHECK, &standby);
        assert!(found[0].fix.is_none() && found[0].recommendation.contains("on the primary"));
    }

    #[test]
    fn is_skipped_when_the_state_is_unknown() {
        let snapshot = testing::pg(|pg| {
            pg.statements_status = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::Timeout);
    }
}
