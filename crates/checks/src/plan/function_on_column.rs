//! A filter that calls a function of its column, so that no index of it can be used.

use dbvitals_model::Severity;

use super::{
    candidate, expression,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, each, explained, quoted},
    thrown::{MIN_REMOVED, MIN_REMOVED_RATIO, Thrown},
};
use crate::{
    check::{Check, Run},
    context::Context,
    skip::Judged,
    view::StatementView,
};

/// A filter that calls a function of its column, so that no index of it can be used.
pub static CHECK: Check = Check {
    id: "plan-function-on-column",
    title: "A function on a column hides its index",
    thresholds: &[&MIN_REMOVED_RATIO, &MIN_REMOVED, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Sequential scans whose filter compares the result of a function of a column, throwing away more than \
                  `min_removed_ratio` of the rows, `min_removed_rows` at least.",
        matters: "An index on the column knows nothing of the function's results: every row is read and the function \
                  called for it.",
        fix: "Compare the plain column with computed bounds, or index the expression.",
        ignore: "The function is the point of a rare report.",
        references: "PostgreSQL documentation: Indexes on Expressions.",
    },
    run: Run::Statement(run),
    ..PLAN
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    each(view, |seen, at, node| {
        let (thrown, filter) = Thrown::measured(node, cx)?;
        let call = expression::conjuncts(filter).into_iter().find_map(expression::called)?;
        let gain = seen.gain(cx, seen.own(at) * thrown.ratio)?;
        let problem =
            format!("calls {} for every row: no index on the column can answer that", call.text);
        let is_time = matches!(
            call.function.as_str(),
            "date" | "date_trunc" | "to_char" | "EXTRACT" | "date_part"
        );
        let advice = if is_time {
            "Compare the column with the bounds of the period instead: `at >= day AND at < day + 1`. An index on the \
             plain column then answers it."
        } else {
            "Move the function to the other side, or index the expression exactly as it is written (the function must \
             be immutable); the statement below is a candidate, to be proved by planning with it."
        };
        let finding = seen
            .finding(cx, Severity::Warning, at, gain, (&problem, advice))
            .with(thrown.evidence(cx))
            .with(quoted("filter", filter));
        let is_immutable = matches!(
            call.function.as_str(),
            "lower" | "upper" | "md5" | "btrim" | "length" | "abs"
        );
        let fix = is_immutable
            .then(|| candidate::create_index_on(node, &call.function, &call.text))
            .flatten();
        Some(match fix {
            Some(fix) => finding.fixed_by(fix),
            None => finding,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn scan(filter: &str, removed: u64) -> String {
        format!(
            "Seq Scan on users  (cost=0.00..9000.00 rows=10 width=4) (actual time=0.1..90.0 rows=1 loops=1)\n  \
             Filter: {filter}\n  Rows Removed by Filter: {removed}\n"
        )
    }

    #[test]
    fn the_limits_have_two_sides() {
        let finding = found(&CHECK, &scan("(lower(email) = 'x'::text)", 10_001)).remove(0);
        let fix = finding.fix.unwrap();
        assert_eq!(
            fix.statements,
            ["CREATE INDEX CONCURRENTLY users_lower_idx ON users (lower(email));"]
        );
        assert_eq!(found(&CHECK, &scan("(lower(email) = 'x'::text)", 10_000)).len(), 0);
    }

    #[test]
    fn a_period_is_better_compared_by_its_bounds() {
        let filter = "(date_trunc('day'::text, created) = '2024-01-01 00:00:00'::timestamp without time zone)";
        let finding = found(&CHECK, &scan(filter, 90_000)).remove(0);
        assert!(finding.fix.is_none() && finding.recommendation.contains("bounds"));
    }

    #[test]
    fn a_function_of_constants_hides_nothing() {
        assert_eq!(found(&CHECK, &scan("(at = date_trunc('day'::text, now()))", 90_000)).len(), 0);
        assert_eq!(found(&CHECK, &scan("(a = ANY ('{1,2}'::integer[]))", 90_000)).len(), 0);
    }
}
