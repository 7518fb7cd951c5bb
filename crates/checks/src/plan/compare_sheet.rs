//! Two plans compared, as a sheet.

use dbvitals_model::{Measure, Sheet, Unit};
use jiff::Timestamp;

use super::compare::{Comparison, Step};
use crate::words;

/// Changes shown.
const SHOWN: usize = 40;

/// The comparison of two plans; `names` are what the user calls them.
pub fn sheet(names: (&str, &str), at: Timestamp, comparison: &Comparison) -> Sheet {
    let target = format!("{} → {}", names.0, names.1);
    let mut sheet = Sheet::new("plan-comparison", &target, "two plans of one statement", at);
    let is_timed = comparison.time.is_some();
    if let Some((before, after)) = comparison.time {
        sheet.fact("time before", before, Unit::Ms, "EXPLAIN ANALYZE");
        sheet.fact("time after", after, Unit::Ms, "EXPLAIN ANALYZE");
    }
    if let Some((before, after)) = comparison.cost {
        sheet.fact("cost before", before, Unit::Count, "EXPLAIN");
        sheet.fact("cost after", after, Unit::Count, "EXPLAIN");
    }
    if let Some(ratio) = comparison.ratio() {
        sheet.note(verdict(ratio, is_timed));
    }
    let unit = if is_timed { Unit::Ms } else { Unit::Count };
    let (was, is) =
        if is_timed { ("time before", "time after") } else { ("cost before", "cost after") };
    let name = |step: &Option<Step>| {
        step.as_ref().map_or_else(|| "–".to_owned(), |step| format!("{} {}", step.path, step.title))
    };
    let figure = |step: &Option<Step>| {
        step.as_ref().map_or(Measure::from("–"), |step| Measure::from(step.own))
    };
    let rows = comparison.changes.iter().take(SHOWN).map(|change| {
        vec![
            Measure::from(name(&change.before)),
            Measure::from(name(&change.after)),
            figure(&change.before),
            figure(&change.after),
        ]
    });
    let columns = [("before", Unit::Text), ("after", Unit::Text), (was, unit), (is, unit)];
    sheet.table("changes", "Nodes that changed", &columns, rows.collect());
    if comparison.changes.is_empty() {
        sheet.note("Both plans have the same nodes.");
    } else if comparison.changes.len() > SHOWN {
        sheet.note(format!("{} more nodes changed.", comparison.changes.len() - SHOWN));
    }
    for risk in &comparison.risks {
        sheet.note(format!("Risk at node {} of the new plan: it {}.", risk.path, risk.text));
    }
    if !comparison.risks.is_empty() && !is_timed {
        sheet.note("Measure both (EXPLAIN ANALYZE) with usual and with unusual values before trusting the cost.");
    }
    sheet
}

fn verdict(ratio: f64, is_timed: bool) -> String {
    let by = if is_timed {
        "by the time measured"
    } else {
        "by the planner's cost; time was not measured in both"
    };
    if (0.95..=1.05).contains(&ratio) {
        format!("The new plan is as good as the old one {by}.")
    } else if ratio < 1.0 {
        format!("The new plan takes {} of the old one {by}.", words::percent(ratio))
    } else {
        format!("The new plan takes {ratio:.1} times the old one {by}.")
    }
}

#[cfg(test)]
mod tests {
    use super::{super::compare::compare, *};

    #[test]
    fn the_sheet_tells_both_and_the_verdict() {
        let read = |text: &str| dbvitals_query::plan::read(text).unwrap().remove(0);
        let before = read("Seq Scan on t  (cost=0.0..800.0 rows=1 width=4)");
        let after =
            read("Index Scan using i on t  (cost=0.0..8.0 rows=1 width=4)\n  Index Cond: (a = 1)");
        let sheet = sheet(("a", "b"), Timestamp::UNIX_EPOCH, &compare(&before, &after));
        assert_eq!(sheet.facts.len(), 2);
        assert_eq!(sheet.tables[0].rows.len(), 1);
        assert!(sheet.notes[0].contains("1 % of the old one"), "{:?}", sheet.notes);
    }
}
