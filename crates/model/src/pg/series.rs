//! Counters of statements looked at many times: what each statement did in every interval between two looks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::statement::Statement;

/// What the statements did between every two looks that followed each other.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Series {
    /// Length of each interval in seconds.
    pub seconds: Vec<f64>,
    /// Statements that were called, most calls first.
    pub lines: Vec<Line>,
    /// Calls in each interval of all statements that have no line.
    pub other_calls: Vec<i64>,
    /// Time the server spent on all looks, by its own clock.
    pub server_ms: f64,
}

/// One statement over all intervals.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// The server's id of the statement.
    pub query_id: i64,
    /// Whose sessions called it.
    pub user: Option<String>,
    /// In which database.
    pub database: Option<String>,
    /// `false`: nested in a function (14+).
    pub is_top_level: bool,
    /// Normalised text, where the role may see it.
    pub text: Option<String>,
    /// Mean execution time of all that was counted, in milliseconds.
    pub mean_ms: f64,
    /// Calls in each interval; `None` where the counter began anew.
    pub calls: Vec<Option<i64>>,
    /// Rows in each interval, likewise.
    pub rows: Vec<Option<i64>>,
}

/// What a look tells of one statement.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields are those of a statement")]
pub struct Count {
    pub query_id: i64,
    pub user: Option<String>,
    pub database: Option<String>,
    pub is_top_level: bool,
    pub calls: i64,
    pub rows: i64,
}

/// Looks added up one by one. Of a statement that nobody calls nothing is kept but its last counters.
#[derive(Debug, Clone, Default)]
pub struct Looks {
    last_second: Option<f64>,
    seconds: Vec<f64>,
    statements: BTreeMap<Key, Counted>,
}

type Key = (i64, Option<String>, Option<String>, bool);

/// What came to the counters of one statement, in the intervals in which something did.
#[derive(Debug, Clone, Default)]
struct Counted {
    /// `None`: the last look did not find it.
    last: Option<(i64, i64)>,
    /// Looks made when it was last seen.
    seen: usize,
    moved: Vec<(usize, Option<i64>, Option<i64>)>,
}

impl Counted {
    fn calls(&self) -> i64 {
        self.moved.iter().filter_map(|(_, calls, _)| *calls).sum()
    }

    fn rows(&self) -> i64 {
        self.moved.iter().filter_map(|(_, _, rows)| *rows).sum()
    }

    /// What came in each interval.
    fn line(&self, intervals: usize, of: fn(&Self, usize) -> Option<i64>) -> Vec<Option<i64>> {
        let mut line = vec![Some(0); intervals];
        for (place, (interval, ..)) in self.moved.iter().enumerate() {
            line[*interval] = of(self, place);
        }
        line
    }
}

impl Looks {
    /// Adds a look, made so many seconds after some beginning; looks come in order.
    pub fn add(&mut self, second: f64, counts: Vec<Count>) {
        let interval = self.seconds.len();
        let looks = self.made() + 1;
        let before = self.last_second.replace(second);
        if let Some(before) = before {
            self.seconds.push(second - before);
        }
        for count in counts.into_iter().filter(|count| count.query_id != 0) {
            let now = (count.calls, count.rows);
            let key = (count.query_id, count.user, count.database, count.is_top_level);
            let known = self.statements.entry(key).or_default();
            let last = known.last.replace(now);
            known.seen = looks;
            // An entry that was not there yet, or was thrown out before, began with nothing.
            let (calls, rows) = last.unwrap_or_default();
            if before.is_some() && (calls, rows) != now {
                known.moved.push((interval, came(calls, now.0), came(rows, now.1)));
            }
        }
        for gone in self.statements.values_mut().filter(|it| it.seen != looks) {
            if gone.last.take().is_some() {
                gone.moved.push((interval, None, None));
            }
        }
    }

    /// Looks added so far.
    pub fn made(&self) -> usize {
        self.seconds.len() + usize::from(self.last_second.is_some())
    }

    /// The lines of the statements called most and of those that returned most rows, so many of each, by name; what
    /// else was called goes into one sum. `last` names the statements that count, with their texts. Costs are the
    /// caller's to fill in.
    pub fn series(&self, last: &[Statement], kept: usize) -> Series {
        let called: Vec<(&Statement, &Counted)> = last
            .iter()
            .filter_map(|it| {
                let key = (it.query_id, it.user.clone(), it.database.clone(), it.is_top_level);
                let counted = self.statements.get(&key)?;
                (counted.calls() > 0).then_some((it, counted))
            })
            .collect();
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        for rank in [Counted::calls, Counted::rows] {
            let named = called.iter().enumerate().filter(|(_, (it, _))| it.text.is_some());
            let mut order: Vec<(i64, usize)> =
                named.map(|(place, (_, counted))| (rank(counted), place)).collect();
            order.sort_by(|one, other| other.0.cmp(&one.0).then(one.1.cmp(&other.1)));
            chosen.extend(order.into_iter().take(kept).map(|(_, place)| place));
        }
        let mut series = Series {
            seconds: self.seconds.clone(),
            other_calls: vec![0; self.seconds.len()],
            ..Series::default()
        };
        for (place, (statement, counted)) in called.iter().enumerate() {
            if chosen.contains(&place) {
                series.lines.push(self.line(statement, counted));
            } else {
                for (interval, calls, _) in &counted.moved {
                    series.other_calls[*interval] += calls.unwrap_or(0);
                }
            }
        }
        let sum = |line: &Line| -> i64 { line.calls.iter().flatten().sum() };
        series.lines.sort_by_key(|line| std::cmp::Reverse(sum(line)));
        series
    }

    fn line(&self, statement: &Statement, counted: &Counted) -> Line {
        let intervals = self.seconds.len();
        let calls = statement.calls.max(1) as f64;
        Line {
            query_id: statement.query_id,
            user: statement.user.clone(),
            database: statement.database.clone(),
            is_top_level: statement.is_top_level,
            text: statement.text.clone(),
            mean_ms: statement.total_exec_time_ms / calls,
            calls: counted.line(intervals, |it, place| it.moved[place].1),
            rows: counted.line(intervals, |it, place| it.moved[place].2),
        }
    }
}

/// What came to a counter; nothing that can be told where it fell.
fn came(before: i64, after: i64) -> Option<i64> {
    after.checked_sub(before).filter(|came| *came >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count((query_id, calls): &(i64, i64)) -> Count {
        Count { query_id: *query_id, calls: *calls, rows: 10 * calls, ..Count::default() }
    }

    fn looks(all: &[(f64, &[(i64, i64)])]) -> Looks {
        let mut looks = Looks::default();
        for (second, counts) in all {
            looks.add(*second, counts.iter().map(count).collect());
        }
        looks
    }

    fn statement(query_id: i64) -> Statement {
        let text = Some(format!("select {query_id}"));
        Statement { query_id, text, calls: 4, total_exec_time_ms: 2.0, ..Statement::default() }
    }

    #[test]
    fn lines_hold_differences_and_what_began_anew_is_no_number() {
        let looks = looks(&[
            (0.0, &[(1, 5), (2, 7)]),
            (2.0, &[(1, 8), (2, 7)]),
            (4.5, &[(1, 1), (2, 7), (3, 4)]),
        ]);
        let series = looks.series(&[1, 2, 3].map(statement), 10);
        assert_eq!((looks.made(), series.seconds.as_slice()), (3, [2.0, 2.5].as_slice()));
        assert_eq!(series.lines.len(), 2, "the second was not called");
        assert_eq!(series.lines[0].query_id, 3);
        assert_eq!(series.lines[0].calls, [Some(0), Some(4)], "it came while we looked");
        assert_eq!(series.lines[1].rows, [Some(30), None]);
        assert!((series.lines[1].mean_ms - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_entry_thrown_out_and_back_again_is_no_number_once() {
        let looks = looks(&[(0.0, &[(1, 5)]), (1.0, &[]), (2.0, &[(1, 2)]), (3.0, &[(1, 3)])]);
        let series = looks.series(&[statement(1)], 10);
        assert_eq!(series.lines[0].calls, [None, Some(2), Some(1)]);
    }

    #[test]
    fn what_leads_neither_ranking_or_has_no_text_is_one_sum() {
        let looks = looks(&[
            (0.0, &[(1, 0), (2, 0), (3, 0), (4, 0)]),
            (1.0, &[(1, 9), (2, 7), (3, 2), (4, 5)]),
            (2.0, &[(1, 9), (2, 8), (3, 3), (4, 9)]),
        ]);
        let mut last: Vec<Statement> = (1..=4).map(statement).collect();
        last[3].text = None;
        let series = looks.series(&last, 1);
        assert_eq!(series.lines.iter().map(|line| line.query_id).collect::<Vec<_>>(), [1]);
        assert_eq!(series.other_calls, [14, 6]);
        // Whom nobody names is our own.
        assert_eq!(looks.series(&last[..2], 1).other_calls, [7, 1]);
    }

    #[test]
    fn a_series_survives_a_file() {
        let looks = looks(&[(0.0, &[(1, 5)]), (2.0, &[(1, 8)]), (4.0, &[(1, 1)])]);
        let series = looks.series(&[statement(1)], 10);
        let text = serde_json::to_string(&series).unwrap();
        assert_eq!(serde_json::from_str::<Series>(&text).unwrap(), series);
    }
}
