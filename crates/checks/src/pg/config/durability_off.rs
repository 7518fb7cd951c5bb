//! Settings that give up data at a crash.

use dbvitals_model::{FixKind, Severity};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `fsync` or `full_page_writes` is off.
pub static CHECK: Check = Check {
    id: "pg-durability-off",
    title: "Durability off",
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
`fsync` or `full_page_writes` is off.

## Why it matters
Without `fsync` a crash of the machine leaves files whose parts come from different times: the whole
instance can be lost. Without `full_page_writes` a page torn by a crash cannot be repaired.

## How to fix
Switch both on; a reload is enough. Files written meanwhile are not yet safe: run `initdb --sync-only`
on the data directory, or `sync` on the machine, afterwards. Where commits are too slow,
`synchronous_commit = off` gives up the last moments only, never the files.

## When to ignore
Servers whose data is thrown away anyway (tests, a bulk load that is repeated after a crash).
`full_page_writes` may be off on a file system that never tears a page.

## References
PostgreSQL documentation: Write Ahead Log, `fsync`, `full_page_writes`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    advice::setting(settings, "fsync")?;
    let mut found = Vec::new();
    for (name, loss) in [
        ("fsync", "a crash of the machine can destroy the whole instance"),
        ("full_page_writes", "a page torn by a crash cannot be repaired"),
    ] {
        if settings.is_on(name) == Some(false) {
            let fix = change(settings, FixKind::Review, &[(name, "on".to_owned())]);
            let finding = advice::about(
                cx,
                Severity::Critical,
                settings,
                name,
                format!("{name} is off: {loss}"),
                "Switch it on, then make the files safe with sync or initdb --sync-only.",
            );
            found.push(finding.fixed_by(fix).promising("a crash costs no data"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn fires_for_each_that_is_off() {
        let found = |fsync, pages| {
            testing::findings(
                &CHECK,
                &testing::pg(|pg| {
                    set(pg, "fsync", fsync, None);
                    set(pg, "full_page_writes", pages, None);
                }),
            )
        };
        assert!(found("on", "on").is_empty());
        assert_eq!(found("off", "off").len(), 2);
        let off = found("off", "on").remove(0);
        assert_eq!(off.key, "pg-durability-off@main/setting:fsync");
        assert_eq!(off.severity, Severity::Critical);
        let fix = off.fix.unwrap();
        assert_eq!(fix.statements, ["ALTER SYSTEM SET fsync = 'on';", "SELECT pg_reload_conf();"]);
        assert!(fix.reversible);
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
