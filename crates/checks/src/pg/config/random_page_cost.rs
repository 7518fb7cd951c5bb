//! Costs of a spinning disk on fast storage.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{
    config::{advice, storage},
    setting_change::change,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `random_page_cost` of a disk although reads are fast.
pub static CHECK: Check = Check {
    id: "pg-random-page-cost",
    title: "Cost of random reads",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &[],
    thresholds: &[&FAST, &HIGH],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`random_page_cost` is at least `min_factor` times `seq_page_cost`, although reading a block takes less
than `max_read_ms` on average. Needs `track_io_timing`.

## Why it matters
The planner believes index scans to be dear and prefers to read whole tables, more so the larger they
are.

## How to fix
Set it to 1.1; a reload is enough. Compare the plans of the leading statements before and after.

## When to ignore
Spinning disks whose reads mostly come from the system's cache.

## References
PostgreSQL documentation: Planner Cost Constants, `random_page_cost`.
",
    run: Run::Postgres(run),
};

static FAST: Threshold = Threshold {
    key: "max_read_ms",
    unit: Unit::Ms,
    default: 1.0,
    strict: None,
    range: (0.0, 1000.0),
    why: "a spinning disk needs 5 ms and more for a random block; one below 1 ms comes from flash or from memory",
};

static HIGH: Threshold = Threshold {
    key: "min_factor",
    unit: Unit::Factor,
    default: 3.0,
    strict: None,
    range: (1.0, 100.0),
    why: "4 is the default, made for spinning disks; 1.1 to 2 are usual on flash",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, read_ms) = (pg.settings()?, storage::read_ms(pg));
    let name = "random_page_cost";
    let (random, setting) = (advice::number(settings, name)?, advice::setting(settings, name)?);
    let sequential = advice::number(settings, "seq_page_cost")?;
    let (factor, least) = (random / sequential.max(1e-9), cx.limit(&HIGH));
    if factor < least || !advice::is_for_all(setting) {
        return Ok(Vec::new());
    }
    let (read_ms, limit) = (read_ms?, cx.limit(&FAST));
    if read_ms >= limit {
        return Ok(Vec::new());
    }
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!(
            "random_page_cost is {random}, as for a spinning disk, but a block is read in {}",
            words::millis(read_ms)
        ),
        "Set it to 1.1 and compare the plans of the leading statements.",
    )
    .with(
        Evidence::new(
            "times the cost of a sequential read",
            factor,
            Unit::Factor,
            "random_page_cost / seq_page_cost",
        )
        .against(least),
    )
    .with(storage::evidence(read_ms, limit))
    .fixed_by(change(settings, FixKind::Review, &[(name, format!("{:.1}", sequential * 1.1))]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    fn built(random: &str, read_ms: f64, blocks: i64) -> dbvitals_model::Snapshot {
        testing::pg(|pg| {
            set(pg, "random_page_cost", random, None);
            set(pg, "seq_page_cost", "1", None);
            let database = &mut edit(&mut pg.databases)[0];
            database.blocks_read = blocks;
            database.block_read_time_ms = read_ms * blocks as f64;
        })
    }

    #[test]
    fn fires_on_fast_storage_only() {
        let found = |random, ms| testing::findings(&CHECK, &built(random, ms, 10_000));
        assert!(found("4", 1.0).is_empty());
        assert!(found("2.9", 0.1).is_empty());
        let one = found("3", 0.99).remove(0);
        assert_eq!(one.fix.unwrap().statements[0], "ALTER SYSTEM SET random_page_cost = '1.1';");
    }

    #[test]
    fn is_skipped_without_times_or_reads() {
        assert!(testing::skipped(&CHECK, &built("4", 0.0, 10_000)).0.remedy.is_some());
        testing::skipped(&CHECK, &built("4", 0.1, 9_999));
    }
}
