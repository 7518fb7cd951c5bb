//! A parallel plan that got fewer workers than it was made for.

use dbvitals_model::{Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A parallel plan that got fewer workers than it was made for.
pub static CHECK: Check = Check {
    id: "plan-workers-not-launched",
    title: "Parallel workers did not come",
    thresholds: &[&MIN_MISSING, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "`Gather` nodes that lacked `min_missing_workers` or more of the workers planned.",
        matters: "The plan was chosen for a speed it did not get; a serial plan might have used an index.",
        fix: "More `max_parallel_workers` where there are processors to spare; fewer workers per statement where \
                  there are not.",
        ignore: "It happened once, at a busy moment.",
        references: "PostgreSQL documentation: Parallel Query; Resource Consumption.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_MISSING: Threshold = Threshold {
    key: "min_missing_workers",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (1.0, 1024.0),
    why: "each worker counts",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, _| {
        let (planned, launched) = (node.workers_planned? as f64, node.workers_launched? as f64);
        if planned - launched < cx.limit(&MIN_MISSING) {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(at) * (1.0 - (launched + 1.0) / (planned + 1.0)))?;
        let problem =
            format!("got {} of {} workers", words::count(launched), words::count(planned));
        let advice = "All workers of the server were busy: raise max_parallel_workers (and max_worker_processes, which \
                      needs a restart) if there are processors to spare; otherwise plan for fewer \
                      (max_parallel_workers_per_gather), since a parallel plan run alone is slower than a serial one.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("workers planned", planned))
                .with(counted("workers launched", launched)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn gather(launched: u64, ms: f64) -> String {
        format!(
            "Gather  (cost=0.0..1.0 rows=10 width=4) (actual time=0.1..{ms} rows=10 loops=1)\n  Workers Planned: 3\n  \
             Workers Launched: {launched}\n"
        )
    }

    #[test]
    fn all_or_not_all_came() {
        let finding = found(&CHECK, &gather(1, 100.0)).remove(0);
        assert!(finding.impact.unwrap().starts_with("saves up to 50 ms"));
        assert_eq!(found(&CHECK, &gather(3, 100.0)).len(), 0);
        assert_eq!(found(&CHECK, &gather(0, 6.0)).len(), 0, "4.5 ms");
    }
}
