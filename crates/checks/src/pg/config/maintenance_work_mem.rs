//! Memory of vacuum and index builds.

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

/// `maintenance_work_mem` too small for the machine, or too large for its workers.
pub static CHECK: Check = Check {
    id: "pg-maintenance-work-mem",
    title: "Size of maintenance_work_mem",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &["host"],
    thresholds: &[&SMALL, &MAX, &DATA],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Information: `maintenance_work_mem` is below `min_ratio` of memory (of 256 MB at most), with at least
`min_data_bytes` of data. Warning: all autovacuum workers together (`autovacuum_work_mem`, else
`maintenance_work_mem`) may take more than `max_ratio` of memory.

## Why it matters
Too small, a vacuum reads all indexes of a large table several times and index builds sort on disk; too
large, the workers together push the sessions out of memory.

## How to fix
A twentieth of memory up to 1 GB; a reload is enough. Bound the workers by `autovacuum_work_mem`. Until
16 a vacuum uses at most 1 GB of it.

## When to ignore
Servers that never build indexes and have small tables only.

## References
PostgreSQL documentation: Resource Consumption, `maintenance_work_mem`, `autovacuum_work_mem`.
",
    run: Run::Postgres(run),
};

static SMALL: Threshold = Threshold {
    key: "min_ratio",
    unit: Unit::Ratio,
    default: 0.0125,
    strict: None,
    range: (0.0, 1.0),
    why: "a twentieth of memory up to 1 GB is usual; a quarter of that makes vacuum read indexes several times",
};

static MAX: Threshold = Threshold {
    key: "max_ratio",
    unit: Unit::Ratio,
    default: 0.25,
    strict: None,
    range: (0.0, 1.0),
    why: "every autovacuum worker may take it: together they must leave the memory to the sessions",
};

static DATA: Threshold = Threshold {
    key: "min_data_bytes",
    unit: Unit::Bytes,
    default: 10_737_418_240.0,
    strict: None,
    range: (0.0, 1e16),
    why: "below 10 GB of data index builds and vacuums are short with any value",
};

/// From here a fifth of this is enough for anything.
const ROOMY_BYTES: f64 = 268_435_456.0;

/// What is offered at most.
const USUAL_BYTES: f64 = 1_073_741_824.0;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, data, total) =
        (pg.settings()?, advice::data_bytes(pg)?, advice::memory_of_machine(pg));
    let name = "maintenance_work_mem";
    let (total, present) = (total?, advice::bytes(settings, name)?);
    let of_worker = settings.bytes("autovacuum_work_mem").filter(|bytes| *bytes >= 0);
    let each = of_worker.map_or(present, |bytes| bytes as f64);
    let workers = settings.number("autovacuum_max_workers").unwrap_or(0.0);
    let (together, most) = (each * workers, total * cx.limit(&MAX));
    let least = (total * cx.limit(&SMALL)).min(ROOMY_BYTES);
    if together > most {
        let setting = if of_worker.is_some() { "autovacuum_work_mem" } else { name };
        let megabytes = (most / workers / 1_048_576.0).floor().max(1.0);
        let fix = change(
            settings,
            FixKind::Review,
            &[("autovacuum_work_mem", format!("{megabytes:.0}MB"))],
        );
        let message = format!(
            "{workers} autovacuum workers may take {} together, {} of the machine's memory",
            words::bytes(together),
            words::percent(together / total)
        );
        let advised = "Bound the workers by autovacuum_work_mem.";
        let found = advice::about(cx, Severity::Warning, settings, setting, message, advised)
            .with(
                Evidence::new(
                    "workers together",
                    together,
                    Unit::Bytes,
                    "autovacuum_max_workers × memory of one",
                )
                .against(most),
            )
            .with(advice::memory_evidence(total));
        return Ok(vec![found.fixed_by(fix)]);
    }
    if present >= least || advice::all_data_below(data, cx.limit(&DATA)) {
        return Ok(Vec::new());
    }
    let enough = (total / 20.0).min(USUAL_BYTES);
    let fix = change(settings, FixKind::Review, &[(name, memory(enough))]);
    let message = format!(
        "maintenance_work_mem is {} on a machine with {}: vacuum and index builds take several passes",
        words::bytes(present),
        words::bytes(total)
    );
    let advised = "Set it to a twentieth of memory, 1 GB at most.";
    let found = advice::about(cx, Severity::Info, settings, name, message, advised)
        .with(Evidence::new("in bytes", present, Unit::Bytes, "pg_settings").against(least))
        .with(advice::memory_evidence(total));
    Ok(vec![found.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(megabytes: i64, of_worker: &str, data_gib: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::host(|host, pg| {
                edit(&mut host.memory).total_bytes = 16 << 30;
                set(pg, "maintenance_work_mem", &(megabytes * 1024).to_string(), Some("kB"));
                set(pg, "autovacuum_work_mem", of_worker, Some("kB"));
                set(pg, "autovacuum_max_workers", "4", None);
                edit(&mut pg.databases)[0].size_bytes = Some(data_gib << 30);
            }),
        )
    }

    #[test]
    fn small_is_information() {
        // 1.25 % of 16 GB are 204.8 MB.
        assert!(found(205, "-1", 10).is_empty());
        let one = found(204, "-1", 10).remove(0);
        assert_eq!(one.severity, Severity::Info);
        assert_eq!(
            one.fix.unwrap().statements[0],
            "ALTER SYSTEM SET maintenance_work_mem = '820MB';"
        );
        assert!(found(204, "-1", 9).is_empty(), "little data");
    }

    #[test]
    fn workers_together_are_bounded() {
        assert!(found(1024, "-1", 10).is_empty());
        let one = found(1025, "-1", 10).remove(0);
        assert_eq!(one.severity, Severity::Warning);
        assert_eq!(
            one.fix.unwrap().statements[0],
            "ALTER SYSTEM SET autovacuum_work_mem = '1024MB';"
        );
        assert!(found(4096, "262144", 10).is_empty(), "a bound of their own");
    }

    #[test]
    fn is_skipped_without_the_machine() {
        testing::skipped(
            &CHECK,
            &testing::pg(|pg| set(pg, "maintenance_work_mem", "1", Some("MB"))),
        );
    }
}
