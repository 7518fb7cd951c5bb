//! The same question with the same values, again and again in one session.

use dbvitals_model::{Evidence, Severity, Unit, log::Repeat};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// The same question with the same values, again and again in one session.
pub static CHECK: Check = Check {
    id: "log-redundant-statement",
    title: "Redundant statement",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["repeats"],
    uses: &[],
    thresholds: &[&CALLS],
    fix: None,
    explain: "\
## What it detects
A read that a session repeated within milliseconds with the very same values, at least `min_redundant` times over
all sequences.

## Why it matters
The answer was known already. Each repetition costs a round trip and a part of a core.

## How to fix
Keep the answer for the length of a request (identity map, memoisation), or hand it down instead of asking again.

## When to ignore
Health checks and polling of a queue.

## References
PostgreSQL documentation: log_min_duration_statement; log_parameter_max_length.
",
    run: Run::Log(run),
};

static CALLS: Threshold = Threshold {
    key: "min_redundant",
    unit: Unit::Count,
    default: 100.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a hundred requests that bring nothing are worth a look at the code",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let mut found = Vec::new();
    for repeat in by_child(&log.repeats()?.leaders) {
        let limit = cx.limit_for(&CALLS, &repeat.child);
        let is_redundant = repeat.redundant * 2 > repeat.calls;
        if !is_redundant || (repeat.redundant as f64) < limit || found.len() == facts::LISTED {
            continue;
        }
        let message = format!(
            "asked {} times again with the same values within one session: {}",
            words::count(repeat.redundant as f64),
            facts::short(&repeat.child_text)
        );
        let finding = cx
            .finding(
                Severity::Warning,
                facts::statement(&repeat.child),
                message,
                "Keep the answer for the length of a request instead of asking again.",
            )
            .with(facts::number("redundant executions", repeat.redundant).against(limit))
            .with(facts::number("executions", repeat.calls))
            .with(facts::number("longest sequence", repeat.longest_run))
            .with(Evidence::new("time of execution", repeat.total_ms, Unit::Ms, facts::SOURCE))
            .with(facts::text("statement", &repeat.child_text));
        found.push(facts::with_names(finding, "databases", &repeat.databases));
    }
    Ok(found)
}

/// Sequences of one statement together, whatever they are behind; databases are those of the first.
fn by_child(leaders: &[Repeat]) -> Vec<Repeat> {
    let mut all: Vec<Repeat> = Vec::new();
    for repeat in leaders {
        let Some(sum) = all.iter_mut().find(|sum| sum.child == repeat.child) else {
            all.push(repeat.clone());
            continue;
        };
        sum.redundant += repeat.redundant;
        sum.calls += repeat.calls;
        sum.longest_run = sum.longest_run.max(repeat.longest_run);
        sum.total_ms += repeat.total_ms;
    }
    all
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::testing::{self, edit};

    fn log(redundant: i64, calls: i64) -> Snapshot {
        testing::log(|log| {
            let repeat = Repeat { child: "c".into(), redundant, calls, ..Repeat::default() };
            edit(&mut log.repeats).leaders = vec![repeat];
        })
    }

    #[test]
    fn equal_values_count_from_the_threshold_on() {
        assert_eq!(testing::findings(&CHECK, &log(100, 120)).len(), 1);
        assert!(testing::findings(&CHECK, &log(99, 120)).is_empty());
    }

    #[test]
    fn what_stands_before_it_is_no_difference() {
        let mut snapshot = log(60, 70);
        let dbvitals_model::TargetData::Log(data) = &mut snapshot.targets[0].data else { panic!() };
        let leaders = &mut edit(&mut data.repeats).leaders;
        leaders.push(Repeat { parent: "p".into(), ..leaders[0].clone() });
        let found = testing::findings(&CHECK, &snapshot);
        assert_eq!(found.len(), 1);
        assert!(found[0].message.starts_with("asked 120 times again"), "{found:?}");
    }

    #[test]
    fn other_values_are_another_habit() {
        assert!(testing::findings(&CHECK, &log(100, 1000)).is_empty());
    }
}
