//! What the planner believes to be cached.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{
    config::advice,
    setting_change::{change, memory},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// `effective_cache_size` far from the machine's memory.
pub static CHECK: Check = Check {
    id: "pg-effective-cache-size",
    title: "Size of effective_cache_size",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &["host"],
    thresholds: &[&MIN, &MAX],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`effective_cache_size` is below `min_ratio` or above `max_ratio` of the machine's (or container's)
memory. Too little is not reported when all databases together fit into it, nor too much when they fit into
memory.

## Why it matters
It reserves nothing: it tells the planner how much of an index or table is probably in memory. Too
small, sequential scans win over index scans that would be faster.

## How to fix
Set it to three quarters of memory on a machine of its own; a reload is enough.

## When to ignore
Machines shared with other programs: then what is left for caching.

## References
PostgreSQL documentation: Query Planning, `effective_cache_size`.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.0, 1.0),
    why: "three quarters of memory is usual; below 40 % index scans are costed as if nothing were cached",
};

static MAX: Threshold = Threshold {
    key: "max_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.0, 10.0),
    why: "nearly all of memory cannot be cache: the planner trusts pages that are not there",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, data, total) =
        (pg.settings()?, advice::data_bytes(pg)?, advice::memory_of_machine(pg));
    let name = "effective_cache_size";
    let (total, present) = (total?, advice::bytes(settings, name)?);
    let ratio = present / total;
    let (least, most) = (cx.limit(&MIN), cx.limit(&MAX));
    let is_small = ratio < least && !advice::all_data_below(data, present);
    // What all fits into memory can be cached, whatever the planner is told.
    let is_large = ratio > most && !advice::all_data_below(data, total);
    if !is_small && !is_large {
        return Ok(Vec::new());
    }
    let limit = if is_small { least } else { most };
    let fix = change(settings, FixKind::Review, &[(name, memory(total * 0.75))]);
    let found = advice::about(
        cx,
        Severity::Info,
        settings,
        name,
        format!(
            "effective_cache_size is {}, {} of the machine's memory: the planner misjudges the cache",
            words::bytes(present), words::percent(ratio)
        ),
        "Set it to three quarters of memory, less where other programs share the machine.",
    )
    .with(Evidence::new("share of memory", ratio, Unit::Ratio, "effective_cache_size / memory").against(limit))
    .with(advice::memory_evidence(total))
    .fixed_by(fix);
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(cache_gib: i64, data_gib: i64) -> Vec<Finding> {
        let pages = (cache_gib * 131_072).to_string();
        testing::findings(
            &CHECK,
            &testing::host(|host, pg| {
                edit(&mut host.memory).total_bytes = 100 << 30;
                set(pg, "effective_cache_size", &pages, Some("8kB"));
                edit(&mut pg.databases)[0].size_bytes = Some(data_gib << 30);
            }),
        )
    }

    #[test]
    fn both_limits_have_two_sides() {
        assert!(found(40, 500).is_empty());
        assert!(found(95, 500).is_empty());
        assert!(found(39, 500)[0].message.contains("39 %"));
        assert!(found(96, 500)[0].message.contains("96 %"));
        assert_eq!(
            found(4, 500)[0].fix.as_ref().unwrap().statements[0],
            "ALTER SYSTEM SET effective_cache_size = '75GB';"
        );
    }

    #[test]
    fn a_database_that_fits_needs_no_more() {
        assert!(found(4, 3).is_empty());
        assert!(found(100, 50).is_empty(), "all of it can be cached");
    }

    #[test]
    fn is_skipped_without_the_machine() {
        testing::skipped(&CHECK, &testing::pg(|pg| set(pg, "effective_cache_size", "1", None)));
    }
}
