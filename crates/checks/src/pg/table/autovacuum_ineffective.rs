//! Vacuums that come and leave the dead rows where they are.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Unit, pg::relation::Relation};

use super::{
    horizon::{Holder, holders},
    ordinary::{last_vacuum, on_primary, stored, subject},
    trigger::{Rules, changed_in_window},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::DatabaseView,
    words,
};

/// Tables vacuumed lately that still hold more dead rows than start a vacuum.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-ineffective",
    title: "Autovacuum ineffective",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "settings", "activity"],
    uses: &["prepared_transactions", "slots", "replicas", "window"],
    thresholds: &[&SURVIVED, &MIN_ROWS],
    fix: None::<FixKind>,
    explain: "\
## What it detects
A table with more than `min_dead_rows` dead rows, beyond its own trigger, right after a vacuum: either the
vacuum ran while somebody held an older snapshot, so that it could remove nothing (the holder is named), or a
vacuum ended within the observed window and more than `survived_ratio` of the dead rows are older than the window.

## Why it matters
Vacuum comes again every minute, reads the whole table, and removes nothing: I/O without result, while the
table grows.

## How to fix
End what holds the horizon: the transaction, the abandoned slot, the prepared transaction, the standby's query.
No setting of autovacuum helps before that.

## When to ignore
During a long dump or report that is known and will end.

## References
PostgreSQL documentation: Routine Vacuuming, Recovering Disk Space; `pg_stat_activity.backend_xmin`.
",
    run: Run::Database(run),
};

static SURVIVED: Threshold = Threshold {
    key: "survived_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "a healthy vacuum removes nine tenths and more of what was dead when it began",
};

static MIN_ROWS: Threshold = Threshold {
    key: "min_dead_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "fewer dead rows fill a few hundred pages, which costs nothing anybody would notice",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, settings) = (db.relations()?, db.server().settings()?);
    let (holders, _) = (holders(&db.server())?, db.server().window());
    on_primary(db)?;
    let rules = Rules::of(settings)?;
    let mut found = Vec::new();
    for table in stored(relations) {
        let name = table.qualified();
        let dead = table.dead_rows as f64;
        let trigger = rules.for_table(table);
        if dead <= cx.limit_for(&MIN_ROWS, &name) || dead <= trigger.vacuum {
            continue;
        }
        let holder = in_the_way(db, &holders, table);
        let survived =
            survived_in_window(db, table).filter(|share| *share > cx.limit_for(&SURVIVED, &name));
        if holder.is_none() && survived.is_none() {
            continue;
        }
        let mut finding = finding(db, cx, table, holder, survived)
            .with(
                Evidence::new("dead rows", dead, Unit::Count, "pg_stat_all_tables.n_dead_tup")
                    .against(cx.limit_for(&MIN_ROWS, &name).max(trigger.vacuum)),
            )
            .with(Evidence::new(
                "time since the last vacuum",
                db.server().seconds_since(last_vacuum(table)).unwrap_or_default(),
                Unit::Seconds,
                "pg_stat_all_tables",
            ));
        if let Some(share) = survived {
            finding = finding.with(
                Evidence::new("dead rows that survived", share, Unit::Ratio, "the observed window")
                    .against(cx.limit_for(&SURVIVED, &name)),
            );
        }
        found.push(finding);
    }
    Ok(found)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    holder: Option<&Holder>,
    survived: Option<f64>,
) -> Finding {
    let (name, dead) = (table.qualified(), words::count(table.dead_rows as f64));
    let why = match (holder, survived) {
        (Some(holder), _) => format!("{} holds them", holder.description),
        (None, Some(share)) => format!("{} of them had been there before", words::percent(share)),
        (None, None) => "nothing was cleaned".to_owned(),
    };
    let advice = if holder.is_some() {
        "End what holds the horizon; until then no vacuum can remove these rows."
    } else {
        "See in the log (log_autovacuum_min_duration) what the vacuum skipped: pins, or an old horizon."
    };
    let found = cx.finding(
        Severity::Warning,
        subject(db, table),
        format!("a vacuum of {name} left {dead} dead rows: {why}"),
        advice,
    );
    match holder {
        Some(holder) => found
            .with(Evidence::new(
                "holder",
                holder.description.clone(),
                Unit::Text,
                "pg_stat_activity, slots, prepared transactions, standbys",
            ))
            .with(Evidence::new(
                "transactions since",
                holder.held_xids,
                Unit::Xids,
                "age of its snapshot",
            )),
        None => found,
    }
}

/// The oldest holder that was there before the table's last vacuum began to look.
fn in_the_way<'a>(
    db: &DatabaseView<'_>,
    holders: &'a [Holder],
    table: &Relation,
) -> Option<&'a Holder> {
    let since = db.server().seconds_since(last_vacuum(table))?;
    holders.iter().find(|holder| {
        let older = holder.held_seconds.is_some_and(|held| held > since);
        older && holder.held_xids > 0 && holder.affects(db.name())
    })
}

/// Of the dead rows there are now, the share that was dead before the window, if a vacuum ended in it: what is left,
/// less all that died since.
fn survived_in_window(db: &DatabaseView<'_>, table: &Relation) -> Option<f64> {
    let window = db.server().window().ok()?;
    let changed = changed_in_window(db, table)?;
    let since = db.server().seconds_since(last_vacuum(table))?;
    if changed.vacuums + changed.autovacuums < 1 || since > window.seconds {
        return None;
    }
    let left = table.dead_rows as f64;
    let made = (changed.updates + changed.deletes).max(0) as f64;
    (left > 0.0).then(|| (left - made).max(0.0) / left)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section,
        pg::{PgSnapshot, activity::Session, window::Window},
    };

    use super::*;
    use crate::pg::table::sample::{orders, with_more};
    use crate::testing::{ago, edit, findings, skipped};

    fn vacuumed() -> Relation {
        Relation { dead_rows: 300_000, last_autovacuum: ago(60), ..orders() }
    }

    fn reader(seconds: i64, database: &str) -> Session {
        Session {
            pid: 4711,
            user: Some("report".into()),
            database: Some(database.into()),
            backend_type: "client backend".into(),
            state: Some("idle in transaction".into()),
            transaction_started_at: ago(seconds),
            xmin_age: Some(5000),
            ..Session::default()
        }
    }

    #[test]
    fn names_the_transaction_that_was_there_before_the_vacuum() {
        let found = |seconds, database| {
            let held =
                |pg: &mut PgSnapshot| *edit(&mut pg.activity) = vec![reader(seconds, database)];
            findings(&CHECK, &with_more(vec![vacuumed()], held))
        };
        let named = found(61, "app");
        assert!(named[0].message.contains("session 4711 of report in app"), "{}", named[0].message);
        assert!(found(60, "app").is_empty(), "began after the vacuum");
        assert!(found(61, "other").is_empty(), "another database's sessions hold nothing here");
    }

    #[test]
    fn dead_rows_at_the_trigger_are_not_its_business() {
        let table = Relation { dead_rows: 200_050, ..vacuumed() };
        let held = |pg: &mut PgSnapshot| *edit(&mut pg.activity) = vec![reader(600, "app")];
        assert!(findings(&CHECK, &with_more(vec![table], held)).is_empty());
    }

    #[test]
    fn a_vacuum_within_the_window_must_have_cleaned() {
        let after = |deletes| {
            with_more(vec![vacuumed()], |pg| {
                let changed = Relation { oid: 1, autovacuums: 1, deletes, ..Relation::default() };
                pg.window = Section::collected(Window {
                    seconds: 120.0,
                    relations: vec![("app".into(), vec![changed])],
                    ..Window::default()
                });
            })
        };
        assert_eq!(findings(&CHECK, &after(269_999)).len(), 1);
        assert!(findings(&CHECK, &after(270_000)).is_empty(), "nine tenths died in the window");
    }

    #[test]
    fn is_skipped_without_activity() {
        let blind = with_more(vec![], |pg| {
            pg.activity = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(skipped(&CHECK, &blind).0.reason, Reason::Permission);
    }
}
