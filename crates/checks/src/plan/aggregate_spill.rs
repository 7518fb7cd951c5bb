//! A hash aggregate that went to disk.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    memory::{self, MOST_MEMORY},
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each_run, explained, quoted},
};
use crate::{
    check::{Check, Run},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A hash aggregate that went to disk.
pub static CHECK: Check = Check {
    id: "plan-aggregate-spill",
    title: "Groups do not fit into memory",
    thresholds: &[&MOST_MEMORY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Hash aggregates that wrote temporary files. No more memory than `max_work_mem_bytes` is ever \
                  proposed.",
        matters: "Rows of groups that did not fit are written, read and grouped again.",
        fix: "A better guess of the number of groups, fewer groups, or more `work_mem` for this statement only.",
        ignore: "Reports that run once a night, when nobody waits.",
        references: "PostgreSQL documentation: Resource Consumption (work_mem, hash_mem_multiplier).",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, _| {
        let used = node.aggregate.filter(|it| it.disk_kb > 0)?;
        let gain = seen.gain(cx, seen.own(at) / 3.0)?;
        let disk = used.disk_kb as f64 * 1024.0;
        let problem = format!(
            "grouped by way of the disk: {} of temporary files in {} batches",
            words::bytes(disk),
            words::count(used.batches as f64)
        );
        let advice = "See whether the number of groups was guessed too low (CREATE STATISTICS (ndistinct) on the \
                      columns grouped by); group fewer or narrower columns; else grant this statement more work_mem.";
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(Evidence::new("on disk", disk, Unit::Bytes, "EXPLAIN ANALYZE"))
            .with(quoted("group key", &node.group_key.join(", ")));
        let needed = used.peak_kb as f64 + memory::in_memory_kb(used.disk_kb as f64, node);
        Some(memory::granting(finding, needed, cx))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn aggregate(memory: &str, ms: f64) -> String {
        format!(
            "HashAggregate  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..{ms} rows=9000 loops=1)\n  \
             Group Key: a, b\n  {memory}\n"
        )
    }

    #[test]
    fn disk_and_memory_are_the_two_sides() {
        let spilled =
            "Planned Partitions: 4  Batches: 5  Memory Usage: 4145kB  Disk Usage: 10240kB";
        let finding = found(&CHECK, &aggregate(spilled, 100.0)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["SET LOCAL work_mem = '29MB';"]);
        assert_eq!(found(&CHECK, &aggregate(spilled, 14.0)).len(), 0, "too fast to matter");
        assert_eq!(found(&CHECK, &aggregate("Batches: 1  Memory Usage: 4145kB", 100.0)).len(), 0);
    }
}
