//! Statements that return more rows than a client can want.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Rows per call of reading statements.
pub static CHECK: Check = Check {
    id: "pg-statement-many-rows",
    title: "Statement returns many rows",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&ROWS, &CALLS],
    fix: None,
    explain: "\
## What it detects
Reading statements with at least `min_calls` calls that return more than `max_rows` rows per call.

## Why it matters
Nobody looks at ten thousand rows: the client filters or adds up what the server could, after it was
all sent over the network and held in memory.

## How to fix
Filter and aggregate in SQL, fetch in pages by key (not by `OFFSET`), and add the `LIMIT` that the
screen has anyway.

## When to ignore
Exports and feeds. Writes and `COPY` are never reported.

## References
PostgreSQL documentation: pg_stat_statements; LIMIT and OFFSET.
",
    run: Run::Postgres(run),
};

static ROWS: Threshold = Threshold {
    key: "max_rows",
    unit: Unit::Count,
    default: 10_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "far more than a page, a chart or a drop-down list can show",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a query somebody tried a few times is not part of the workload",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.rows as f64).filter_map(|statement| {
        let name = load::name(statement);
        let rows = per_call(statement, statement.rows as f64);
        let few = (statement.calls as f64) < cx.limit_for(&CALLS, &name);
        let many = rows > cx.limit_for(&ROWS, &name);
        (many && !few && command::is_read(statement.text.as_deref())).then(|| {
            let problem = format!("returns {} rows per call", words::count(rows));
            let advice = "Filter and aggregate in SQL, and fetch in pages by key.";
            load.finding(cx, Severity::Info, statement, &problem, advice).with(
                Evidence::new("rows per call", rows, Unit::Count, load.source("rows"))
                    .against(cx.limit_for(&ROWS, &name)),
            )
        })
    });
    Ok(found.take(LISTED).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pg::statement::Statement;

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(rows: i64, calls: i64, text: &str) -> usize {
        let many = Statement { rows, calls, text: Some(text.into()), ..statement() };
        testing::findings(&CHECK, &with(vec![many])).len()
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(found(100_000, 10, "select 1"), 0, "10,000 exactly");
        assert_eq!(found(100_001, 10, "select 1"), 1);
        assert_eq!(found(100_001, 9, "select 1"), 0);
    }

    #[test]
    fn exports_and_bulk_writes_have_many_rows_by_nature() {
        for text in ["copy t to stdout", "insert into t select * from u", "FETCH 20000 FROM c"] {
            assert_eq!(found(1_000_000, 10, text), 0, "{text}");
        }
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
