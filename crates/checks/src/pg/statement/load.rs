//! What the server spends its time on: the statements of the window, or since their counters began.

use std::collections::BTreeMap;

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{
        statement::{Statement, Statements},
        window::Window,
    },
};

use crate::{check::Threshold, context::Context, skip::Skip, view::PgView, words};

/// Findings one check lists at most: what a person reads in one go.
pub const LISTED: usize = 20;

/// Shorter windows hold too few calls to judge a statement by.
const SHORTEST_WINDOW_SECONDS: f64 = 60.0;

/// The tag before everything this tool runs.
const OWN_TAG: &str = "/* dbvitals";

/// Below it, a statement is left alone whatever its shape.
pub static MIN_BUSY: Threshold = Threshold {
    key: "min_busy_ratio",
    unit: Unit::Ratio,
    default: 0.01,
    strict: None,
    range: (0.0, 1.0),
    why: "a statement that keeps one session busy for less than 1 % of the time (14 minutes a day) \
          gains nothing worth a change",
};

/// Statements with their totals, one entry per statement and database.
#[derive(Debug)]
pub struct Load {
    entries: Vec<Statement>,
    /// Calls of all statements, listed or not.
    pub calls: f64,
    /// Execution time of all statements, in milliseconds.
    pub time_ms: f64,
    /// WAL of all statements, in bytes.
    pub wal_bytes: f64,
    seconds: Option<f64>,
    is_window: bool,
}

impl Load {
    /// The window's statements where it is long enough, otherwise those since the counters began.
    pub fn of(
        pg: &PgView<'_>,
        statements: &Statements,
        window: Option<&Window>,
    ) -> Result<Self, Skip> {
        match window.filter(|window| window.seconds >= SHORTEST_WINDOW_SECONDS) {
            Some(window) => Ok(Self::in_window(window)),
            None => Self::since_reset(pg, statements),
        }
    }

    /// The statements since their counters began; skipped where the role may see none of them.
    pub fn since_reset(pg: &PgView<'_>, statements: &Statements) -> Result<Self, Skip> {
        let entries = merged(&statements.leaders);
        if entries.is_empty() && statements.leaders.iter().any(|s| s.query_id == 0) {
            let user = crate::sql::ident(&pg.server().user);
            return Err(Skip::permission(
                "the statements of other roles are hidden",
                format!("GRANT pg_read_all_stats TO {user};"),
            ));
        }
        let began = statements.since.or(pg.server().started_at);
        let listed = Self::listed(entries, pg.seconds_since(began), false);
        Ok(Self {
            calls: listed.calls.max(statements.total_calls as f64),
            time_ms: listed.time_ms.max(statements.total_exec_time_ms),
            wal_bytes: listed.wal_bytes.max(statements.total_wal_bytes as f64),
            ..listed
        })
    }

    fn in_window(window: &Window) -> Self {
        let listed = Self::listed(merged(&window.statements), Some(window.seconds), true);
        let wal = window.wal.as_ref().map_or(0.0, |wal| wal.bytes as f64);
        Self {
            calls: listed.calls.max(window.total_calls as f64),
            time_ms: listed.time_ms.max(window.total_exec_time_ms),
            wal_bytes: listed.wal_bytes.max(wal),
            ..listed
        }
    }

    fn listed(entries: Vec<Statement>, seconds: Option<f64>, is_window: bool) -> Self {
        let sum = |of: fn(&Statement) -> f64| entries.iter().map(of).sum();
        Self {
            calls: sum(|s| s.calls as f64),
            time_ms: sum(|s| s.total_exec_time_ms),
            wal_bytes: sum(|s| s.wal_bytes as f64),
            seconds,
            is_window,
            entries,
        }
    }

    /// Entries in falling order of a weight.
    pub fn by(&self, weight: impl Fn(&Statement) -> f64) -> impl Iterator<Item = &Statement> {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
        entries.into_iter()
    }

    /// Whether these are the differences of a window, not counters since their reset.
    pub fn is_window(&self) -> bool {
        self.is_window
    }

    /// The time covered in seconds, where it is known.
    pub fn seconds(&self) -> Option<f64> {
        self.seconds
    }

    /// Share of the execution time of all statements; 0 where there is none.
    pub fn time_ratio(&self, time_ms: f64) -> f64 {
        if self.time_ms > 0.0 { time_ms / self.time_ms } else { 0.0 }
    }

    /// Whether a time is enough to matter (`min_busy_ratio`); yes where the covered time is unknown.
    pub fn is_busy(&self, cx: &Context<'_>, time_ms: f64, object: &str) -> bool {
        // Statistics of seconds are counted as those of a minute: they prove as little.
        let covered = self.seconds.map(|seconds| seconds.max(SHORTEST_WINDOW_SECONDS));
        covered
            .is_none_or(|seconds| time_ms / (seconds * 1000.0) >= cx.limit_for(&MIN_BUSY, object))
    }

    /// The source of a figure, with what it covers.
    pub fn source(&self, column: &str) -> String {
        let covered = if self.is_window { "difference over the window" } else { "since its reset" };
        format!("pg_stat_statements.{column}, {covered}")
    }

    /// A finding about a statement: `statement 42 (select …) <problem>`, with what is known of it.
    pub fn finding(
        &self,
        cx: &Context<'_>,
        severity: Severity,
        statement: &Statement,
        problem: &str,
        advice: impl Into<String>,
    ) -> Finding {
        let id = name(statement);
        let text = statement.text.as_deref().unwrap_or("text hidden");
        let message = format!("statement {id} ({}) {problem}", words::shorten(text, 60));
        let subject = match &statement.database {
            Some(database) => Subject::within("statement", database, id),
            None => Subject::new("statement", id),
        };
        let time = statement.total_exec_time_ms;
        let found = cx
            .finding(severity, subject, message, advice)
            .with(Evidence::new(
                "text",
                words::shorten(text, 1000),
                Unit::Text,
                "pg_stat_statements",
            ))
            .with(Evidence::new("calls", statement.calls, Unit::Count, self.source("calls")))
            .with(Evidence::new(
                "mean time",
                mean_ms(statement),
                Unit::Ms,
                self.source("total_exec_time"),
            ))
            .with(Evidence::new(
                "share of all execution time",
                self.time_ratio(time),
                Unit::Ratio,
                self.source("total_exec_time"),
            ));
        match self.seconds {
            Some(seconds) if self.is_window => {
                found.with(Evidence::new("window", seconds, Unit::Seconds, "two snapshots"))
            }
            Some(seconds) => found.with(Evidence::new(
                "statistics age",
                seconds / 86_400.0,
                Unit::Days,
                "pg_stat_statements_info.stats_reset",
            )),
            None => found,
        }
    }
}

/// The finding with a threshold put to the measurement of that label.
pub fn held_against(mut found: Finding, label: &str, limit: f64) -> Finding {
    for evidence in found.evidence.iter_mut().filter(|evidence| evidence.label == label) {
        evidence.threshold = Some(limit.into());
    }
    found
}

/// The name a statement goes by: its query id.
pub fn name(statement: &Statement) -> String {
    statement.query_id.to_string()
}

/// Mean execution time in milliseconds; 0 without calls.
pub fn mean_ms(statement: &Statement) -> f64 {
    per_call(statement, statement.total_exec_time_ms)
}

/// An amount per call; 0 without calls.
pub fn per_call(statement: &Statement, amount: f64) -> f64 {
    if statement.calls > 0 { amount / statement.calls as f64 } else { 0.0 }
}

/// Time spent waiting for reads and writes, in milliseconds (`track_io_timing`).
pub fn io_ms(statement: &Statement) -> f64 {
    statement.block_read_time_ms
        + statement.block_write_time_ms
        + statement.temp_read_time_ms
        + statement.temp_write_time_ms
}

/// One entry per statement and database; our own and those that cannot be named left out.
fn merged(rows: &[Statement]) -> Vec<Statement> {
    let mut merged: BTreeMap<(Option<&str>, i64), Statement> = BTreeMap::new();
    let is_own = |row: &Statement| row.text.as_ref().is_some_and(|text| text.contains(OWN_TAG));
    for row in rows.iter().filter(|row| row.query_id != 0 && row.calls > 0 && !is_own(row)) {
        merged
            .entry((row.database.as_deref(), row.query_id))
            .and_modify(|sum| add(sum, row))
            .or_insert_with(|| row.clone());
    }
    merged.into_values().collect()
}

/// Adds the same statement of another user, or nested in a function.
fn add(sum: &mut Statement, other: &Statement) {
    let (n, m) = (sum.calls as f64, other.calls as f64);
    let mean = (sum.total_exec_time_ms + other.total_exec_time_ms) / (n + m);
    let square = |s: &Statement| s.stddev_exec_time_ms.powi(2) + mean_ms(s).powi(2);
    let variance = (n * square(sum) + m * square(other)) / (n + m) - mean.powi(2);
    sum.stddev_exec_time_ms = variance.max(0.0).sqrt();
    sum.mean_exec_time_ms = mean;
    sum.min_exec_time_ms = sum.min_exec_time_ms.min(other.min_exec_time_ms);
    sum.max_exec_time_ms = sum.max_exec_time_ms.max(other.max_exec_time_ms);
    if sum.user != other.user {
        sum.user = None;
    }
    if sum.text.is_none() {
        sum.text.clone_from(&other.text);
    }
    sum.calls += other.calls;
    sum.rows += other.rows;
    sum.total_exec_time_ms += other.total_exec_time_ms;
    sum.plans += other.plans;
    sum.total_plan_time_ms += other.total_plan_time_ms;
    sum.shared_blocks_hit += other.shared_blocks_hit;
    sum.shared_blocks_read += other.shared_blocks_read;
    sum.temp_blocks_read += other.temp_blocks_read;
    sum.temp_blocks_written += other.temp_blocks_written;
    sum.block_read_time_ms += other.block_read_time_ms;
    sum.block_write_time_ms += other.block_write_time_ms;
    sum.temp_read_time_ms += other.temp_read_time_ms;
    sum.temp_write_time_ms += other.temp_write_time_ms;
    sum.wal_bytes += other.wal_bytes;
    sum.jit_time_ms = match (sum.jit_time_ms, other.jit_time_ms) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::statement::sample::statement;

    #[test]
    fn the_same_statement_of_two_users_is_one_entry() {
        let other = Statement {
            user: Some("report".into()),
            calls: 3000,
            total_exec_time_ms: 90_000.0,
            max_exec_time_ms: 900.0,
            ..statement()
        };
        let merged = merged(&[statement(), other]);
        assert_eq!(merged.len(), 1);
        assert_eq!((merged[0].calls, merged[0].user.as_deref()), (4000, None));
        assert!((merged[0].mean_exec_time_ms - 25.0).abs() < 1e-9);
        assert!((merged[0].stddev_exec_time_ms - 75.0_f64.sqrt()).abs() < 1e-6);
        assert!((merged[0].max_exec_time_ms - 900.0).abs() < 1e-9);
    }

    #[test]
    fn our_own_statements_and_nameless_ones_are_left_out() {
        let own = Statement { text: Some("/* dbvitals */ select 1".into()), ..statement() };
        let hidden = Statement { query_id: 0, ..statement() };
        assert!(merged(&[own, hidden]).is_empty());
    }
}
