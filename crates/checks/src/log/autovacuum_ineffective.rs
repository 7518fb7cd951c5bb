//! Vacuums that cannot remove what is dead.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Vacuums that cannot remove what is dead.
pub static CHECK: Check = Check {
    id: "log-autovacuum-ineffective",
    title: "Vacuum in vain",
    topic: Topic::Log,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["autovacuum"],
    uses: &[],
    thresholds: &[&RUNS, &DEAD],
    fix: None,
    explain: "\
## What it detects
A table that was vacuumed at least `min_vain_runs` times without removing a row, while at least `min_dead_rows` dead rows
were there that some transaction may still see.

## Why it matters
The vacuum reads the table again and again for nothing, and the table grows. Something old holds the horizon back: a
transaction left open, a replication slot nobody reads, a prepared transaction, a standby with feedback.

## How to fix
Find the holder (`dbvitals audit` names it) and end it. `idle_in_transaction_session_timeout` prevents the most frequent case.

## When to ignore
While a long backup or report runs by intention.

## References
PostgreSQL documentation: Routine Vacuuming; log_autovacuum_min_duration.
",
    run: Run::Log(run),
};

static RUNS: Threshold = Threshold {
    key: "min_vain_runs",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e9),
    why: "three vacuums in vain are no accident of one long report",
};

static DEAD: Threshold = Threshold {
    key: "min_dead_rows",
    unit: Unit::Count,
    default: 1000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "fewer rows are seen by any transaction that happens to run",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let work = log.autovacuum()?;
    let mut found = Vec::new();
    for table in &work.tables {
        let is_rare = (table.in_vain as f64) < cx.limit_for(&RUNS, &table.name);
        let is_small = (table.most_dead_not_removable as f64) < cx.limit_for(&DEAD, &table.name);
        if is_rare || is_small || found.len() == facts::LISTED {
            continue;
        }
        let message = format!(
            "{} was vacuumed {} times without removing one of up to {} dead rows",
            table.name,
            words::count(table.in_vain as f64),
            words::count(table.most_dead_not_removable as f64)
        );
        found.push(
            cx.finding(
                Severity::Warning,
                Subject::new("table", &table.name),
                message,
                "Find what holds the horizon back: an open transaction, a slot, a standby with feedback.",
            )
            .with(
                facts::number("vacuums in vain", table.in_vain)
                    .against(cx.limit_for(&RUNS, &table.name)),
            )
            .with(facts::number("vacuums", table.vacuums))
            .with(
                facts::number("dead rows that must stay", table.most_dead_not_removable)
                    .against(cx.limit_for(&DEAD, &table.name)),
            )
            .with(Evidence::new("time of them all", table.elapsed_seconds, Unit::Seconds, facts::SOURCE)),
        );
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::log::Maintained;

    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn vacuums_in_vain_are_told_from_both_thresholds_on() {
        let found = |in_vain, dead| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    edit(&mut log.autovacuum).tables = vec![Maintained {
                        name: "a.b.c".into(),
                        in_vain,
                        most_dead_not_removable: dead,
                        ..Maintained::default()
                    }];
                }),
            )
            .len()
        };
        assert_eq!((found(3, 1000), found(2, 1000), found(3, 999)), (1, 0, 0));
    }
}
