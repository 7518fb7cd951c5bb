//! Checkpoints whose syncs stall.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Checkpoints whose syncs stall.
pub static CHECK: Check = Check {
    id: "log-checkpoint-sync-slow",
    title: "Slow checkpoint syncs",
    topic: Topic::Log,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["checkpoints"],
    uses: &[],
    thresholds: &[&LONGEST],
    fix: None,
    explain: "\
## What it detects
A checkpoint in which the sync of one file took at least `warning_seconds`.

## Why it matters
While the disk is busy with it, commits wait for their own syncs.

## How to fix
Look at the disk: a throttled volume, a cache without battery, a neighbour. Let the kernel write earlier
(`checkpoint_flush_after`, `vm.dirty_background_bytes`), keep WAL on a disk of its own.

## When to ignore
A single event while a backup ran.

## References
PostgreSQL documentation: checkpoint_flush_after; WAL Configuration.
",
    run: Run::Log(run),
};

static LONGEST: Threshold = Threshold {
    key: "warning_seconds",
    unit: Unit::Seconds,
    default: 5.0,
    strict: None,
    range: (0.01, 1e6),
    why: "a sync of seconds holds up every commit that needs the same disk",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let checkpoints = log.checkpoints()?;
    let (longest, limit) = (checkpoints.longest_sync_seconds, cx.limit(&LONGEST));
    if longest < limit {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", log.name()),
            format!("the sync of one file took {} in a checkpoint", words::seconds(longest)),
            "Look at the disk below the data directory, and let the kernel write earlier.",
        )
        .with(Evidence::new("longest sync", longest, Unit::Seconds, facts::SOURCE).against(limit))
        .with(Evidence::new("syncs in all", checkpoints.sync_seconds, Unit::Seconds, facts::SOURCE))
        .with(facts::number("checkpoints", checkpoints.complete));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn a_slow_sync_is_told() {
        let found = |seconds| {
            let built =
                testing::log(|log| edit(&mut log.checkpoints).longest_sync_seconds = seconds);
            testing::findings(&CHECK, &built).len()
        };
        assert_eq!((found(4.9), found(5.0)), (0, 1));
    }
}
