//! A Memoize whose cache is too small to be one.

use dbvitals_model::{Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// A Memoize whose cache is too small to be one.
pub static CHECK: Check = Check {
    id: "plan-memoize-evictions",
    title: "A cache of lookups throws out what it will need",
    versions: (14, u32::MAX),
    thresholds: &[&MAX_EVICTIONS, &MIN_EVICTIONS, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "`Memoize` nodes that evicted more than `max_evictions_factor` entries for each hit, `min_evictions` \
                  at least.",
        matters: "Filling a cache that is emptied before it is asked costs more than no cache.",
        fix: "A better guess of the number of different keys; more `work_mem`; a hash join.",
        ignore: "The statement is fast enough.",
        references: "PostgreSQL documentation: Query Planning (enable_memoize).",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_EVICTIONS: Threshold = Threshold {
    key: "max_evictions_factor",
    unit: Unit::Factor,
    default: 1.0,
    strict: None,
    range: (0.0, 1e6),
    why: "more thrown out than found",
};

static MIN_EVICTIONS: Threshold = Threshold {
    key: "min_evictions",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (0.0, 1e12),
    why: "a thousand entries are filled in about a millisecond",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, _| {
        let cache = node.memoize?;
        let (hits, lost) = (cache.hits as f64, cache.evictions as f64);
        if lost <= hits * cx.limit(&MAX_EVICTIONS) || lost < cx.limit(&MIN_EVICTIONS) {
            return None;
        }
        let gain = seen.gain(cx, seen.own(at) + seen.whole(at) * 0.3)?;
        let problem = format!(
            "threw {} entries out of its cache and answered {} lookups from it",
            words::count(lost),
            words::count(hits)
        );
        let advice = "The number of different keys was guessed too low: ANALYZE, or raise the column's n_distinct. More \
                      work_mem holds more entries; a hash join may be better (compare with enable_memoize = off).";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("evictions", lost).against(cx.limit(&MIN_EVICTIONS)))
                .with(counted("hits", hits))
                .with(counted("misses", cache.misses as f64)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn memoize(hits: u64, evictions: u64) -> String {
        format!(
            "Memoize  (cost=0.0..9.0 rows=1 width=4) (actual time=0.1..0.2 rows=1 loops=1000)\n  Cache Key: a.b\n  \
             Hits: {hits}  Misses: 9000  Evictions: {evictions}  Overflows: 0  Memory Usage: 4096kB\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &memoize(1_000, 1_001)).len(), 1);
        assert_eq!(found(&CHECK, &memoize(1_001, 1_001)).len(), 0);
        assert_eq!(found(&CHECK, &memoize(0, 999)).len(), 0);
    }
}
