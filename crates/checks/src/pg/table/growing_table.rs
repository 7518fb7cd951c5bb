//! Tables that grow faster than they did before.

use dbvitals_model::{
    Evidence, Finding, Reason, Severity, Unavailable, Unit, pg::relation::Relation,
};

use super::{
    ordinary::{on_primary, rows, stored, subject, with_age},
    trigger::{changed_in_window, exists_for_seconds},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    eta::{self, Needs, Pace},
    skip::{Judged, Skip},
    view::DatabaseView,
    words,
};

const DAY: f64 = 86_400.0;

/// Rows added in the window against the rows added since statistics began.
pub static CHECK: Check = Check {
    id: "pg-growing-table",
    title: "Growing table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["relations", "databases", "window"],
    uses: &["growth"],
    thresholds: &[&FACTOR, &DAILY, &MIN_SIZE, &MIN_WINDOW],
    fix: None,
    explain: "\
## What it detects
A table of at least `min_size_bytes` that, in an observed window of at least `min_window_seconds`, gained rows (inserted
less deleted) at a pace of more than `daily_ratio` of its rows a day. Where that is more than `trend_factor` times its own
pace since statistics began, it is a warning, otherwise information. The evidence says when it will be twice as large.

## Why it matters
Sudden growth is a loop, a job run twice, or a clean-up that stopped; steady growth says when the disk is full and when
to partition.

## How to fix
Find the statement that inserts and the one that no longer deletes. Plan retention or partitions for steady growth.

## When to ignore
During a known load.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_all_tables`.
",
    run: Run::Database(run),
};

static FACTOR: Threshold = Threshold {
    key: "trend_factor",
    unit: Unit::Factor,
    default: 3.0,
    strict: Some(2.0),
    range: (1.0, 1000.0),
    why: "an ordinary working hour is up to three times the average hour of a week",
};

static DAILY: Threshold = Threshold {
    key: "daily_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 100.0),
    why: "at a twentieth a day a table doubles within three weeks",
};

static MIN_SIZE: Threshold = Threshold {
    key: "min_size_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a small table may grow as it likes",
};

static MIN_WINDOW: Threshold = Threshold {
    key: "min_window_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 604_800.0),
    why: "in less than an hour any batch looks like growth",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, window) = (db.relations()?, db.server().window());
    let growth = db.server().growth().ok();
    db.stats()?;
    on_primary(db)?;
    let seconds = window.map_err(|_| longer(cx))?.seconds;
    if seconds <= 0.0 || seconds < cx.limit_for(&MIN_WINDOW, db.name()) {
        return Err(longer(cx));
    }
    let Some(age) = db.statistics_age_days().filter(|days| *days > 0.0) else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for table in stored(relations).filter(|table| !table.is_locked) {
        let name = table.qualified();
        let Some(changed) = changed_in_window(db, table) else { continue };
        let now = gained(changed) / seconds * DAY;
        // What came before the window; the window itself must not be part of its own trend.
        let Some(days) = trend_days(db, table, age) else { continue };
        let before = (gained(table) - gained(changed)) / (days - seconds / DAY).max(1.0);
        let share = now / rows(table).max(1.0);
        let large = table.total_bytes() as f64 >= cx.limit_for(&MIN_SIZE, &name);
        if !large || share <= cx.limit_for(&DAILY, &name) {
            continue;
        }
        let sudden = now > cx.limit_for(&FACTOR, &name) * before.max(0.0);
        let finding = cx
            .finding(
                if sudden { Severity::Warning } else { Severity::Info },
                subject(db, table),
                format!(
                    "{name} grows by {} rows a day now ({} of its rows), {} a day before",
                    words::count(now),
                    words::percent(share),
                    words::count(before)
                ),
                "Find what inserts more, or what no longer deletes; plan retention or partitions.",
            )
            .with(
                Evidence::new("share of its rows a day", share, Unit::Ratio, "the observed window")
                    .against(cx.limit_for(&DAILY, &name)),
            )
            .with(Evidence::new("rows a day now", now, Unit::Count, "the observed window"))
            .with(Evidence::new("rows a day before", before, Unit::Count, "pg_stat_all_tables"))
            .with(Evidence::new("window", seconds, Unit::Seconds, "two looks at the counters"))
            .with(Evidence::new(
                "size",
                table.total_bytes(),
                Unit::Bytes,
                "pg_total_relation_size",
            ));
        let finding = doubling(finding, db, table, gained(changed), seconds);
        let bytes = growth.and_then(|growth| growth.of_table(db.name(), table.oid));
        let finding = match bytes {
            Some(bytes) => finding.with(Evidence::new(
                "growth in the window",
                bytes,
                Unit::Bytes,
                "pg_total_relation_size twice",
            )),
            None => finding,
        };
        found.push(with_age(finding, db));
    }
    Ok(found)
}

/// When it will hold twice the rows.
fn doubling(
    finding: Finding,
    db: &DatabaseView<'_>,
    table: &Relation,
    gained: f64,
    seconds: f64,
) -> Finding {
    let pace = Pace { grown: gained, seconds, steps: gained };
    let enough = Needs { seconds: 0.0, steps: 1_000.0 };
    match eta::eta(rows(table), pace, enough) {
        Some(date) => finding.with(Evidence::new(
            "twice as large between",
            date.dates(db.server().now()),
            Unit::Text,
            "the observed window",
        )),
        None => finding,
    }
}

fn gained(table: &Relation) -> f64 {
    (table.inserts - table.deletes) as f64
}

/// The days its rows came in: those of the statistics, if it is older than they are; else at least those since
/// its creation, so that a young table is not held against days before it was there.
fn trend_days(db: &DatabaseView<'_>, table: &Relation, statistics: f64) -> Option<f64> {
    if rows(table) > 1.5 * gained(table) {
        return Some(statistics);
    }
    Some(exists_for_seconds(db, table)? / DAY).map(|days| days.min(statistics))
}

fn longer(cx: &Context<'_>) -> Skip {
    let seconds = cx.limit(&MIN_WINDOW);
    Skip(Unavailable::with_remedy(
        Reason::NotAsked,
        format!("growth shows in two looks at least {} apart", words::seconds(seconds)),
        format!("run with --since SNAPSHOT, or with --interval {seconds:.0}s"),
    ))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, Snapshot, pg::window::Window};

    use super::*;
    use crate::pg::table::sample::{orders, with, with_more};
    use crate::testing::{ago, edit, findings, skipped};

    /// 20 days of statistics over a table that is older.
    fn growing(before: i64, in_hour: i64, seconds: f64) -> Snapshot {
        let table = Relation { inserts: before + in_hour, index_bytes: 1_073_741_824, ..orders() };
        with_more(vec![table], |pg| {
            edit(&mut pg.databases)[0].stats_reset = ago(20 * 86_400);
            let changed = Relation { oid: 1, inserts: in_hour, ..Relation::default() };
            pg.window = Section::collected(Window {
                seconds,
                relations: vec![("app".into(), vec![changed])],
                ..Window::default()
            });
        })
    }

    fn judge(before: i64, in_hour: i64) -> Vec<Finding> {
        findings(&CHECK, &growing(before, in_hour, 3600.0))
    }

    #[test]
    fn the_daily_share_has_two_sides() {
        // 50,000 rows a day are a twentieth of a million; 2,084 an hour are more.
        assert!(judge(600_000, 2_083).is_empty());
        assert_eq!(judge(600_000, 2_084).len(), 1);
    }

    #[test]
    fn more_than_three_times_its_own_pace_is_a_warning() {
        // 600,000 rows in 20 days less an hour; three times their pace is 3,757.8 an hour.
        assert_eq!(judge(600_000, 3_757)[0].severity, Severity::Info);
        assert_eq!(judge(600_000, 3_759)[0].severity, Severity::Warning);
    }

    #[test]
    fn a_young_table_is_not_held_against_days_before_it_was_there() {
        // All rows came since statistics began, within 3.9 days at the least: 256,000 a day.
        assert_eq!(judge(1_000_000, 30_000)[0].severity, Severity::Info);
    }

    #[test]
    fn small_tables_and_deletes_are_silent() {
        assert!(judge(1_000_000, -9_000).is_empty());
        let table = Relation { inserts: 9_000_000, heap_bytes: 1000, ..orders() };
        let mut snapshot = growing(0, 9_000_000, 3600.0);
        let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
            unreachable!()
        };
        *edit(&mut pg.by_database[0].relations) = vec![table];
        assert!(findings(&CHECK, &snapshot).is_empty());
    }

    #[test]
    fn an_hour_must_have_been_observed() {
        assert_eq!(skipped(&CHECK, &growing(0, 9_000_000, 3599.0)).0.reason, Reason::NotAsked);
        let none = with_more(vec![orders()], |pg| pg.window = Section::default());
        assert_eq!(skipped(&CHECK, &none).0.reason, Reason::NotAsked);
        assert_eq!(
            skipped(&CHECK, &with(vec![])).0.reason,
            Reason::NotAsked,
            "a window of nothing"
        );
    }
}
