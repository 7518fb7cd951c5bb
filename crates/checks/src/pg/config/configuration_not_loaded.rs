//! Configuration that was written but never loaded.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Change of configuration files against the last reload.
pub static CHECK: Check = Check {
    id: "pg-configuration-not-loaded",
    title: "Configuration not loaded",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["config_files"],
    uses: &[],
    thresholds: &[&AGE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`postgresql.conf`, `pg_hba.conf` or what `ALTER SYSTEM` writes was changed after the server last loaded its
configuration, at least `min_age_seconds` ago.

## Why it matters
Somebody changed something and believes it holds. It will, by surprise, at the next restart; if it is wrong, the
server will not start then.

## How to fix
Read the difference (`pg_file_settings`, `pg_hba_file_rules`), then `SELECT pg_reload_conf();`.

## When to ignore
Files touched by a tool that changed nothing.

## References
PostgreSQL documentation: Setting Parameters; pg_file_settings.
",
    run: Run::Postgres(run),
};

static AGE: Threshold = Threshold {
    key: "min_age_seconds",
    unit: Unit::Seconds,
    default: 300.0,
    strict: None,
    range: (0.0, 1e9),
    why: "whoever changed the file may be about to reload it",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let files = pg.config_files()?;
    let loaded = pg.server().config_loaded_at;
    let loaded =
        loaded.ok_or_else(|| Skip::not_applicable("the time of the last reload is not known"))?;
    let found = files.iter().filter_map(|file| {
        let changed = file.modified_at.filter(|changed| *changed > loaded)?;
        let age = pg.seconds_since(Some(changed))?;
        if age < cx.limit_for(&AGE, &file.path) {
            return None;
        }
        let fix = Fix::new(FixKind::Review, ["SELECT pg_reload_conf();".to_owned()]);
        Some(
            cx.finding(
                Severity::Warning,
                Subject::new("file", &file.path),
                format!(
                    "{} was changed {} ago and has not been loaded since",
                    file.path,
                    words::seconds(age)
                ),
                "Read what changed, then reload.",
            )
            .with(
                Evidence::new("changed", age, Unit::Seconds, "pg_stat_file")
                    .against(cx.limit_for(&AGE, &file.path)),
            )
            .with(Evidence::new(
                "last loaded",
                pg.seconds_since(Some(loaded)).unwrap_or_default(),
                Unit::Seconds,
                "pg_conf_load_time",
            ))
            .fixed_by(fix),
        )
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section, pg::instance::ConfigFile};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn found(changed: i64, loaded: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                pg.server.config_loaded_at = ago(loaded);
                *edit(&mut pg.config_files) = vec![
                    ConfigFile {
                        path: "/etc/pg_hba.conf".into(),
                        modified_at: ago(changed),
                        ..ConfigFile::default()
                    },
                    ConfigFile { path: "nowhere".into(), ..ConfigFile::default() },
                ];
            }),
        )
    }

    #[test]
    fn fires_for_a_file_changed_after_the_last_reload() {
        let one = found(300, 301).remove(0);
        assert_eq!(one.subject.name, "/etc/pg_hba.conf");
        assert!(found(300, 300).is_empty());
        assert!(found(900, 300).is_empty(), "loaded since");
        assert!(found(299, 9000).is_empty(), "just now");
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        testing::skipped(&CHECK, &testing::pg(|pg| pg.config_files = Section::default()));
    }
}
