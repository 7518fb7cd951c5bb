//! Counters of statements looked at many times, a few seconds apart.

use super::statement::Statement;

/// What each statement did between every two looks that followed each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    /// Length of each interval in seconds.
    pub seconds: Vec<f64>,
    /// One line for each statement that was called.
    pub lines: Vec<Line>,
}

/// One statement over all intervals.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// As it was seen last, with its text.
    pub statement: Statement,
    /// Calls in each interval; not a number where the counter began anew.
    pub calls: Vec<f64>,
    /// Rows in each interval, likewise.
    pub rows: Vec<f64>,
}

/// One look: its second since the first, and all counters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Moment {
    /// Seconds since the first look.
    pub second: f64,
    /// All statements, without texts.
    pub statements: Vec<Statement>,
}

impl Series {
    /// The differences of looks in order. `last` names the statements and has their texts.
    pub fn of(moments: &[Moment], last: &[Statement]) -> Self {
        let key =
            |it: &Statement| (it.query_id, it.user.clone(), it.database.clone(), it.is_top_level);
        let by_key = |moment: &Moment| -> std::collections::BTreeMap<_, (i64, i64)> {
            moment.statements.iter().map(|it| (key(it), (it.calls, it.rows))).collect()
        };
        let looks: Vec<_> = moments.iter().map(by_key).collect();
        let seconds = moments.windows(2).map(|two| two[1].second - two[0].second).collect();
        let line = |statement: &Statement| {
            let own = key(statement);
            let counts: Vec<Option<(i64, i64)>> =
                looks.iter().map(|look| look.get(&own).copied()).collect();
            let grown = |of: fn((i64, i64)) -> i64| -> Vec<f64> {
                counts.windows(2).map(|two| growth(two[0].map(of), two[1].map(of))).collect()
            };
            let calls = grown(|(calls, _)| calls);
            let rows = grown(|(_, rows)| rows);
            Line { statement: statement.clone(), calls, rows }
        };
        let is_called = |line: &Line| line.calls.iter().any(|calls| *calls > 0.0);
        let known = last.iter().filter(|it| it.query_id != 0).map(line).filter(is_called);
        Self { seconds, lines: known.collect() }
    }
}

/// What came to a counter; an entry that was not there yet, or is gone, did nothing that can be told.
fn growth(before: Option<i64>, after: Option<i64>) -> f64 {
    match (before, after) {
        (Some(before), Some(after)) if after >= before => (after - before) as f64,
        (None, Some(after)) => after as f64,
        (None, None) => 0.0,
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(second: f64, counts: &[(i64, i64)]) -> Moment {
        let statement = |(query_id, calls): &(i64, i64)| Statement {
            query_id: *query_id,
            calls: *calls,
            rows: 10 * calls,
            ..Statement::default()
        };
        Moment { second, statements: counts.iter().map(statement).collect() }
    }

    #[test]
    fn lines_hold_differences_and_what_began_anew_is_no_number() {
        let moments = [
            moment(0.0, &[(1, 5), (2, 7)]),
            moment(2.0, &[(1, 8), (2, 7)]),
            moment(4.5, &[(1, 1), (2, 7), (3, 4)]),
        ];
        let last = &moments[2].statements;
        let series = Series::of(&moments, last);
        assert_eq!(series.seconds, [2.0, 2.5]);
        assert_eq!(series.lines.len(), 2, "the second was not called");
        assert!((series.lines[0].rows[0] - 30.0).abs() < 1e-9 && series.lines[0].calls[1].is_nan());
        assert_eq!(series.lines[1].calls, [0.0, 4.0], "it came while we looked");
    }
}
