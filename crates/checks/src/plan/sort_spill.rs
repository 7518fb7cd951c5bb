//! A sort that went to disk.

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

/// A sort that went to disk.
pub static CHECK: Check = Check {
    id: "plan-sort-spill",
    title: "A sort does not fit into memory",
    thresholds: &[&MOST_MEMORY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Sorts and incremental sorts that wrote temporary files. No more memory than `max_work_mem_bytes` is \
                  ever proposed.",
        matters: "Every row is written and read again, often more than once; the files compete with everybody else's \
                  reading.",
        fix: "An index in the wanted order needs no sort. Fewer or narrower rows may fit. A larger `work_mem` for \
                  this statement only is the third choice: each session and step may use that much.",
        ignore: "Reports that run once a night, when nobody waits.",
        references: "PostgreSQL documentation: Resource Consumption (work_mem, hash_mem_multiplier).",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, _| {
        let workers = node.workers.iter().filter_map(|worker| worker.sort.as_ref());
        let spilled =
            workers.chain(&node.sort).filter(|sort| sort.on_disk).max_by_key(|sort| sort.kb)?;
        // Sorting in memory takes about half the time of sorting by way of the disk.
        let gain = seen.gain(cx, seen.own(at) / 2.0)?;
        let bytes = spilled.kb as f64 * 1024.0;
        let problem = format!(
            "sorted on disk: {} of temporary files ({})",
            words::bytes(bytes),
            spilled.method
        );
        let advice = "Let an index deliver the order, or select fewer rows and narrower columns before sorting; \
                      else grant this statement more work_mem.";
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(Evidence::new("on disk", bytes, Unit::Bytes, "EXPLAIN ANALYZE"))
            .with(quoted("sort key", &node.sort_key.join(", ")));
        Some(memory::granting(finding, memory::in_memory_kb(spilled.kb as f64, node), cx))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn sort(method: &str, ms: f64) -> String {
        format!(
            "Sort  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..{ms} rows=9000 loops=1)\n  Sort Key: a\n  \
             Sort Method: {method}\n"
        )
    }

    #[test]
    fn disk_and_memory_are_the_two_sides() {
        let finding = found(&CHECK, &sort("external merge  Disk: 10240kB", 100.0)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["SET LOCAL work_mem = '24MB';"]);
        assert!(finding.message.contains("10 MB"), "{}", finding.message);
        assert_eq!(found(&CHECK, &sort("quicksort  Memory: 10240kB", 100.0)).len(), 0);
    }

    #[test]
    fn a_quick_sort_on_disk_stays_silent_and_a_huge_one_gets_no_setting() {
        assert_eq!(found(&CHECK, &sort("external merge  Disk: 100kB", 9.9)).len(), 0);
        assert!(
            found(&CHECK, &sort("external merge  Disk: 2048000kB", 900.0)).remove(0).fix.is_none()
        );
    }
}
