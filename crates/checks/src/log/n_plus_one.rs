//! A list, and for each of its rows one more statement, in one session.

use dbvitals_model::{
    Evidence, Finding, Severity, Unit,
    log::{Repeat, Repeats},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// A list, and for each of its rows one more statement, in one session.
pub static CHECK: Check = Check {
    id: "log-n-plus-one",
    title: "N+1 statements",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["repeats"],
    uses: &[],
    thresholds: &[&RUNS, &LONGEST, &LOOSE, &FOLLOWED],
    fix: None,
    explain: "\
## What it detects
The same read, with other values each time, at least `min_repeats` times within one transaction of one session, less
than 100 ms apart and with no write or setting between; met at least `min_runs` times. Where transactions cannot be told apart,
or each statement is its own, a sequence counts in which at most three other reads stand between two of them, if at least
`min_share_ratio` of all executions of the statement, and of its sequences, are behind the same statement, and at least
`min_followed_ratio` of that one's executions are followed by a sequence; that is weaker and only noted. Pages of a longer result
(`LIMIT` with `OFFSET` or a range on the order) are left out.

## Why it matters
For each row of a list the application asks the server once more, and waits for the network each time. The page gets
slower with the number of rows, and no single statement looks slow.

## How to fix
Ask once: join the table to the list, or fetch all keys together with `= ANY ($1)`. Object mappers call it eager loading
(`includes`, `select_related`, `JOIN FETCH`).

## When to ignore
Batch work that reads row by row on purpose.

## References
PostgreSQL documentation: log_line_prefix (%v, %c); log_min_duration_statement.
",
    run: Run::Log(run),
};

static RUNS: Threshold = Threshold {
    key: "min_runs",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e9),
    why: "once may be an operator at work, three times is a program",
};

static LONGEST: Threshold = Threshold {
    key: "min_repeats",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (2.0, 1e9),
    why: "below five, tools that watch applications stay silent as well",
};

static LOOSE: Threshold = Threshold {
    key: "min_share_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.0, 1.0),
    why: "a lookup that is also called by itself is a hot lookup, which takes turns by chance",
};

static FOLLOWED: Threshold = Threshold {
    key: "min_followed_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: None,
    range: (0.0, 1.0),
    why: "behind a list nearly always comes a sequence, unless it is short; behind any other statement by chance",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let repeats = log.repeats()?;
    let mut found = Vec::new();
    for repeat in &repeats.leaders {
        let name = &repeat.child;
        let is_redundant = repeat.redundant * 2 > repeat.calls;
        let is_rare = (repeat.runs as f64) < cx.limit_for(&RUNS, name)
            || (repeat.longest_run as f64) < cx.limit_for(&LONGEST, name);
        if is_redundant || is_rare || found.len() == facts::LISTED {
            continue;
        }
        let in_transaction = repeat.runs_in_transaction * 2 > repeat.runs;
        let limits = (cx.limit_for(&LOOSE, name), cx.limit_for(&FOLLOWED, name));
        if !in_transaction && !is_bound(repeat, repeats, limits) {
            continue;
        }
        let severity = if in_transaction { Severity::Warning } else { Severity::Info };
        found.push(finding(cx, severity, repeat));
    }
    Ok(found)
}

/// Whether the child comes in sequences behind this parent and hardly otherwise, and the parent seldom without them.
fn is_bound(repeat: &Repeat, all: &Repeats, (least, followed): (f64, f64)) -> bool {
    let of_child = all.leaders.iter().filter(|other| other.child == repeat.child);
    let runs: i64 = of_child.map(|other| other.runs).sum();
    !repeat.parent.is_empty()
        && repeat.runs as f64 >= least * runs as f64
        && repeat.calls as f64 >= least * repeat.child_calls as f64
        && repeat.runs as f64 >= followed * repeat.parent_calls as f64
}

fn finding(cx: &Context<'_>, severity: Severity, repeat: &Repeat) -> Finding {
    let mean = repeat.calls as f64 / repeat.runs.max(1) as f64;
    let message = format!(
        "asked {} times in a row on average, {} times over, with other values each time: {}",
        words::count(mean),
        words::count(repeat.runs as f64),
        facts::short(&repeat.child_text)
    );
    let saved = (repeat.calls - repeat.runs).max(0);
    let finding = cx
        .finding(
            severity,
            facts::statement(&repeat.child),
            message,
            "Ask once: join the table to the statement before, or fetch all keys with = ANY ($1).",
        )
        .with(facts::number("sequences", repeat.runs))
        .with(facts::number("sequences within one transaction", repeat.runs_in_transaction))
        .with(facts::number("executions in them", repeat.calls))
        .with(facts::number("longest sequence", repeat.longest_run))
        .with(Evidence::new("time of execution", repeat.total_ms, Unit::Ms, facts::SOURCE))
        .with(Evidence::new("time they took in all", repeat.elapsed_ms, Unit::Ms, facts::SOURCE))
        .with(facts::text("statement", &repeat.child_text));
    let finding = if repeat.parent.is_empty() {
        finding
    } else {
        finding.with(facts::text("statement before", &repeat.parent_text))
    };
    facts::with_names(finding, "databases", &repeat.databases)
        .promising(format!("{} requests fewer", words::count(saved as f64)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::testing::{self, edit};

    fn log(runs: i64, in_transaction: i64, change: impl FnOnce(&mut Repeat)) -> Snapshot {
        testing::log(|log| {
            let mut repeat = Repeat {
                child: "c".into(),
                parent: "p".into(),
                runs,
                runs_in_transaction: in_transaction,
                calls: runs * 10,
                longest_run: 10,
                child_calls: 100,
                parent_calls: 10,
                ..Repeat::default()
            };
            change(&mut repeat);
            edit(&mut log.repeats).leaders = vec![repeat];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|found| found.severity)
    }

    #[test]
    fn sequences_within_transactions_are_a_warning() {
        assert_eq!(severity(&log(3, 3, |_| {})), Some(Severity::Warning));
        assert_eq!(severity(&log(2, 2, |_| {})), None);
        assert_eq!(severity(&log(3, 3, |repeat| repeat.longest_run = 4)), None);
    }

    #[test]
    fn sequences_over_transactions_count_only_behind_one_parent() {
        assert_eq!(severity(&log(9, 0, |_| {})), Some(Severity::Info));
        // The statement is called a hundred times, fifty of them by itself.
        assert_eq!(severity(&log(5, 0, |_| {})), None);
        assert_eq!(severity(&log(9, 0, |repeat| repeat.parent.clear())), None);
        // What stands before it is called much more often than a sequence follows.
        assert_eq!(severity(&log(9, 0, |repeat| repeat.parent_calls = 30)), Some(Severity::Info));
        assert_eq!(severity(&log(9, 0, |repeat| repeat.parent_calls = 31)), None);
    }

    #[test]
    fn equal_values_are_another_habit() {
        assert_eq!(severity(&log(9, 9, |repeat| repeat.redundant = 81)), None);
    }
}
