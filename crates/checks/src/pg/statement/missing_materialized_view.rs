//! Heavy summaries computed again and again over tables that hardly change.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Unit,
    pg::{relation::Relation, statement::Statement},
};
use dbvitals_query::{Class, Statement as Parsed};

use super::load::{self, LISTED, Load, mean_ms, per_call};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::table::ordinary::rows,
    skip::Judged,
    view::{DatabaseView, PgView},
    words,
};

/// Time spent on a summary against the changes of the tables it reads.
pub static CHECK: Check = Check {
    id: "pg-missing-materialized-view",
    title: "Summary computed again and again",
    topic: Topic::Schema,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["relations"],
    thresholds: &[&CALLS, &MEAN, &TIME_RATIO, &ROWS, &CHANGES],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
A statement that groups or aggregates, with at least `min_calls` calls of at least `min_mean_ms` that together
take more than `min_time_ratio` of all execution time, and answers at most `max_rows_per_call` rows, while the
rows written to the tables it reads are at most `max_daily_change_ratio` of their rows a day. All its tables must
be known by name.

## Why it matters
The same rows are read and added up for every caller, and the answer has hardly changed since the last.

## How to fix
Keep the answer: a materialised view refreshed when the data changed or every few minutes
(`REFRESH MATERIALIZED VIEW CONCURRENTLY` needs a unique index on it), a summary table kept by the writer, or a
cache in the application. First make sure that no index makes it cheap enough.

## When to ignore
Where the answer must include the last second, or each caller asks with parameters of their own.

## References
PostgreSQL documentation: Materialized Views; REFRESH MATERIALIZED VIEW.
",
    run: Run::Postgres(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (2.0, 1e9),
    why: "what is asked rarely need not be kept",
};

static MEAN: Threshold = Threshold {
    key: "min_mean_ms",
    unit: Unit::Ms,
    default: 500.0,
    strict: None,
    range: (1.0, 3_600_000.0),
    why: "below half a second the refreshes and the staleness cost more than they save",
};

static TIME_RATIO: Threshold = Threshold {
    key: "min_time_ratio",
    unit: Unit::Ratio,
    default: 0.05,
    strict: None,
    range: (0.0, 1.0),
    why: "one part in twenty of all the server does is worth an object of its own",
};

static ROWS: Threshold = Threshold {
    key: "max_rows_per_call",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a summary is small; an export is not",
};

static CHANGES: Threshold = Threshold {
    key: "max_daily_change_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 100.0),
    why: "with a tenth of the rows new each day, an answer of some minutes ago is close to today's",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let statements = pg.statements()?;
    let databases: Vec<_> = pg
        .by_database()
        .map(|db| {
            let relations = db.relations();
            (db, relations)
        })
        .collect();
    // Changes a day need days: what a window saw says little of them.
    let load = Load::since_reset(pg, statements)?;
    let mut found = Vec::new();
    for statement in load.by(|s| s.total_exec_time_ms).filter(|s| is_heavy(cx, &load, s)) {
        let here =
            databases.iter().find(|(db, _)| statement.database.as_deref() == Some(db.name()));
        let Some((db, Ok(relations))) = here else { continue };
        let Some(tables) = summarised(statement, relations) else { continue };
        let Some(ratio) = daily_change_ratio(db, &tables) else { continue };
        if ratio <= cx.limit_for(&CHANGES, &load::name(statement)) {
            found.push(finding(cx, &load, statement, &tables, ratio));
        }
    }
    found.truncate(LISTED);
    Ok(found)
}

fn is_heavy(cx: &Context<'_>, load: &Load, statement: &Statement) -> bool {
    let name = load::name(statement);
    statement.calls as f64 >= cx.limit_for(&CALLS, &name)
        && mean_ms(statement) >= cx.limit_for(&MEAN, &name)
        && load.time_ratio(statement.total_exec_time_ms) > cx.limit_for(&TIME_RATIO, &name)
        && per_call(statement, statement.rows as f64) <= cx.limit_for(&ROWS, &name)
}

/// The tables a summary reads; `None` where it is none, or a table is not known (a view, a catalogue, another
/// database's).
fn summarised<'a>(statement: &Statement, relations: &'a [Relation]) -> Option<Vec<&'a Relation>> {
    let parsed = Parsed::parse(statement.text.as_deref()?).ok()?;
    if parsed.classify().class != Class::Aggregate {
        return None;
    }
    let known = |name: &dbvitals_query::TableName| {
        let mut named = relations.iter().filter(|table| name.may_be(&table.schema, &table.name));
        let first = named.next()?;
        // Two tables of that name: the search path decides, which we do not know.
        named.next().is_none().then_some(first)
    };
    let tables: Option<Vec<_>> = parsed.tables().iter().map(known).collect();
    tables.filter(|tables| !tables.is_empty() && tables.iter().all(|table| table.kind == "r"))
}

/// Rows written a day, as a share of the rows there are; `None` where the statistics cover less than a day.
fn daily_change_ratio(db: &DatabaseView<'_>, tables: &[&Relation]) -> Option<f64> {
    let days = db.statistics_age_days().filter(|days| *days >= 1.0)?;
    let written: i64 = tables.iter().map(|t| t.inserts + t.updates + t.deletes).sum();
    let there: f64 = tables.iter().map(|table| rows(table)).sum();
    (there > 0.0 && written >= 0).then(|| written as f64 / days / there)
}

fn finding(
    cx: &Context<'_>,
    load: &Load,
    statement: &Statement,
    tables: &[&Relation],
    ratio: f64,
) -> Finding {
    let name = load::name(statement);
    let names: Vec<_> = tables.iter().map(|table| table.qualified()).collect();
    let names = names.join(", ");
    let mean = mean_ms(statement);
    let often =
        load.seconds().filter(|seconds| *seconds > 0.0).map_or_else(String::new, |seconds| {
            format!(" every {}", words::seconds(seconds / statement.calls.max(1) as f64))
        });
    let problem = format!(
        "sums up {names} anew{often}, for {} each time, while {} of the rows change a day",
        words::millis(mean),
        words::percent(ratio)
    );
    let found = load
        .finding(
            cx,
            Severity::Info,
            statement,
            &problem,
            "Look for an index first; then keep the answer in a materialised view or a cache.",
        )
        .with(
            Evidence::new(
                "rows per call",
                per_call(statement, statement.rows as f64),
                Unit::Count,
                load.source("rows"),
            )
            .against(cx.limit_for(&ROWS, &name)),
        )
        .with(
            Evidence::new(
                "rows changed a day",
                ratio,
                Unit::Ratio,
                "pg_stat_user_tables, since the reset",
            )
            .against(cx.limit_for(&CHANGES, &name)),
        )
        .promising(format!(
            "up to {} of all execution time",
            words::percent(load.time_ratio(statement.total_exec_time_ms))
        ));
    let found = load::held_against(found, "mean time", cx.limit_for(&MEAN, &name));
    let found =
        load::held_against(found, "share of all execution time", cx.limit_for(&TIME_RATIO, &name));
    // With parameters in it the text is no definition.
    match statement.text.as_deref().filter(|text| !text.contains('$') && !text.contains(';')) {
        Some(text) => found.fixed_by(
            Fix::new(
                FixKind::Manual,
                [format!(
                    "CREATE MATERIALIZED VIEW kept_{} AS {text};",
                    name.trim_start_matches('-')
                )],
            )
            .locking("AccessShareLock", format!("DDL on {names} while it is filled"))
            .undone_by([format!("DROP MATERIALIZED VIEW kept_{};", name.trim_start_matches('-'))]),
        ),
        None => found,
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::TargetData;

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing::{self, app, edit},
    };

    const TEXT: &str = "select state, count(*) from orders group by state";

    fn found(change: impl FnOnce(&mut Statement, &mut Relation)) -> Vec<Finding> {
        let mut summary = Statement {
            text: Some(TEXT.into()),
            calls: 200,
            rows: 1000,
            total_exec_time_ms: 200_000.0,
            mean_exec_time_ms: 1000.0,
            ..statement()
        };
        let mut table = Relation {
            schema: "public".into(),
            name: "orders".into(),
            kind: "r".into(),
            row_estimate: 1e6,
            // A hundred thousand a day for sixty days.
            inserts: 6_000_000,
            ..Relation::default()
        };
        change(&mut summary, &mut table);
        let mut snapshot = with(vec![summary]);
        let TargetData::Postgres(pg) = &mut snapshot.targets[0].data else { unreachable!() };
        *edit(&mut app(pg).relations) = vec![table];
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn fires_and_offers_the_view() {
        let one = found(|_, _| {}).remove(0);
        assert_eq!(one.severity, Severity::Info);
        assert!(
            one.message.contains("sums up public.orders anew every 5 s, for 1 s each time"),
            "{}",
            one.message
        );
        let fix = one.fix.unwrap();
        assert_eq!(fix.statements, [format!("CREATE MATERIALIZED VIEW kept_42 AS {TEXT};")]);
        let with_parameter = found(|s, _| s.text = Some(format!("{TEXT} having count(*) > $1")));
        assert!(with_parameter[0].fix.is_none());
    }

    #[test]
    fn every_threshold_has_two_sides() {
        assert_eq!(found(|_, table| table.inserts = 6_000_001).len(), 0);
        assert_eq!(
            found(|_, table| table.updates = -7_000_000).len(),
            0,
            "a counter that makes no sense"
        );
    }

    #[test]
    fn light_large_and_unknown_ones_are_silent() {
        assert!(
            found(|s, _| {
                s.calls = 401;
            })
            .is_empty(),
            "below half a second"
        );
        assert_eq!(
            found(|s, _| {
                s.calls = 400;
            })
            .len(),
            1
        );
        assert!(
            found(|s, _| {
                s.calls = 49;
                s.rows = 49;
            })
            .is_empty()
        );
        assert!(
            found(|s, _| {
                s.rows = 200_001;
            })
            .is_empty()
        );
        assert_eq!(
            found(|s, _| {
                s.rows = 200_000;
            })
            .len(),
            1
        );
        assert!(
            found(|s, _| {
                s.total_exec_time_ms = 50_500.0;
                s.calls = 50;
                s.rows = 50;
            })
            .is_empty(),
            "5 % exactly"
        );
        assert!(
            found(|s, _| s.text = Some("select * from orders".into())).is_empty(),
            "no summary"
        );
        assert!(found(|s, _| s.text = Some("select count(*) from others".into())).is_empty());
        assert!(found(|_, table| table.kind = "m".into()).is_empty(), "kept already");
        assert!(found(|_, table| table.row_estimate = 0.0).is_empty());
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
