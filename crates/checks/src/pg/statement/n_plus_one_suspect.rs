//! A list, and for each of its rows one more statement.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::series::{Line, Series},
};

use super::load::LISTED;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::n_plus_one::{LEAST_INTERVALS, Pair, server::Keys},
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// A series of looks at the counters, judged as `dbvitals query n-plus-one` does.
pub static CHECK: Check = Check {
    id: "pg-n-plus-one-suspect",
    title: "N+1 suspect",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements", "window", "constraints"],
    uses: &[],
    thresholds: &[&REPEATS, &LOST],
    fix: None,
    explain: "\
## What it detects
A statement that looks rows up by a key is called for the rows that another statement, the list, returns; the two
tables are linked by a foreign key through exactly that key; same database, same role. While the window of
`--interval` is open, the calls and rows of all statements are read sixty times. How many rows a list returns varies
from one interval to the next, and only a statement that is called for them follows that chance: least squares tell
whether the rows of the list explain the calls of the lookup as nothing else does, be it the load, the calls of the
list or other lists. A call of the list is followed by at least `min_calls_per_list` calls, and one call for all of
its rows would save at least `min_lost_per_hour`. `dbvitals query n-plus-one` judges in the same way.

## Why it matters
For each row of a list the application asks the server once more. Every one of these calls costs a round trip:
a page of 50 rows waits 50 times for the network, and the more the data grows the slower it gets.

## How to fix
Ask once: join the table to the list, or fetch all keys of the list together with `= ANY ($1)`. Object mappers
call it eager loading (`includes`, `select_related`, `JOIN FETCH`).

## When to ignore
Loops that cannot know their keys beforehand. Counters do not see the code: look at what calls the list, or at the
order of the statements in the log.

## References
PostgreSQL documentation: pg_stat_statements; the guide's page on statements tells how pairs are told from what only
looks like one.
",
    run: Run::Postgres(run),
};

static REPEATS: Threshold = Threshold {
    key: "min_calls_per_list",
    unit: Unit::Count,
    default: 5.0,
    strict: Some(2.0),
    range: (2.0, 1e9),
    why: "a list of fewer rows saves too few round trips to be worth a change",
};

static LOST: Threshold = Threshold {
    key: "min_lost_per_hour",
    unit: Unit::PerHour,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a thousand round trips of a millisecond are one second in an hour: less was not worth finding",
};

/// What to do where a window was too short, or there was none.
const REMEDY: &str = "run with --interval 2m, or dbvitals query n-plus-one";

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    pg.statements()?;
    let (window, keys) = (pg.window(), Keys::of(pg));
    let series = window.ok().and_then(|window| window.series.as_ref()).ok_or_else(|| {
        Skip::not_asked(
            "needs many looks at the counters of statements within a window of a minute or more",
            REMEDY,
        )
    })?;
    if let Some(why) = keys.all_hidden() {
        return Err(why.clone());
    }
    if series.seconds.len() < LEAST_INTERVALS {
        return Err(too_few(series));
    }
    let pairs = keys.pairs(series).pairs;
    let mut found: Vec<Finding> = Vec::new();
    for pair in &pairs {
        // A lookup may follow several lists: one finding tells of the one that loses most.
        let is_told = |finding: &Finding| finding.subject == subject(pair.child);
        if is_worth_it(cx, pair, series) && !found.iter().any(is_told) {
            found.push(finding(cx, pair, &pairs, series));
        }
    }
    found.truncate(LISTED);
    Ok(found)
}

/// The window was short, or looks were dear and so made more rarely: how long it takes in that rhythm, with a margin.
fn too_few(series: &Series) -> Skip {
    let (intervals, seconds) = (series.seconds.len(), series.seconds.iter().sum::<f64>());
    let looks = (intervals + 1) as f64;
    let each = seconds / intervals.max(1) as f64;
    let minutes = (each * LEAST_INTERVALS as f64 * 1.25 / 60.0).ceil().max(2.0);
    Skip::not_asked(
        format!(
            "{looks} looks at the counters of statements, each {} of the server's time, do not tell cause from chance: \
             it takes {}",
            words::millis(series.server_ms / looks),
            LEAST_INTERVALS + 1,
        ),
        format!("run with --interval {minutes:.0}m, or dbvitals query n-plus-one"),
    )
}

fn name(line: &Line) -> String {
    line.query_id.to_string()
}

fn subject(child: &Line) -> Subject {
    match &child.database {
        Some(database) => Subject::within("statement", database, name(child)),
        None => Subject::new("statement", name(child)),
    }
}

fn is_worth_it(cx: &Context<'_>, pair: &Pair<'_>, series: &Series) -> bool {
    let child = name(pair.child);
    pair.repeats >= cx.limit_for(&REPEATS, &child)
        && pair.lost_per_hour(series) >= cx.limit_for(&LOST, &child)
}

fn text(line: &Line, length: usize) -> String {
    words::shorten(line.text.as_deref().unwrap_or("text hidden"), length)
}

fn finding(cx: &Context<'_>, pair: &Pair<'_>, all: &[Pair<'_>], series: &Series) -> Finding {
    let (child, parent) = (pair.child, pair.parent);
    let message = format!(
        "statement {} ({}) was called {} of the {} rows that statement {} ({}) returned",
        name(child),
        text(child, 60),
        pair.told(),
        words::count(pair.rows),
        name(parent),
        text(parent, 60),
    );
    let advice = format!(
        "Join {} to the list, or fetch all rows at once: {}.",
        pair.table(),
        pair.batched()
    );
    let lost = pair.lost_per_hour(series);
    let source = format!("pg_stat_statements, {} intervals", pair.intervals);
    let figure =
        |label: &str, value: f64, unit: Unit| Evidence::new(label, value, unit, source.clone());
    let child_name = name(child);
    let mut found = cx
        .finding(Severity::Warning, subject(child), message, advice)
        .with(Evidence::new("text", text(child, 1000), Unit::Text, "pg_stat_statements"))
        .with(Evidence::new("the list", text(parent, 1000), Unit::Text, "pg_stat_statements"))
        .with(Evidence::new("joined", pair.joined(), Unit::Text, "pg_constraint"))
        .with(figure("calls for each row of the list", pair.per_row, Unit::Factor))
        .with(
            figure("calls for each call of the list", pair.repeats, Unit::Count)
                .against(cx.limit_for(&REPEATS, &child_name)),
        )
        .with(figure("calls lost", lost, Unit::PerHour).against(cx.limit_for(&LOST, &child_name)))
        .with(figure("agreement", pair.correlation, Unit::Ratio))
        .with(Evidence::new(
            "mean time",
            child.mean_ms,
            Unit::Ms,
            "pg_stat_statements.total_exec_time",
        ))
        .with(Evidence::new(
            "window",
            series.seconds.iter().sum::<f64>(),
            Unit::Seconds,
            "the clock here",
        ));
    let others =
        all.iter().filter(|it| std::ptr::eq(it.child, child) && !std::ptr::eq(it.parent, parent));
    let others: Vec<String> = others.map(|it| name(it.parent)).collect();
    if !others.is_empty() {
        found = found.with(Evidence::new(
            "called for these lists, too",
            others.join(", "),
            Unit::Text,
            source.clone(),
        ));
    }
    let alike: Vec<String> = pair.alternatives.iter().map(|line| name(line)).collect();
    if !alike.is_empty() {
        found = found.with(Evidence::new(
            "or for a list that goes with it",
            alike.join(", "),
            Unit::Text,
            source.clone(),
        ));
    }
    found.promising(format!("about {} fewer calls an hour", words::count(lost)))
}

#[cfg(test)]
mod tests;
