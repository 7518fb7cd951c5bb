//! Many partitions read to find rows in few of them.

use std::collections::BTreeSet;

use dbvitals_model::{Severity, Unit, pg::DatabaseSnapshot, plan::Node};

use super::{
    catalogue,
    seen::{MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, counted, each_run, explained, quoted},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// Many partitions read to find rows in few of them.
pub static CHECK: Check = Check {
    id: "plan-partitions-not-pruned",
    title: "Partitions without a row are read",
    uses: &["facts"],
    thresholds: &[&MIN_PARTITIONS, &MAX_EMPTY, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    explain: explained! {
        detects: "Plans that read `min_partitions` or more partitions of one table under a condition and find no row \
                  in more than `max_empty_ratio` of them.",
        matters: "Each partition is planned, opened, locked and read; with hundreds of them this is all the time there \
                  is.",
        fix: "Let the condition name the partition key as it is, in its own type.",
        ignore: "The condition cannot name the key; then an index on its column in each partition helps.",
        references: "PostgreSQL documentation: Table Partitioning (Partition Pruning).",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MIN_PARTITIONS: Threshold = Threshold {
    key: "min_partitions",
    unit: Unit::Count,
    default: 8.0,
    strict: None,
    range: (2.0, 1e6),
    why: "a handful of partitions cost little more than one",
};

static MAX_EMPTY: Threshold = Threshold {
    key: "max_empty_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: None,
    range: (0.0, 1.0),
    why: "when most partitions hold nothing, the key was not used",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    each_run(view, |seen, at, node, _| {
        if !matches!(node.kind.as_str(), "Append" | "Merge Append") {
            return None;
        }
        let members: Vec<usize> =
            seen.plan.children(at).filter(|child| !seen.node(*child).is_aside()).collect();
        // What was left out while it ran was pruned after all.
        let ran = members.iter().filter(|member| !seen.node(**member).never_ran());
        let scans: Vec<(usize, usize)> =
            ran.filter_map(|member| Some((*member, scan_of(seen, *member)?))).collect();
        let stem = stem(seen.node(scans.first()?.1).alias.as_deref()?);
        let is_one_table = are_partitions(seen, facts, &scans, stem);
        let has_condition = scans.iter().all(|(_, scan)| has_condition(seen.node(*scan)));
        if !is_one_table || !has_condition || (scans.len() as f64) < cx.limit(&MIN_PARTITIONS) {
            return None;
        }
        let is_empty = |member: usize| seen.node(member).all_rows().is_some_and(|it| it <= 0.0);
        let empty: Vec<usize> =
            scans.iter().map(|(member, _)| *member).filter(|it| is_empty(*it)).collect();
        let ratio = empty.len() as f64 / scans.len() as f64;
        if ratio <= cx.limit(&MAX_EMPTY) {
            return None;
        }
        let gain = seen.gain(cx, empty.iter().map(|member| seen.whole(*member)).sum())?;
        let first = seen.node(scans[0].1);
        let condition =
            first.conditions.filter.as_deref().or(first.conditions.index_cond.as_deref())?;
        let problem = format!(
            "reads {} partitions of {stem} and finds nothing in {}",
            words::count(scans.len() as f64),
            words::count(empty.len() as f64)
        );
        let advice = "Compare the partition key itself, in its own type, with a constant or a parameter: a function or a \
                      cast around it, or a condition on another column, leaves all partitions to be read.";
        let finding = seen.finding(cx, Severity::Warning, at, gain, (&problem, advice));
        Some(
            finding
                .with(counted("partitions read", scans.len() as f64))
                .with(counted("without a row", empty.len() as f64))
                .with(quoted("condition", condition)),
        )
    })
}

/// Whether scans read different tables that the server numbers as parts of one. By the plan alone, tables that are
/// numbered by hand and put together by `UNION ALL` look the same: the catalogue knows better.
fn are_partitions(
    seen: &Seen<'_>,
    facts: Option<&DatabaseSnapshot>,
    scans: &[(usize, usize)],
    stem: &str,
) -> bool {
    let mut tables = BTreeSet::new();
    scans.iter().all(|(_, scan)| {
        let node = seen.node(*scan);
        let is_known = facts.and_then(|facts| catalogue::table(facts, node));
        let is_part = is_known.is_none_or(|table| table.is_partition || table.parent_oid.is_some());
        is_part
            && tables.insert(node.table())
            && node.alias.as_deref().is_some_and(|alias| alias.starts_with(stem))
    })
}

/// The one scan of a table below a member, however it is wrapped.
fn scan_of(seen: &Seen<'_>, member: usize) -> Option<usize> {
    (member..seen.plan.end_of(member))
        .find(|at| seen.node(*at).relation.is_some() && seen.node(*at).is_scan())
}

fn has_condition(node: &Node) -> bool {
    let it = &node.conditions;
    it.filter.is_some() || it.index_cond.is_some() || it.recheck_cond.is_some()
}

/// `events` of `events_12`: what the server calls the partitions of one table.
fn stem(alias: &str) -> &str {
    alias.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('_')
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    fn append(partitions: usize, with_rows: usize, table: &str) -> String {
        let mut text =
            "Append  (cost=0.0..900.0 rows=10 width=4) (actual time=0.1..300.0 rows=10 loops=1)\n"
                .to_owned();
        for number in 1..=partitions {
            let rows = usize::from(number <= with_rows);
            let name = if table.is_empty() {
                format!("other{}", "x".repeat(number))
            } else {
                format!("{table}_{number}")
            };
            let line = format!(
                "  ->  Seq Scan on {name}  (cost=0.0..90.0 rows=1 width=4) (actual time=0.1..10.0 rows={rows} loops=1)\n        \
                 Filter: (date_trunc('day'::text, at) = '2024-01-01'::date)\n"
            );
            text += &line;
        }
        text
    }

    #[test]
    fn the_limits_have_two_sides() {
        assert_eq!(found(&CHECK, &append(8, 3, "events")).len(), 1);
        assert_eq!(found(&CHECK, &append(8, 4, "events")).len(), 0);
        assert_eq!(found(&CHECK, &append(7, 1, "events")).len(), 0);
    }

    #[test]
    fn a_union_of_tables_is_no_partitioned_table() {
        assert_eq!(found(&CHECK, &append(12, 1, "").replace("otherx ", "first ")).len(), 0);
    }
}
