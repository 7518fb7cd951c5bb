//! A step that keeps rows for later and writes them to temporary files.

use dbvitals_model::{Evidence, FixKind, Severity, Unit, plan::Node};

use super::{
    memory::{self, MOST_MEMORY},
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A step that keeps rows for later and writes them to temporary files.
pub static CHECK: Check = Check {
    id: "plan-temporary-files",
    title: "Rows kept for later do not fit into memory",
    thresholds: &[&MIN_WRITTEN, &MOST_MEMORY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(FixKind::Review),
    explain: explained! {
        detects: "Steps that keep rows (`Materialize`, the scan of a common table expression or of a function, a window, \
                  an aggregate that sorts) and wrote `min_written_bytes` or more of them to temporary files. Sorts, hash \
                  joins and hash aggregates have checks of their own. No more memory than `max_work_mem_bytes` is ever \
                  proposed.",
        matters: "The rows are written once and read at every turn; the files compete with everybody else's reading.",
        fix: "Keep fewer or narrower rows; give the planner a join it can hash instead of a `Materialize`; \
                  `NOT MATERIALIZED`; or more `work_mem` for this statement only.",
        ignore: "Reports that run once a night, when nobody waits.",
        references: "PostgreSQL documentation: Resource Consumption (work_mem); WITH Queries.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_WRITTEN: Threshold = Threshold {
    key: "min_written_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a megabyte is written and read in about a millisecond",
};

/// Bytes of a block of temporary files.
const BLOCK: f64 = 8192.0;

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        if has_own_check(node) {
            return None;
        }
        let used = seen.account.shares[at].self_buffers?;
        let written = used.temp_written as f64 * BLOCK;
        if written < cx.limit(&MIN_WRITTEN) {
            return None;
        }
        // Reading rows where they are kept in memory takes about half of it.
        let gain = seen.gain(cx, seen.own(at) / 2.0)?;
        let problem = format!(
            "wrote {} to temporary files and read {} of them",
            words::bytes(written),
            words::bytes(used.temp_read as f64 * BLOCK)
        );
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice(node)))
            .with(
                Evidence::new("written", written, Unit::Bytes, "EXPLAIN (BUFFERS)")
                    .against(cx.limit(&MIN_WRITTEN)),
            )
            .with(counted("runs", actual.loops));
        Some(memory::granting(finding, memory::in_memory_kb(written / 1024.0, node), cx))
    })
}

/// Whether another check tells of this node's temporary files.
fn has_own_check(node: &Node) -> bool {
    matches!(node.kind.as_str(), "Sort" | "Incremental Sort" | "Hash" | "Hash Join")
        || node.aggregate.is_some_and(|it| it.disk_kb > 0)
}

fn advice(node: &Node) -> &'static str {
    match node.kind.as_str() {
        "CTE Scan" => {
            "Select only the rows and columns of the common table expression that are used, or write `AS NOT MATERIALIZED` \
             where it is read once; else grant this statement more work_mem."
        }
        "Materialize" => {
            "The inner side of a join is read again and again: an equality to hash by, or an index on the inner side, \
             spares keeping it. Else grant this statement more work_mem."
        }
        _ => {
            "Keep fewer rows or narrower columns at this step; else grant this statement more work_mem."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn plan(kind: &str, written: u64) -> String {
        format!(
            "{kind}  (cost=0.0..900.0 rows=10 width=4) (actual time=1.0..300.0 rows=100000 loops=1)\n  \
             Buffers: shared hit=100, temp read={written} written={written}\n  \
             ->  Seq Scan on b  (cost=0.0..400.0 rows=10 width=4) (actual time=0.1..40.0 rows=100000 loops=1)\n        \
             Buffers: shared hit=100\n"
        )
    }

    #[test]
    fn the_limit_has_two_sides() {
        assert_eq!(found(&CHECK, &plan("Materialize", 128)).len(), 1);
        assert_eq!(found(&CHECK, &plan("Materialize", 127)).len(), 0);
    }

    #[test]
    fn files_of_sorts_and_hashes_are_told_elsewhere() {
        for kind in ["Sort", "Hash", "Hash Join"] {
            assert_eq!(found(&CHECK, &plan(kind, 9000)).len(), 0, "{kind}");
        }
    }

    #[test]
    fn files_of_what_stands_below_are_not_its_own() {
        let below = plan("WindowAgg", 9000).replace("Seq Scan on b", "Sort").replace(
            "        Buffers: shared hit=100\n",
            "        Buffers: shared hit=100, temp read=9000 written=9000\n",
        );
        assert_eq!(found(&CHECK, &below).len(), 0);
    }
}
