//! Options for rescuers and developers, left on.

use dbvitals_model::{FixKind, Severity};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// Settings that no server in service should have on.
pub static CHECK: Check = Check {
    id: "pg-dangerous-option-on",
    title: "Dangerous option on",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An option that hides damage or breaks the catalogue is on for everybody: `zero_damaged_pages`,
`ignore_checksum_failure`, `ignore_invalid_pages` and `ignore_system_indexes` are critical,
`allow_system_table_mods` is a warning.

## Why it matters
The first four are for getting at what is left of a broken server. In service they turn damage into missing rows:
`zero_damaged_pages` overwrites a page it cannot read. The last lets any superuser's slip change system tables.

## How to fix
Switch it off. If it was switched on for a reason, that reason is worth a restore from backup.

## When to ignore
During a rescue.

## References
PostgreSQL documentation: Developer Options.
",
    run: Run::Postgres(run),
};

const OPTIONS: [(&str, Severity, &str); 5] = [
    (
        "zero_damaged_pages",
        Severity::Critical,
        "pages that cannot be read are overwritten with nothing",
    ),
    ("ignore_checksum_failure", Severity::Critical, "damaged pages are read as if they were whole"),
    ("ignore_invalid_pages", Severity::Critical, "recovery passes over pages it cannot restore"),
    (
        "ignore_system_indexes",
        Severity::Critical,
        "every look into the catalogue reads whole tables",
    ),
    ("allow_system_table_mods", Severity::Warning, "a slip can break the catalogue"),
];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    // One that every server has and everybody may read, to tell off from unknown.
    advice::setting(settings, "fsync")?;
    let on = OPTIONS.into_iter().filter(|(name, ..)| settings.is_on(name) == Some(true));
    let for_all = on.filter(|(name, ..)| settings.get(name).is_some_and(advice::is_for_all));
    let found = for_all.map(|(name, severity, harm)| {
        let fix = change(settings, FixKind::Review, &[(name, "off".to_owned())]);
        let message = format!("{name} is on: {harm}");
        advice::about(cx, severity, settings, name, message, "Switch it off.").fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn fires_for_each_that_is_on() {
        let found = |value| {
            testing::findings(
                &CHECK,
                &testing::pg(|pg| {
                    set(pg, "fsync", "on", None);
                    set(pg, "zero_damaged_pages", value, None);
                    set(pg, "allow_system_table_mods", value, None);
                }),
            )
        };
        assert!(found("off").is_empty());
        let severities: Vec<_> = found("on").iter().map(|one| one.severity).collect();
        assert_eq!(severities, [Severity::Critical, Severity::Warning]);
        assert_eq!(
            found("on")[0].fix.as_ref().unwrap().statements,
            ["ALTER SYSTEM SET zero_damaged_pages = 'off';", "SELECT pg_reload_conf();"]
        );
    }

    #[test]
    fn one_session_alone_may_have_it_on() {
        let snapshot = testing::pg(|pg| {
            set(pg, "fsync", "on", None);
            set(pg, "zero_damaged_pages", "on", None);
            edit(&mut pg.settings)
                .0
                .iter_mut()
                .for_each(|setting| setting.source = "session".into());
        });
        assert!(testing::findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
