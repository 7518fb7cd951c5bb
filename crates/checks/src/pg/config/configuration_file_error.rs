//! Lines of the configuration the server cannot apply.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};
use dbvitals_model::pg::security::FileError;

/// Errors of `pg_file_settings`.
pub static CHECK: Check = Check {
    id: "pg-configuration-file-error",
    title: "Error in the configuration files",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["file_errors"],
    uses: &["settings"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Entries of `postgresql.conf`, its includes or `postgresql.auto.conf` that the server refuses. A change
that merely waits for a restart is not among them; one of a setting that needs a restart and may be
either is a warning.

## Why it matters
With an error in the files a reload applies nothing, and the server does not start again: the next
restart is an outage.

## How to fix
Correct or remove the line, reload, and look at `pg_file_settings` again.

## When to ignore
Never.

## References
PostgreSQL documentation: `pg_file_settings`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (errors, settings) = (pg.file_errors()?, pg.settings().ok());
    let setting_of = |error: &FileError| {
        let name = error.name.as_deref()?;
        settings?.0.iter().find(|setting| setting.name.eq_ignore_ascii_case(name))
    };
    let mut found = Vec::new();
    for error in errors {
        let setting = setting_of(error);
        if setting.is_some_and(|setting| setting.pending_restart) {
            continue;
        }
        // The server's words for a change of such a setting, whether its value is valid or not.
        let is_doubtful = error.error == "setting could not be applied"
            && (settings.is_none() || setting.is_some_and(|s| s.context == "postmaster"));
        found.push(finding(cx, error, is_doubtful));
    }
    Ok(found)
}

fn finding(cx: &Context<'_>, error: &FileError, is_doubtful: bool) -> Finding {
    let place = match error.line {
        Some(line) => format!("{} line {line}", error.file),
        None => error.file.clone(),
    };
    let what = error.name.as_deref().unwrap_or(&place);
    let (severity, message) = if is_doubtful {
        (
            Severity::Warning,
            format!(
                "{what} ({place}) is not applied: it waits for a restart, or its value is wrong \
                     and the server would not start"
            ),
        )
    } else {
        (
            Severity::Critical,
            format!(
                "{what} ({place}) has an error: {}; the server would not start again",
                error.error
            ),
        )
    };
    cx.finding(
        severity,
        Subject::new("setting", what),
        message,
        "Correct or remove the line, reload, and look at pg_file_settings again.",
    )
    .with(Evidence::new("error", &*error.error, Unit::Text, "pg_file_settings"))
    .with(Evidence::new("place", place, Unit::Text, "pg_file_settings"))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Section;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(text: &str, context: &str, pending_restart: bool) -> Vec<Finding> {
        let error = FileError {
            file: "postgresql.conf".into(),
            line: Some(12),
            name: Some("Shared_Buffers".into()),
            error: text.into(),
        };
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                *edit(&mut pg.file_errors) = vec![error];
                set(pg, "shared_buffers", "16384", Some("8kB"));
                let setting = &mut edit(&mut pg.settings).0[0];
                setting.context = context.into();
                setting.pending_restart = pending_restart;
            }),
        )
    }

    #[test]
    fn an_error_is_critical() {
        let one = found("unrecognized configuration parameter", "sighup", false).remove(0);
        assert_eq!(one.severity, Severity::Critical);
        assert!(one.message.contains("postgresql.conf line 12"));
        assert_eq!(
            found("setting could not be applied", "sighup", false)[0].severity,
            Severity::Critical
        );
    }

    #[test]
    fn waiting_for_a_restart_is_no_error() {
        assert!(found("setting could not be applied", "postmaster", true).is_empty());
        let doubtful = found("setting could not be applied", "postmaster", false).remove(0);
        assert_eq!(doubtful.severity, Severity::Warning);
    }

    #[test]
    fn is_skipped_when_files_are_hidden() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.file_errors = Section::default()));
    }
}
