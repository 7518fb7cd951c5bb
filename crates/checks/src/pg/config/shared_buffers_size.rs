//! The server's own cache against the machine's memory.

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

/// `shared_buffers` far from a quarter of memory.
pub static CHECK: Check = Check {
    id: "pg-shared-buffers-size",
    title: "Size of shared_buffers",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &["host"],
    thresholds: &[&MIN, &MAX, &ENOUGH],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`shared_buffers` is below `min_ratio` or above `max_ratio` of the machine's (or container's) memory. Too
little is not reported when all databases together fit into it, nor from `enough_bytes`.

## Why it matters
Too small, hot pages are read again and again; too large, the cache of the system and the memory of
sessions starve, and checkpoints write more at once.

## How to fix
Set it to a quarter of memory; it needs a restart. Use huge pages from 8 GB.

## When to ignore
Several servers or other programs on one machine: then a quarter of their share.

## References
PostgreSQL documentation: Resource Consumption, `shared_buffers`.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_ratio",
    unit: Unit::Ratio,
    default: 0.15,
    strict: None,
    range: (0.0, 1.0),
    why: "a quarter of memory is the documentation's start; below 15 % pages are copied twice for nothing",
};

static MAX: Threshold = Threshold {
    key: "max_ratio",
    unit: Unit::Ratio,
    default: 0.4,
    strict: None,
    range: (0.0, 1.0),
    why: "the documentation finds more than 40 % unlikely to help: the system's own cache starves",
};

static ENOUGH: Threshold = Threshold {
    key: "enough_bytes",
    unit: Unit::Bytes,
    default: 34_359_738_368.0,
    strict: None,
    range: (0.0, 1e15),
    why: "from 32 GB a small share of a very large machine is a choice, not an oversight",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, data, total) =
        (pg.settings()?, advice::data_bytes(pg)?, advice::memory_of_machine(pg));
    let name = "shared_buffers";
    let (total, present) = (total?, advice::bytes(settings, name)?);
    let ratio = present / total;
    let (least, most) = (cx.limit(&MIN), cx.limit(&MAX));
    let is_small =
        ratio < least && present < cx.limit(&ENOUGH) && !advice::all_data_below(data, present);
    if !is_small && ratio <= most {
        return Ok(Vec::new());
    }
    let (limit, what) = if is_small { (least, "only ") } else { (most, "") };
    let fix = change(settings, FixKind::Review, &[(name, memory(total / 4.0))]);
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        name,
        format!(
            "shared_buffers is {}: {what}{} of the machine's memory",
            words::bytes(present),
            words::percent(ratio)
        ),
        "Set it to a quarter of memory, less where other programs share the machine.",
    )
    .with(
        Evidence::new("share of memory", ratio, Unit::Ratio, "shared_buffers / memory")
            .against(limit),
    )
    .with(advice::memory_evidence(total))
    .fixed_by(fix);
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(buffers_gib: f64, data_gib: i64) -> Vec<Finding> {
        let pages = (buffers_gib * 131_072.0).to_string();
        testing::findings(
            &CHECK,
            &testing::host(|host, pg| {
                edit(&mut host.memory).total_bytes = 100 << 30;
                set(pg, "shared_buffers", &pages, Some("8kB"));
                edit(&mut pg.settings).0[0].context = "postmaster".into();
                edit(&mut pg.databases)[0].size_bytes = Some(data_gib << 30);
            }),
        )
    }

    #[test]
    fn both_limits_have_two_sides() {
        assert!(found(15.0, 500).is_empty());
        assert!(found(40.0, 500).is_empty());
        assert!(found(14.0, 500)[0].message.contains("only 14 %"));
        let large = found(41.0, 500).remove(0);
        let fix = large.fix.unwrap();
        assert_eq!(fix.statements, ["ALTER SYSTEM SET shared_buffers = '25GB';"]);
        assert!(fix.blocks.contains("restart"));
    }

    #[test]
    fn a_database_that_fits_needs_no_more() {
        assert!(found(2.0, 1).is_empty());
    }

    #[test]
    fn is_skipped_without_the_machine() {
        let skip =
            testing::skipped(&CHECK, &testing::pg(|pg| set(pg, "shared_buffers", "1", None)));
        assert_eq!(
            skip.0.remedy.unwrap(),
            "run on the server itself or grant pg_read_server_files"
        );
    }
}
