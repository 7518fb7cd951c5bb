//! One statement's entry seen twice.

use super::counter::keep_growth;
use crate::pg::statement::Statement;

/// What the calls between two looks did; `None` when the entry began anew in between or was not called.
pub(super) fn change(before: &Statement, after: &Statement) -> Option<Statement> {
    if before.stats_since != after.stats_since {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before:
        calls rows total_exec_time_ms plans total_plan_time_ms
        shared_blocks_hit shared_blocks_read shared_blocks_dirtied shared_blocks_written
        local_blocks_read temp_blocks_read temp_blocks_written
        block_read_time_ms block_write_time_ms temp_read_time_ms temp_write_time_ms
        wal_records wal_fpi wal_bytes jit_time_ms jit_functions);
    if row.calls == 0 {
        return None;
    }
    row.mean_exec_time_ms = row.total_exec_time_ms / row.calls as f64;
    if !is_possible(after, row.mean_exec_time_ms) {
        return None;
    }
    row.stddev_exec_time_ms = spread(before, after, &row);
    row.min_exec_time_ms = 0.0;
    if after.max_exec_time_ms <= before.max_exec_time_ms {
        row.max_exec_time_ms = 0.0;
    }
    Some(row)
}

/// Whether calls can have taken so long in the mean: neither less than the quickest nor more than the slowest. Until 16
/// an entry that was evicted and came back does not say so, but its time and its calls no longer belong together.
fn is_possible(after: &Statement, mean_ms: f64) -> bool {
    if after.stats_since.is_some() || after.max_exec_time_ms <= 0.0 {
        return true;
    }
    // The server sums up in floating point.
    let slack = after.max_exec_time_ms * 1e-6;
    (after.min_exec_time_ms - slack..=after.max_exec_time_ms + slack).contains(&mean_ms)
}

/// The standard deviation of the calls in between, from the sums of squares on both sides.
fn spread(before: &Statement, after: &Statement, change: &Statement) -> f64 {
    let squares = |row: &Statement| {
        row.calls as f64 * (row.stddev_exec_time_ms.powi(2) + row.mean_exec_time_ms.powi(2))
    };
    let grown = squares(after) - squares(before);
    let variance = grown / change.calls as f64 - change.mean_exec_time_ms.powi(2);
    // Rounding may leave a little less than nothing.
    if variance.is_finite() && variance > 0.0 { variance.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The entry after these calls, as the server would keep it.
    fn entry(times: &[f64]) -> Statement {
        let calls = times.len() as f64;
        let mean = times.iter().sum::<f64>() / calls;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / calls;
        Statement {
            calls: i64::try_from(times.len()).unwrap(),
            total_exec_time_ms: times.iter().sum(),
            mean_exec_time_ms: mean,
            stddev_exec_time_ms: variance.sqrt(),
            min_exec_time_ms: times.iter().copied().fold(f64::INFINITY, f64::min),
            max_exec_time_ms: times.iter().copied().fold(0.0, f64::max),
            ..Statement::default()
        }
    }

    #[test]
    fn mean_and_spread_are_those_of_the_new_calls() {
        let row = change(&entry(&[1.0, 9.0]), &entry(&[1.0, 9.0, 4.0, 6.0])).unwrap();
        assert_eq!(row.calls, 2);
        assert!((row.mean_exec_time_ms - 5.0).abs() < 1e-9);
        assert!((row.stddev_exec_time_ms - 1.0).abs() < 1e-6);
        assert!(row.max_exec_time_ms.abs() < 1e-9, "the record is older than the window");
        let row = change(&entry(&[1.0]), &entry(&[1.0, 9.0])).unwrap();
        assert!((row.max_exec_time_ms - 9.0).abs() < 1e-9, "the record was broken in the window");
    }

    #[test]
    fn an_entry_that_began_anew_or_rested_is_left_out() {
        let before = entry(&[5.0, 5.0]);
        assert_eq!(change(&before, &before), None, "not called");
        let anew = Statement { calls: 9, rows: 0, ..entry(&[1.0]) };
        assert_eq!(change(&before, &anew), None, "more calls, but the time fell");
        let evicted =
            Statement { stats_since: Some(jiff::Timestamp::UNIX_EPOCH), ..entry(&[5.0; 3]) };
        assert_eq!(change(&before, &evicted), None, "came back after eviction");
    }
}
