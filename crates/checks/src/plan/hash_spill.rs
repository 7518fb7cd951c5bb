//! A hash join whose table went to disk in batches.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::{
    memory::{self, MOST_MEMORY},
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained},
};
use crate::{
    check::{Check, Run},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A hash join whose table went to disk in batches.
pub static CHECK: Check = Check {
    id: "plan-hash-spill",
    title: "The table of a hash join does not fit into memory",
    thresholds: &[&MOST_MEMORY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Hash joins whose table was split into more than one batch. No more memory than `max_work_mem_bytes` \
                  is ever proposed.",
        matters: "All batches but the first are written to temporary files, on both sides of the join, and read again.",
        fix: "Wrong estimates first; then fewer or narrower rows; then more `work_mem` or `hash_mem_multiplier` \
                  for this statement only.",
        ignore: "Reports that run once a night, when nobody waits.",
        references: "PostgreSQL documentation: Resource Consumption (work_mem, hash_mem_multiplier).",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, _| {
        let hash = node.hash.filter(|hash| hash.batches > 1)?;
        let join = node.parent?;
        // Both sides are written and read again; without that a hash join takes about two thirds of the time.
        let gain = seen.gain(cx, (seen.own(at) + seen.own(join)) / 3.0)?;
        let problem = format!(
            "was split into {} batches on disk ({} planned)",
            words::count(hash.batches as f64),
            words::count(hash.original_batches as f64)
        );
        let advice = if hash.original_batches < hash.batches {
            "More rows came than were planned: mend the estimate first. Then narrow what is joined, or grant this \
             statement more work_mem (or hash_mem_multiplier)."
        } else {
            "Join fewer or narrower rows, or grant this statement more work_mem (or hash_mem_multiplier)."
        };
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(counted("batches", hash.batches as f64).against(1.0))
            .with(counted("batches planned", hash.original_batches as f64))
            .with(Evidence::new(
                "memory",
                hash.peak_kb as f64 * 1024.0,
                Unit::Bytes,
                "EXPLAIN ANALYZE",
            ));
        let needed = hash.peak_kb as f64 * hash.batches as f64;
        Some(memory::granting(finding, needed, cx))
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn join(batches: u64, ms: f64) -> String {
        format!(
            "Hash Join  (cost=1.0..900.0 rows=100 width=4) (actual time=0.1..{ms} rows=9000 loops=1)\n  \
             ->  Seq Scan on a  (cost=0.0..10.0 rows=100 width=4) (actual time=0.1..1.0 rows=100 loops=1)\n  \
             ->  Hash  (cost=0.4..8.0 rows=10 width=4) (actual time=0.1..0.3 rows=10 loops=1)\n        \
             Buckets: 1024  Batches: {batches}  Memory Usage: 1024kB\n"
        )
    }

    #[test]
    fn one_batch_is_memory_and_two_are_disk() {
        assert_eq!(found(&CHECK, &join(1, 300.0)).len(), 0);
        let finding = found(&CHECK, &join(8, 300.0)).remove(0);
        assert_eq!(finding.fix.unwrap().statements, ["SET LOCAL work_mem = '10MB';"]);
        assert_eq!(finding.subject.name, "1.2 Hash");
    }

    #[test]
    fn a_quick_join_stays_silent() {
        assert_eq!(found(&CHECK, &join(8, 9.0)).len(), 0);
    }
}
