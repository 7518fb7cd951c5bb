//! Autovacuum switched off, for the server or for single tables.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit, pg::relation::Relation,
};

use super::{
    ordinary::{not_twice, stored, subject, with_since},
    trigger::is_switched_off,
    upkeep,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::{DatabaseView, PgView},
    words,
};

/// `autovacuum = off`, and tables with `autovacuum_enabled = off`.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-disabled",
    title: "Autovacuum disabled",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["relations"],
    thresholds: &[&MANUAL],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
`autovacuum = off` for the whole server, and every table with `autovacuum_enabled = off` among its options.
A table vacuumed by hand within `manual_vacuum_seconds` is told as information only: somebody cares for it.

## Why it matters
Dead rows are never removed, statistics never refreshed, and rows are frozen only by the anti-wraparound
vacuum, which comes anyway, at its own time, over the whole table at once.

## How to fix
Switch it on. If autovacuum disturbed, tune its cost limit and the tables' triggers instead.

## When to ignore
Tables filled once by a job that vacuums them itself.

## References
PostgreSQL documentation: Automatic Vacuuming; CREATE TABLE, Storage Parameters.
",
    run: Run::Postgres(run),
};

static MANUAL: Threshold = Threshold {
    key: "manual_vacuum_seconds",
    unit: Unit::Seconds,
    default: 86_400.0,
    strict: None,
    range: (0.0, 31_536_000.0),
    why: "a table vacuumed by hand within a day is in somebody's nightly care",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let mut found = Vec::new();
    if settings.is_on("autovacuum") == Some(false) {
        found.push(for_server(pg, cx));
    }
    for db in pg.by_database() {
        let relations = db.relations();
        if not_twice(&db).is_ok() {
            let tables = relations.ok().into_iter().flat_map(|all| stored(all));
            found.extend(tables.filter(|t| is_switched_off(t)).map(|t| for_table(&db, cx, t)));
        }
    }
    Ok(found)
}

fn for_server(pg: &PgView<'_>, cx: &Context<'_>) -> Finding {
    let fix = Fix::new(FixKind::Safe, sql::alter_system("autovacuum", "on", false))
        .undone_by(sql::alter_system("autovacuum", "off", false));
    cx.finding(
        Severity::Critical,
        Subject::new("server", pg.name()),
        "autovacuum is switched off for the whole server",
        "Switch it on; if it disturbed, lower its cost limit instead.",
    )
    .with(Evidence::new("autovacuum", "off", Unit::Text, "pg_settings").against("on"))
    .fixed_by(fix)
    .promising("dead rows are removed, statistics stay fresh, and rows are frozen in time")
}

fn for_table(db: &DatabaseView<'_>, cx: &Context<'_>, table: &Relation) -> Finding {
    let name = table.qualified();
    let by_hand = db
        .server()
        .seconds_since(table.last_vacuum)
        .is_some_and(|seconds| seconds <= cx.limit_for(&MANUAL, &name));
    let finding = cx
        .finding(
            if by_hand { Severity::Info } else { Severity::Warning },
            subject(db, table),
            format!(
                "autovacuum is switched off for {name} ({} dead rows, {} changed since analyze)",
                words::count(table.dead_rows as f64),
                words::count(table.modified_since_analyze as f64)
            ),
            if by_hand {
                "Make sure that whatever vacuums it by hand also analyzes it and never stops."
            } else {
                "Switch it on again; tune the table's triggers if autovacuum disturbed."
            },
        )
        .with(
            Evidence::new(
                "autovacuum_enabled",
                table.option("autovacuum_enabled").unwrap_or("off"),
                Unit::Text,
                "pg_class.reloptions",
            )
            .against("on"),
        )
        .with(Evidence::new("dead rows", table.dead_rows, Unit::Count, "pg_stat_all_tables"));
    with_since(finding, db, "time since the last manual vacuum", table.last_vacuum)
        .fixed_by(upkeep::set_options(table, &[("autovacuum_enabled", "on")]))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{ago, findings, set, skipped};

    fn off(last_vacuum: Option<jiff::Timestamp>) -> Relation {
        let options = vec!["autovacuum_enabled=false".to_owned()];
        Relation { options, last_vacuum, ..orders() }
    }

    #[test]
    fn the_server_wide_switch_is_critical() {
        let snapshot = with_more(vec![], |pg| set(pg, "autovacuum", "off", None));
        let found = findings(&CHECK, &snapshot);
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            ["ALTER SYSTEM SET autovacuum = 'on';", "SELECT pg_reload_conf();"]
        );
    }

    #[test]
    fn a_table_can_be_set_back() {
        let found = findings(&CHECK, &with(vec![off(None), orders()]));
        assert_eq!(found.len(), 1);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["ALTER TABLE app.orders SET (autovacuum_enabled = on);"]);
        assert_eq!(fix.undo, ["ALTER TABLE app.orders SET (autovacuum_enabled = false);"]);
    }

    #[test]
    fn a_table_in_manual_care_is_information() {
        let severity = |at| findings(&CHECK, &with(vec![off(ago(at))]))[0].severity;
        assert_eq!(severity(86_400), Severity::Info);
        assert_eq!(severity(86_401), Severity::Warning);
    }

    #[test]
    fn is_skipped_without_settings_but_not_without_relations() {
        let blind = with_more(vec![], |pg| {
            pg.settings = Section::unavailable(Reason::Failed, "lost");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Failed);
        let half = with_more(vec![], |pg| {
            pg.by_database[0].relations = Section::unavailable(Reason::Failed, "lost");
        });
        assert!(findings(&CHECK, &half).is_empty());
    }
}
