//! Checkpoints that come because WAL ran full.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Checkpoints that come because WAL ran full.
pub static CHECK: Check = Check {
    id: "log-checkpoints-too-frequent",
    title: "Checkpoints too frequent",
    topic: Topic::Log,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["checkpoints"],
    uses: &[],
    thresholds: &[&SHARE, &LEAST],
    fix: None,
    explain: "\
## What it detects
Of at least `min_checkpoints` checkpoints more than `max_wal_ratio` began because `max_wal_size` was near, or the
server itself warned that they come too often.

## Why it matters
After each checkpoint every page that changes is written whole into WAL: the more checkpoints, the more WAL, which
brings the next one nearer.

## How to fix
Raise `max_wal_size` until `checkpoint_timeout` brings the checkpoints; `wal_compression` lowers what pages cost.

## When to ignore
Single loads of much data.

## References
PostgreSQL documentation: WAL Configuration; checkpoint_warning.
",
    run: Run::Log(run),
};

static SHARE: Threshold = Threshold {
    key: "max_wal_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: None,
    range: (0.0, 1.0),
    why: "where a third of them is forced, max_wal_size is too small for the load",
};

static LEAST: Threshold = Threshold {
    key: "min_checkpoints",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a handful of them is one load of data",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let checkpoints = log.checkpoints()?;
    let all = checkpoints.by_time + checkpoints.by_wal;
    let share = checkpoints.by_wal as f64 / all.max(1) as f64;
    let is_forced = all as f64 >= cx.limit(&LEAST) && share > cx.limit(&SHARE);
    if !is_forced && checkpoints.too_frequent == 0 {
        return Ok(Vec::new());
    }
    let message = match checkpoints.closest_seconds {
        Some(seconds) if checkpoints.too_frequent > 0 => format!(
            "the server warned {} of checkpoints as close as {}",
            facts::things(checkpoints.too_frequent, "time", "times"),
            words::seconds(seconds)
        ),
        _ => format!("{} of checkpoints came because WAL ran full", words::percent(share)),
    };
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("setting", "max_wal_size"),
            message,
            "Raise max_wal_size until checkpoint_timeout brings the checkpoints.",
        )
        .with(
            Evidence::new("forced by WAL", share, Unit::Ratio, facts::SOURCE)
                .against(cx.limit(&SHARE)),
        )
        .with(facts::number("by time", checkpoints.by_time))
        .with(facts::number("by WAL", checkpoints.by_wal))
        .with(facts::number("warnings", checkpoints.too_frequent))
        .with(Evidence::new("WAL in all", checkpoints.wal_bytes, Unit::Bytes, facts::SOURCE));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn forced_checkpoints_are_told_from_the_share_on() {
        let found = |by_wal, by_time, too_frequent| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    let checkpoints = edit(&mut log.checkpoints);
                    (checkpoints.by_wal, checkpoints.by_time) = (by_wal, by_time);
                    checkpoints.too_frequent = too_frequent;
                    checkpoints.closest_seconds = Some(3.0);
                }),
            )
            .len()
        };
        assert_eq!(found(3, 7, 0), 0);
        assert_eq!(found(4, 6, 0), 1);
        assert_eq!(found(4, 0, 0), 0);
        assert_eq!(found(0, 9, 1), 1);
    }
}
