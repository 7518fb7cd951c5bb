//! All autovacuum workers busy while tables wait.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit, pg::instance::Settings};

use super::{
    ordinary::{last_vacuum, stored},
    trigger::{Rules, is_being_vacuumed, was_just_passed},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
};

/// Busy workers against `autovacuum_max_workers`, and tables that wait for one.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-saturated",
    title: "Autovacuum saturated",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["activity", "settings"],
    uses: &["relations", "vacuum_progress", "window"],
    thresholds: &[&BUSY, &QUEUED],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
At least `busy_ratio` of `autovacuum_max_workers` at work while tables wait, or more tables waiting than there
are workers. A table waits when it passed its own vacuum trigger more than `queued_seconds` ago and nobody is
vacuuming it. Busy workers with an empty queue are told as information.

## Why it matters
Tables that wait fill with dead rows, and the vacuum that comes at last has more to do: the backlog feeds
itself.

## How to fix
Workers share one cost limit: raise `autovacuum_vacuum_cost_limit` first (or lower
`autovacuum_vacuum_cost_delay`), since more workers at the same limit only make each slower. Then raise
`autovacuum_max_workers` (a restart before 18).

## When to ignore
During a bulk load or the first hours after an upgrade.

## References
PostgreSQL documentation: Automatic Vacuuming; Cost-based Vacuum Delay.
",
    run: Run::Postgres(run),
};

static BUSY: Threshold = Threshold {
    key: "busy_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "with the default of three workers it means all of them",
};

static QUEUED: Threshold = Threshold {
    key: "queued_seconds",
    unit: Unit::Seconds,
    default: 600.0,
    strict: None,
    range: (0.0, 86_400.0),
    why: "ten rounds of the launcher; a busy server always has tables that passed their trigger this minute",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (sessions, settings) = (pg.activity()?, pg.settings()?);
    let _ = (pg.vacuum_progress(), pg.window());
    let queue = queued(pg, cx, settings);
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("autovacuum does not run on a standby"));
    }
    let workers = settings
        .number("autovacuum_max_workers")
        .filter(|workers| *workers > 0.0)
        .ok_or_else(|| Skip::not_applicable("autovacuum_max_workers is not known"))?;
    let busy = sessions.iter().filter(|s| s.backend_type == "autovacuum worker").count() as f64;
    let full = busy / workers >= cx.limit(&BUSY);
    let waiting = queue.len() as f64;
    if !full && waiting <= workers {
        return Ok(Vec::new());
    }
    let severity = if queue.is_empty() { Severity::Info } else { Severity::Warning };
    let first = queue.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
    let mut finding = cx
        .finding(
            severity,
            Subject::new("server", pg.name()),
            format!(
                "{busy:.0} of {workers:.0} autovacuum workers are busy and {waiting:.0} tables wait"
            ),
            "Raise autovacuum_vacuum_cost_limit first, then the number of workers.",
        )
        .with(
            Evidence::new("busy workers", busy / workers, Unit::Ratio, "pg_stat_activity")
                .against(cx.limit(&BUSY)),
        )
        .with(
            Evidence::new("tables waiting", waiting, Unit::Count, "pg_stat_all_tables")
                .against(workers),
        );
    if !first.is_empty() {
        finding =
            finding.with(Evidence::new("waiting first", first, Unit::Text, "pg_stat_all_tables"));
    }
    if let Some(fix) = raised_limit(settings) {
        finding = finding.fixed_by(fix).promising("each vacuum takes less time, for more I/O");
    }
    Ok(vec![finding])
}

/// Tables of all databases that passed their trigger a while ago, the longest first.
fn queued(pg: &PgView<'_>, cx: &Context<'_>, settings: &Settings) -> Vec<String> {
    let rules = Rules::of(settings).ok();
    let mut waiting = Vec::new();
    for db in pg.by_database() {
        let (Ok(relations), Some(rules)) = (db.relations(), rules) else { continue };
        for table in stored(relations) {
            let trigger = rules.for_table(table);
            let since = pg.seconds_since(last_vacuum(table));
            let (Some(since), Some(due)) = (since, trigger.vacuum_due(table)) else { continue };
            let overdue = due.overdue_seconds(since);
            let handled = is_being_vacuumed(&db, table) || was_just_passed(&db, table, &due);
            if trigger.is_on && !handled && overdue > cx.limit(&QUEUED) {
                waiting.push((overdue, format!("{}.{}", db.name(), table.qualified())));
            }
        }
    }
    waiting.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    waiting.into_iter().map(|(_, name)| name).collect()
}

/// Twice the cost limit in force, up to the largest the server takes.
fn raised_limit(settings: &Settings) -> Option<Fix> {
    let own = settings.number("autovacuum_vacuum_cost_limit")?;
    let current = if own > 0.0 { own } else { settings.number("vacuum_cost_limit")? };
    if current >= 10_000.0 {
        return None;
    }
    let raised = (current * 2.0).clamp(1000.0, 10_000.0);
    let name = "autovacuum_vacuum_cost_limit";
    let fix = Fix::new(FixKind::Review, sql::alter_system(name, &format!("{raised:.0}"), false))
        .undone_by(sql::alter_system(name, &format!("{own:.0}"), false));
    Some(fix)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::{activity::Session, relation::Relation},
    };

    use super::*;
    use crate::pg::table::sample::{orders, with_more};
    use crate::testing::{ago, edit, findings, set, skipped};

    fn busy(workers: usize, waiting: i64) -> Snapshot {
        let late =
            |oid| Relation { oid, dead_rows: 400_100, last_autovacuum: ago(86_400), ..orders() };
        with_more((1..=waiting).map(late).collect(), |pg| {
            let worker = Session { backend_type: "autovacuum worker".into(), ..Session::default() };
            *edit(&mut pg.activity) = vec![worker; workers];
            set(pg, "autovacuum_vacuum_cost_limit", "-1", None);
            set(pg, "vacuum_cost_limit", "200", None);
        })
    }

    #[test]
    fn busy_workers_and_a_queue_are_a_warning() {
        let severity = |workers, waiting| {
            findings(&CHECK, &busy(workers, waiting)).first().map(|found| found.severity)
        };
        assert_eq!(severity(2, 3), None, "three wait for three workers");
        assert_eq!(severity(2, 4), Some(Severity::Warning));
        assert_eq!(severity(3, 1), Some(Severity::Warning));
        assert_eq!(severity(3, 0), Some(Severity::Info), "nobody waits");
    }

    #[test]
    fn the_cost_limit_comes_first() {
        let found = findings(&CHECK, &busy(3, 1));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements[0], "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = '1000';");
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = '-1';");
    }

    #[test]
    fn tables_that_passed_their_trigger_just_now_do_not_queue() {
        let mut snapshot = busy(0, 9);
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        for table in edit(&mut pg.by_database[0].relations) {
            table.last_autovacuum = ago(1200);
        }
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn is_skipped_without_activity() {
        let blind = with_more(vec![], |pg| {
            pg.activity = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Permission);
    }
}
