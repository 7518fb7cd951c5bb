//! Which statements are called once for each row that another returned, told from counters looked at many times.
//!
//! A page that lists orders and asks for each order's customer calls the second statement as often as the first
//! returned rows, whatever the load. Statements that merely share the load agree in the long run, but not from one
//! interval to the next: how many rows a list returns varies by chance, and only a true child follows that chance. So
//! the calls of a child are explained by a constant, by the load, by the calls of the list, and by its rows; it is a
//! pair where the rows explain what nothing else does.

pub mod candidates;
mod fit;
pub mod server;
#[cfg(test)]
pub(crate) mod simulation;
#[cfg(test)]
mod tests;

use dbvitals_model::pg::series::{Line, Series};

use self::{
    candidates::{Candidate, Child},
    fit::{Fit, correlation, mean, variance},
};

/// Intervals below which nothing is said.
pub const LEAST_INTERVALS: usize = 30;
/// Calls of the child below which nothing is said.
const LEAST_CALLS: f64 = 100.0;
/// Intervals in which the list must have been called.
const LEAST_BUSY: usize = 10;
/// Child calls per call of the list below which there is little to win.
const LEAST_REPEATS: f64 = 2.0;
/// How near calls per row must be to a whole number.
const TOLERANCE: f64 = 0.05;
/// Lists that are weighed against each other for one child.
const WEIGHED: usize = 3;
/// Rows of two lists that agree so well cannot be told apart.
const ALIKE: f64 = 0.995;
/// Correlation of the child's calls with what explains them.
const LEAST_CORRELATION: f64 = 0.95;
/// The same with the list's rows alone, from which on calls are looked for in the interval that follows as well.
const LEAST_LATE: f64 = 0.5;
/// How much better the list's rows must explain than all else does, in Fisher's measure: five standard errors.
const LEAST_FISHER: f64 = 25.0;
/// The load is taken for a cause of its own where without it more than so many times as much is left.
const LOAD_MATTERS: f64 = 2.0;
/// Variance left, against that of two statements that share nothing but the load.
const MOST_DISPERSION: f64 = 0.5;
/// Variation of rows per call below which rows and calls of a list say the same.
const STEADY: f64 = 0.005;

/// A list and the statement that is called for each of its rows.
#[derive(Debug, Clone)]
pub struct Pair<'a> {
    /// The list.
    pub parent: &'a Line,
    /// What is called for each of its rows.
    pub child: &'a Line,
    /// The tables, and the columns that link them.
    pub link: candidates::Link,
    /// Calls of the child for each row of the list: a whole number, less where some rows need none, or near to one
    /// where others call the child as well.
    pub per_row: f64,
    /// Calls of the child for each call of the list.
    pub repeats: f64,
    /// Calls of the child that this list explains, over all intervals.
    pub calls: f64,
    /// Calls of the list over the same intervals.
    pub lists: f64,
    /// Rows of the list over the same intervals.
    pub rows: f64,
    /// Correlation of the child's calls with all that explains them.
    pub correlation: f64,
    /// Intervals that were judged.
    pub intervals: usize,
    /// Other lists that return the same rows at the same time: any of them may be the cause.
    pub alternatives: Vec<&'a Line>,
}

/// The pairs among these statements, those that lose most calls first.
pub fn pairs<'a>(series: &'a Series, children: &[Child<'a>]) -> Vec<Pair<'a>> {
    let mut found: Vec<Pair<'a>> =
        children.iter().flat_map(|child| of_child(series, child)).collect();
    found.sort_by(|a, b| (b.calls - b.lists).total_cmp(&(a.calls - a.lists)));
    found
}

/// The numbers of one child and its candidates in the intervals that all of them have.
struct Numbers<'a> {
    calls: Vec<f64>,
    load: Vec<f64>,
    lists: Vec<List<'a>>,
}

#[derive(Clone)]
struct List<'a> {
    candidate: &'a Candidate<'a>,
    rows: Vec<f64>,
    calls: Vec<f64>,
    alternatives: Vec<&'a Line>,
}

/// The numbers if such a share of each is only seen an interval later.
fn late(all: &[f64], share: f64) -> Vec<f64> {
    let before = all.first().into_iter().chain(all);
    all.iter().zip(before).map(|(now, before)| now * (1.0 - share) + before * share).collect()
}

impl<'a> Numbers<'a> {
    /// The numbers as lookups follow them that take their time: a request near the end of an interval goes on in the
    /// next. `None` where no such share of a list's rows explains anything, or more than half, as no request does.
    fn late(&self, place: usize) -> Option<Self> {
        let rows = &self.lists[place].rows;
        if correlation(&self.calls, rows) < LEAST_LATE {
            return None;
        }
        let (later, constant) = (late(rows, 1.0), vec![1.0; rows.len()]);
        let mut columns: Vec<&[f64]> = vec![rows, &later, &constant, &self.load];
        let others = self.lists.iter().enumerate().filter(|(other, _)| *other != place);
        columns.extend(others.map(|(_, other)| other.rows.as_slice()));
        let fit = Fit::of(&self.calls, &columns)?;
        let share = fit.factors[1] / (fit.factors[0] + fit.factors[1]);
        let shifted = |list: &List<'a>| List {
            rows: late(&list.rows, share),
            calls: late(&list.calls, share),
            ..list.clone()
        };
        (share > 0.0 && share <= 0.5).then(|| Self {
            calls: self.calls.clone(),
            load: self.load.clone(),
            lists: self.lists.iter().map(shifted).collect(),
        })
    }
}

fn of_child<'a>(series: &'a Series, child: &Child<'a>) -> Vec<Pair<'a>> {
    let numbers = numbers(series, child);
    if numbers.calls.len() < LEAST_INTERVALS || numbers.calls.iter().sum::<f64>() < LEAST_CALLS {
        return Vec::new();
    }
    let found =
        |place| pair(&numbers, child, place).or_else(|| pair(&numbers.late(place)?, child, place));
    (0..numbers.lists.len()).filter_map(found).collect()
}

fn numbers<'a, 'b>(series: &'a Series, child: &'b Child<'a>) -> Numbers<'b> {
    let load = load(series, child);
    let is_known = |place: &usize| {
        let line = |line: &Line| line.calls[*place].is_some() && line.rows[*place].is_some();
        line(child.line) && child.candidates.iter().all(|it| line(it.line))
    };
    let known: Vec<usize> = (0..series.seconds.len()).filter(is_known).collect();
    let take = |all: &[Option<i64>]| -> Vec<f64> {
        known.iter().map(|place| all[*place].unwrap_or_default() as f64).collect()
    };
    let calls = take(&child.line.calls);
    let mut lists: Vec<List<'b>> = child
        .candidates
        .iter()
        .map(|candidate| List {
            candidate,
            rows: take(&candidate.line.rows),
            calls: take(&candidate.line.calls),
            alternatives: Vec::new(),
        })
        .filter(|list| list.rows.iter().filter(|rows| **rows > 0.0).count() >= LEAST_BUSY)
        .collect();
    lists.sort_by(|a, b| correlation(&calls, &b.rows).total_cmp(&correlation(&calls, &a.rows)));
    let mut kept: Vec<List<'b>> = Vec::new();
    for list in lists {
        let twin = kept.iter().position(|it| correlation(&it.rows, &list.rows) > ALIKE);
        if let Some(twin) = twin {
            kept[twin].alternatives.push(list.candidate.line);
        } else if kept.len() < WEIGHED {
            kept.push(list);
        }
    }
    Numbers { load: known.iter().map(|place| load[*place]).collect(), calls, lists: kept }
}

/// Calls of all that is neither a lookup nor one of the lists: the load, as far as it can be seen.
fn load(series: &Series, child: &Child<'_>) -> Vec<f64> {
    let is_list = |line: &Line| child.candidates.iter().any(|it| std::ptr::eq(it.line, line));
    let others: Vec<&Line> = series
        .lines
        .iter()
        .filter(|line| !is_list(line) && !child.lookups.iter().any(|it| std::ptr::eq(*it, *line)))
        .collect();
    let at = |place: usize| -> i64 { others.iter().filter_map(|it| it.calls[place]).sum() };
    let unnamed = |place: usize| series.other_calls.get(place).copied().unwrap_or(0);
    (0..series.seconds.len()).map(|place| (at(place) + unnamed(place)) as f64).collect()
}

fn is_whole(factor: f64) -> bool {
    factor.round() >= 1.0 && (factor - factor.round()).abs() <= TOLERANCE * factor.round()
}

/// What explains the calls of a child, with one of its lists.
struct Explained {
    /// Calls for each row.
    per_row: f64,
    correlation: f64,
    /// Squares left.
    left: f64,
    /// Whether the rows tell more than all the rest, the list's own calls included.
    is_by_rows: bool,
}

impl Explained {
    fn of(numbers: &Numbers<'_>, place: usize) -> Option<Self> {
        let (list, length) = (&numbers.lists[place], numbers.calls.len());
        let constant = vec![1.0; length];
        let mut columns: Vec<&[f64]> = vec![&list.rows, &constant];
        let others = numbers.lists.iter().enumerate().filter(|(other, _)| *other != place);
        columns.extend(others.map(|(_, other)| other.rows.as_slice()));
        let alone = Fit::of(&numbers.calls, &columns)?;
        if variance(&numbers.load) > 0.0 {
            columns.push(&numbers.load);
        }
        let with_load = Fit::of(&numbers.calls, &columns)?;
        columns.push(&list.calls);
        let with_calls = Fit::of(&numbers.calls, &columns)?;
        let without_rows = Fit::of(&numbers.calls, &columns[1..])?;
        let free = length.saturating_sub(columns.len()) as f64;
        let gained = without_rows.left - with_calls.left;
        // Load and rows rise and fall together: the load takes its share of the factor even where it is no cause.
        let usual = if alone.left > LOAD_MATTERS * with_load.left { &with_load } else { &alone };
        let all = [&with_load, &alone, &with_calls];
        let fit = all.into_iter().find(|fit| is_whole(fit.factors[0])).unwrap_or(usual);
        let squares = variance(&numbers.calls) * length as f64;
        Some(Self {
            per_row: fit.factors[0],
            correlation: (1.0 - fit.left / squares).max(0.0).sqrt(),
            left: fit.left,
            // Calls are counted in whole numbers: what is explained nearer than one of them is rounding.
            is_by_rows: gained >= LEAST_FISHER * (with_calls.left / free).max(1.0),
        })
    }
}

/// Whether how many rows the list returns varies, so that calls can follow it.
fn varies(list: &List<'_>) -> bool {
    let both = list.rows.iter().zip(&list.calls).filter(|(_, calls)| **calls > 0.0);
    let ratios: Vec<f64> = both.map(|(rows, calls)| rows / calls).collect();
    variance(&ratios).sqrt() > STEADY * mean(&ratios)
}

fn pair<'a>(numbers: &Numbers<'_>, child: &Child<'a>, place: usize) -> Option<Pair<'a>> {
    let list = &numbers.lists[place];
    let (total_calls, total_rows): (f64, f64) = (list.calls.iter().sum(), list.rows.iter().sum());
    let per_call = total_rows / total_calls.max(1.0);
    let it = Explained::of(numbers, place).filter(|_| per_call >= LEAST_REPEATS)?;
    let (per_row, is_whole) = (it.per_row, is_whole(it.per_row));
    // Without chance in the rows only a whole number tells a pair from calls that go by request.
    let is_proven = if varies(list) { it.is_by_rows } else { is_whole };
    let is_share = per_row < 1.0 - TOLERANCE;
    // What else calls the child under the same load takes or gives some: then the rows must prove it.
    let is_mixed = varies(list) && it.is_by_rows && per_row > 1.0;
    // Two statements that share the load alone would differ at least by the chance in each.
    let independent = mean(&numbers.calls) + per_row * per_row * per_call * mean(&list.rows);
    let is_near = it.left / numbers.calls.len() as f64 <= MOST_DISPERSION * independent;
    if it.correlation < LEAST_CORRELATION
        || per_row * per_call < LEAST_REPEATS
        || !is_proven
        || !(is_whole || is_share || is_mixed)
        || !is_near
    {
        return None;
    }
    let same = |line: &Line| child.candidates.iter().find(|it| std::ptr::eq(it.line, line));
    Some(Pair {
        parent: same(list.candidate.line)?.line,
        child: child.line,
        link: list.candidate.link.clone(),
        per_row,
        repeats: per_row * per_call,
        calls: per_row * total_rows,
        lists: total_calls,
        rows: total_rows,
        correlation: it.correlation,
        intervals: numbers.calls.len(),
        alternatives: list.alternatives.iter().filter_map(|line| Some(same(line)?.line)).collect(),
    })
}
