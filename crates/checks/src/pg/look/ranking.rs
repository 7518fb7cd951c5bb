//! By what statements are ranked.

use dbvitals_model::{Unit, pg::statement::Statement};

use crate::pg::statement::load::{io_ms, mean_ms, per_call};

/// Blocks below which a share of hits says nothing.
pub const LEAST_BLOCKS: f64 = 1000.0;

/// By what statements are ranked, the highest first; for [`Rank::Hit`] the lowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rank {
    /// Execution time of all calls.
    Total,
    /// Execution time of a call.
    Mean,
    /// The longest call.
    Max,
    /// Calls.
    Calls,
    /// Rows answered or touched.
    Rows,
    /// Time spent waiting for reads and writes, where the server times them.
    Io,
    /// Blocks read from outside the server's cache: stands in for [`Rank::Io`] where nothing is timed.
    Reads,
    /// Standard deviation of a call's time.
    Spread,
    /// Blocks of temporary files.
    Temp,
    /// WAL written.
    Wal,
    /// Share of blocks found in the server's cache, of statements that touched [`LEAST_BLOCKS`].
    Hit,
    /// Time spent planning, where the server counts it.
    Planning,
}

impl Rank {
    /// What is ranked by, as a column's heading.
    pub fn label(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Calls => "calls",
            Self::Rows => "rows",
            Self::Io => "I/O time",
            Self::Reads => "blocks read",
            Self::Spread => "stddev",
            Self::Temp => "temp blocks",
            Self::Wal => "WAL",
            Self::Hit => "hit ratio",
            Self::Planning => "planning",
        }
    }

    /// The unit of [`Rank::value`].
    pub fn unit(self) -> Unit {
        match self {
            Self::Total | Self::Mean | Self::Max | Self::Io | Self::Spread | Self::Planning => {
                Unit::Ms
            }
            Self::Calls | Self::Rows | Self::Reads | Self::Temp => Unit::Count,
            Self::Wal => Unit::Bytes,
            Self::Hit => Unit::Ratio,
        }
    }

    /// What a statement is ranked by; `None` where it has nothing of it.
    pub fn value(self, statement: &Statement) -> Option<f64> {
        let value = match self {
            Self::Total => statement.total_exec_time_ms,
            Self::Mean => mean_ms(statement),
            Self::Max => statement.max_exec_time_ms,
            Self::Calls => statement.calls as f64,
            Self::Rows => statement.rows as f64,
            Self::Io => io_ms(statement),
            Self::Reads => statement.shared_blocks_read as f64,
            Self::Spread => statement.stddev_exec_time_ms,
            Self::Temp => (statement.temp_blocks_read + statement.temp_blocks_written) as f64,
            Self::Wal => statement.wal_bytes as f64,
            Self::Hit => {
                let touched = statement.shared_blocks_hit + statement.shared_blocks_read;
                return hit_ratio(statement).filter(|_| touched as f64 >= LEAST_BLOCKS);
            }
            Self::Planning => statement.total_plan_time_ms,
        };
        (value > 0.0).then_some(value)
    }

    /// The statements that have something of it, in order; those alike by their time, then by their id.
    pub fn order<'a>(self, all: impl Iterator<Item = &'a Statement>) -> Vec<(f64, &'a Statement)> {
        let mut order: Vec<(f64, &Statement)> =
            all.filter_map(|statement| Some((self.value(statement)?, statement))).collect();
        order.sort_by(|(a, one), (b, other)| {
            let by_value = if self == Self::Hit { a.total_cmp(b) } else { b.total_cmp(a) };
            by_value
                .then(other.total_exec_time_ms.total_cmp(&one.total_exec_time_ms))
                .then(one.query_id.cmp(&other.query_id))
        });
        order
    }
}

/// Share of the blocks it needed that were in the server's cache; `None` where it needed none.
pub fn hit_ratio(statement: &Statement) -> Option<f64> {
    let touched = (statement.shared_blocks_hit + statement.shared_blocks_read) as f64;
    (touched > 0.0).then(|| statement.shared_blocks_hit as f64 / touched)
}

/// Blocks of the server's cache a call touches.
pub fn blocks_per_call(statement: &Statement) -> f64 {
    per_call(statement, (statement.shared_blocks_hit + statement.shared_blocks_read) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(query_id: i64, mean: f64, calls: i64) -> Statement {
        Statement {
            query_id,
            calls,
            rows: calls * query_id,
            total_exec_time_ms: mean * calls as f64,
            shared_blocks_hit: 900 * query_id,
            shared_blocks_read: 500,
            ..Statement::default()
        }
    }

    fn ids(rank: Rank, all: &[Statement]) -> Vec<i64> {
        rank.order(all.iter()).iter().map(|(_, statement)| statement.query_id).collect()
    }

    #[test]
    fn each_ranking_has_its_own_order() {
        let all = [statement(1, 5.0, 100), statement(2, 50.0, 1), statement(3, 1.0, 900)];
        assert_eq!(ids(Rank::Total, &all), [3, 1, 2]);
        assert_eq!(ids(Rank::Mean, &all), [2, 1, 3]);
        assert_eq!(ids(Rank::Calls, &all), [3, 1, 2]);
        assert_eq!(ids(Rank::Hit, &all), [1, 2, 3], "the worst leads");
        assert_eq!(ids(Rank::Wal, &all), [] as [i64; 0], "nobody wrote");
    }

    #[test]
    fn a_share_of_few_blocks_is_none() {
        let few =
            Statement { shared_blocks_hit: 0, shared_blocks_read: 999, ..statement(1, 1.0, 1) };
        let enough = Statement { shared_blocks_read: 1000, ..few.clone() };
        assert_eq!((Rank::Hit.value(&few), Rank::Hit.value(&enough)), (None, Some(0.0)));
    }
}
