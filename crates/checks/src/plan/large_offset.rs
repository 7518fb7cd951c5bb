//! Rows counted off and thrown away by OFFSET.

use dbvitals_model::{Severity, Unit};

use super::seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, counted, each_run, explained};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// Rows counted off and thrown away by OFFSET.
pub static CHECK: Check = Check {
    id: "plan-large-offset",
    title: "A page far down is reached by counting from the first",
    thresholds: &[&MIN_SKIPPED, &MAX_SKIPPED_FACTOR, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "`LIMIT` nodes whose input gave more than `min_skipped_rows` rows that were thrown away, and more \
                  than `max_skipped_factor` times the rows shown.",
        matters: "The page costs what all pages before it cost together, and each further page more.",
        fix: "Page by key (the last row of the page before), with an index in that order.",
        ignore: "Nobody goes beyond the first pages.",
        references: "PostgreSQL documentation: LIMIT and OFFSET.",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_SKIPPED: Threshold = Threshold {
    key: "min_skipped_rows",
    unit: Unit::Count,
    default: 1_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a thousand rows are skipped in about a millisecond",
};

static MAX_SKIPPED_FACTOR: Threshold = Threshold {
    key: "max_skipped_factor",
    unit: Unit::Factor,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "beyond ten pages nearly all the work is for rows nobody sees",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each_run(view, |seen, at, node, actual| {
        if node.kind != "Limit" {
            return None;
        }
        let input = seen.plan.children(at).find(|child| !seen.node(*child).is_aside())?;
        let (given, read) = (actual.rows * actual.loops, seen.node(input).all_rows()?);
        let skipped = read - given;
        if skipped <= cx.limit(&MIN_SKIPPED) || skipped <= cx.limit(&MAX_SKIPPED_FACTOR) * given {
            return None;
        }
        let gain = seen.gain(cx, seen.whole(input) * skipped / read.max(1.0))?;
        let problem = format!(
            "read {} rows and gave {}: OFFSET counted the others off",
            words::count(read),
            words::count(given)
        );
        let advice = "Page by key: remember the last row shown and ask for `WHERE (order columns) > (its values) \
                      ORDER BY … LIMIT n`, with an index on the order columns. Each page then costs the same.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("rows thrown away", skipped).against(cx.limit(&MIN_SKIPPED)))
                .with(counted("rows given", given)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn limit(read: u64, given: u64) -> String {
        format!(
            "Limit  (cost=1.0..2.0 rows=10 width=4) (actual time=0.1..50.0 rows={given} loops=1)\n  \
             ->  Index Scan using i on t  (cost=1.0..900.0 rows=1000 width=4) (actual time=0.1..49.0 rows={read} loops=1)\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &limit(1_021, 20)).len(), 1);
        assert_eq!(found(&CHECK, &limit(1_020, 20)).len(), 0);
        assert_eq!(found(&CHECK, &limit(2_200, 200)).len(), 0);
        assert_eq!(found(&CHECK, &limit(2_201, 200)).len(), 1);
    }

    #[test]
    fn a_limit_without_offset_stays_silent() {
        assert_eq!(found(&CHECK, &limit(5_000, 5_000)).len(), 0);
    }
}
