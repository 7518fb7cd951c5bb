//! Classes of statements that take longer than their target.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, pg::statement::Statement};
use dbvitals_query::Class;

use super::{
    class,
    load::{self, Load, MIN_BUSY, mean_ms, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// Mean execution time against the target of the statement's class.
pub static CHECK: Check = Check {
    id: "pg-statement-over-class-target",
    title: "Statements over the target of their class",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[
        &class::SIMPLE_READ,
        &class::JOIN,
        &class::WRITE,
        &class::BULK,
        &CALLS,
        &ROWS,
        &MIN_BUSY,
    ],
    fix: None,
    explain: "\
## What it detects
Each statement is put into a class by parsing its text with PostgreSQL's own grammar, and its mean execution
time is held against the target of the class: `simple_read_mean_ms` for reads of one table, `join_mean_ms` for
reads of several, `write_mean_ms` for writes of rows picked by value, `bulk_mean_ms` for writes of many rows.
One finding per class lists the statements over its target that have at least `min_calls` calls and keep one
session busy for at least `min_busy_ratio` of the time. Simple reads that answer more than `max_rows_per_call`
rows are left out: what they cost is the rows. Aggregates have no target; pg-slow-statement judges them.

## Why it matters
A hundred milliseconds are fine for a report and ruin a page that looks up thirty rows one by one. What is slow
depends on what a statement does.

## How to fix
Begin with the statement that takes the most time: run `EXPLAIN (ANALYZE, BUFFERS)` with real parameters. A
simple read over its target lacks an index or reads from disk; a write waits for locks, has many indexes or
triggers to serve, or finds its rows without an index.

## When to ignore
Batch jobs nobody waits for: set the threshold of the class for their query id.

## References
PostgreSQL documentation: pg_stat_statements; the guide's page on statement classes.
",
    run: Run::Postgres(run),
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 50.0,
    strict: None,
    range: (1.0, 1e9),
    why: "fewer calls are a person at a prompt or a nightly job, and their mean says little",
};

static ROWS: Threshold = Threshold {
    key: "max_rows_per_call",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a thousand rows are more than a page shows; to send more takes longer than to find them",
};

/// Statements named in one finding.
const NAMED: usize = 5;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let worth: Vec<(Class, &Statement)> = load
        .by(|s| s.total_exec_time_ms)
        .filter(|s| is_worth(cx, &load, s))
        .map(|s| (class::of(s).class, s))
        .collect();
    let found = Class::ALL.into_iter().filter_map(|class| {
        let target = class::target(class)?;
        let of_class = worth.iter().filter(|(of, _)| *of == class).map(|(_, s)| *s);
        let over = |s: &&Statement| mean_ms(s) > cx.limit_for(target, &load::name(s));
        let few_rows = |s: &&Statement| {
            let rows = per_call(s, s.rows as f64);
            class != Class::SimpleRead || rows <= cx.limit_for(&ROWS, &load::name(s))
        };
        let over: Vec<_> = of_class.filter(over).filter(few_rows).collect();
        let first = over.first()?;
        Some(finding(cx, &load, class, target, &over, first))
    });
    Ok(found.collect())
}

fn is_worth(cx: &Context<'_>, load: &Load, statement: &Statement) -> bool {
    let name = load::name(statement);
    statement.calls as f64 >= cx.limit_for(&CALLS, &name)
        && load.is_busy(cx, statement.total_exec_time_ms, &name)
}

fn finding(
    cx: &Context<'_>,
    load: &Load,
    class: Class,
    target: &Threshold,
    over: &[&Statement],
    first: &Statement,
) -> Finding {
    let limit = cx.limit(target);
    let kind = class.as_str();
    let text = first.text.as_deref().unwrap_or_default();
    let (count, verb) = match over.len() {
        1 => ("one".to_owned(), "takes"),
        several => (several.to_string(), "take"),
    };
    let message = format!(
        "{count} {kind} statement{} {verb} longer than {} on average; the one with the most time, {} ({}), takes {}",
        if over.len() == 1 { "" } else { "s" },
        words::millis(limit),
        load::name(first),
        words::shorten(text, 60),
        words::millis(mean_ms(first)),
    );
    let time: f64 = over.iter().map(|s| s.total_exec_time_ms).sum();
    let calls: i64 = over.iter().map(|s| s.calls).sum();
    let found = cx
        .finding(Severity::Warning, Subject::new("class", kind), message, advice(class))
        .with(Evidence::new(
            "statements over the target",
            over.len() as f64,
            Unit::Count,
            load.source("mean_exec_time"),
        ))
        .with(Evidence::new("their calls", calls, Unit::Count, load.source("calls")))
        .with(Evidence::new(
            "their share of all execution time",
            load.time_ratio(time),
            Unit::Ratio,
            load.source("total_exec_time"),
        ));
    over.iter().take(NAMED).fold(found, |found, s| {
        let name = load::name(s);
        let database = s.database.as_deref().unwrap_or("?");
        let short = words::shorten(s.text.as_deref().unwrap_or_default(), 80);
        let label = format!("mean time of {name} in {database}: {short}");
        found.with(
            Evidence::new(label, mean_ms(s), Unit::Ms, load.source("mean_exec_time"))
                .against(cx.limit_for(target, &name)),
        )
    })
}

fn advice(class: Class) -> &'static str {
    match class {
        Class::SimpleRead => {
            "Run EXPLAIN (ANALYZE, BUFFERS) on the first: look for a missing index, then for reads from disk."
        }
        Class::Join => {
            "Run EXPLAIN (ANALYZE, BUFFERS) on the first: index what it joins by, and check the row estimates."
        }
        Class::Write => {
            "Look whether it waits for locks; then for an index that finds its rows, and for indexes and triggers it need not serve."
        }
        _ => "Write in smaller batches, each in a transaction of its own.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Settings,
        pg::statement::sample::{in_window, statement, with, without_statements},
        settings::Profile,
        testing,
    };

    /// A statement whose mean is that, busy enough to matter.
    fn taking(text: &str, mean: f64, calls: i64) -> Statement {
        let total_exec_time_ms = mean * calls as f64;
        let text = Some(text.to_owned());
        Statement {
            text,
            calls,
            rows: calls,
            total_exec_time_ms,
            mean_exec_time_ms: mean,
            ..statement()
        }
    }

    fn found(statement: Statement) -> Option<String> {
        testing::findings(&CHECK, &with(vec![statement])).first().map(|found| found.key.clone())
    }

    const READ: &str = "select * from orders where customer = $1";
    const JOINED: &str = "select * from a join b using (id)";
    const WROTE: &str = "update a set b = $1 where id = $2";
    const MANY: &str = "insert into a select * from b";

    #[test]
    fn every_class_has_its_target_with_two_sides() {
        for (text, class, limit) in [
            (READ, "simple read", 10.0),
            (JOINED, "join", 100.0),
            (WROTE, "write", 50.0),
            (MANY, "bulk", 1000.0),
        ] {
            assert_eq!(found(taking(text, limit, 2000)), None, "{class} at its target");
            let key = format!("pg-statement-over-class-target@main/class:{class}");
            assert_eq!(found(taking(text, limit + 0.1, 2000)), Some(key));
        }
    }

    #[test]
    fn the_strict_profile_halves_the_targets() {
        let strict = Settings { profile: Profile::Strict, ..Settings::default() };
        let count = |text, mean| {
            testing::findings_with(&CHECK, &with(vec![taking(text, mean, 5000)]), &strict).len()
        };
        for (text, limit) in [(READ, 5.0), (JOINED, 50.0), (WROTE, 25.0), (MANY, 500.0)] {
            assert_eq!((count(text, limit), count(text, limit + 0.1)), (0, 1));
        }
    }

    #[test]
    fn one_finding_tells_of_a_class_and_names_its_statements() {
        let reads =
            (1..=7).map(|n| Statement { query_id: n, ..taking(READ, 20.0 + n as f64, 1000) });
        let found = testing::findings(&CHECK, &with(reads.collect()));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].message.starts_with("7 simple read statements take longer than 10 ms"),
            "{}",
            found[0].message
        );
        assert!(found[0].message.contains("7 (select * from orders"), "{}", found[0].message);
        let named =
            found[0].evidence.iter().filter(|e| e.label.starts_with("mean time of")).count();
        assert_eq!(named, NAMED);
    }

    #[test]
    fn rare_idle_and_large_reads_are_left_alone() {
        assert_eq!(found(taking(READ, 900.0, 49)), None, "few calls");
        assert!(found(taking(READ, 900.0, 50)).is_some());
        assert_eq!(found(taking(READ, 11.0, 900)), None, "9.9 s in 1,000 s");
        assert_eq!(found(Statement { rows: 1_000_001, ..taking(READ, 90.0, 1000) }), None);
        assert!(found(Statement { rows: 1_000_000, ..taking(READ, 90.0, 1000) }).is_some());
        assert!(found(Statement { rows: 9_000_000, ..taking(JOINED, 190.0, 1000) }).is_some());
    }

    #[test]
    fn what_has_no_target_is_silent() {
        for text in
            ["select count(*) from a", "vacuum a", "select pg_sleep($1)", "call f()", "cut off ("]
        {
            assert_eq!(found(taking(text, 5000.0, 1000)), None, "{text}");
        }
        assert_eq!(found(Statement { text: None, ..taking(READ, 5000.0, 1000) }), None);
    }

    #[test]
    fn a_long_window_counts_more_than_the_past() {
        let count = |seconds| {
            testing::findings(&CHECK, &in_window(seconds, vec![taking(READ, 50.0, 100)])).len()
        };
        assert_eq!((count(59.0), count(60.0)), (0, 1));
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
