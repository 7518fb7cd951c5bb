//! Plans the planner may not use.

use dbvitals_model::{FixKind, Severity};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `enable_*` settings that are off for everybody.
pub static CHECK: Check = Check {
    id: "pg-planner-method-disabled",
    title: "Planner method disabled",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
An `enable_…` setting that is on by default and off for every session: in the configuration file or by
`ALTER SYSTEM`.

## Why it matters
These switches exist to study one plan. Left off for the whole server they make every other statement,
now and later, take a worse plan; PostgreSQL still uses the method where nothing else works, at an
absurd estimated cost.

## How to fix
Switch it on again and mend the cause of the one bad plan: statistics, costs (`random_page_cost`), a
missing index. Where it cannot wait, set it for that statement or role alone.

## When to ignore
A server for one program whose vendor asks for the setting.

## References
PostgreSQL documentation: Query Planning, Planner Method Configuration.
",
    run: Run::Postgres(run),
};

/// Off by default: nothing was switched off.
const OFF_BY_DEFAULT: &[&str] = &["enable_partitionwise_aggregate", "enable_partitionwise_join"];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let off = settings.0.iter().filter(|setting| {
        setting.name.starts_with("enable_")
            && setting.value == "off"
            && setting.boot_value.as_deref() != Some("off")
            && !OFF_BY_DEFAULT.contains(&setting.name.as_str())
            && advice::is_for_all(setting)
    });
    let found = off.map(|setting| {
        let name = setting.name.as_str();
        let fix = change(settings, FixKind::Review, &[(name, "on".to_owned())]);
        advice::about(
            cx,
            Severity::Warning,
            settings,
            name,
            format!("{name} is off for the whole server: every statement plans around it"),
            "Switch it on and mend the one bad plan by statistics, costs or an index; if it must \
             stay, set it for that role alone.",
        )
        .fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn fires_for_what_was_switched_off() {
        let found = testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "enable_seqscan", "off", None);
                set(pg, "enable_hashjoin", "on", None);
            }),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subject.name, "enable_seqscan");
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER SYSTEM SET enable_seqscan = 'on';", "SELECT pg_reload_conf();"]
        );
    }

    #[test]
    fn defaults_and_values_of_one_role_are_silent() {
        let built = testing::pg(|pg| {
            set(pg, "enable_partitionwise_join", "off", None);
            set(pg, "enable_seqscan", "off", None);
            edit(&mut pg.settings).0[1].source = "user".into();
            set(pg, "enable_new_method", "off", None);
            edit(&mut pg.settings).0[2].boot_value = Some("off".into());
        });
        assert!(testing::findings(&CHECK, &built).is_empty());
    }
}
