//! The entries that lead any ranking.

use std::collections::BTreeSet;

use dbvitals_model::pg::statement::Statement;

/// By what entries are ranked.
const RANKINGS: [fn(&Statement) -> f64; 11] = [
    |row| row.total_exec_time_ms,
    |row| row.mean_exec_time_ms,
    |row| row.calls as f64,
    |row| {
        row.block_read_time_ms
            + row.block_write_time_ms
            + row.temp_read_time_ms
            + row.temp_write_time_ms
    },
    |row| row.stddev_exec_time_ms,
    |row| (row.temp_blocks_read + row.temp_blocks_written) as f64,
    |row| row.wal_bytes as f64,
    |row| row.shared_blocks_read as f64,
    |row| row.rows as f64,
    |row| row.total_plan_time_ms,
    |row| row.jit_time_ms.unwrap_or(0.0),
];

/// The first `count` of each ranking, each entry once, by total time. Entries the server hides (without a query
/// id) and those with nothing to rank are left out.
pub fn leaders(rows: &[Statement], count: usize) -> Vec<Statement> {
    let mut chosen = BTreeSet::new();
    for rank in RANKINGS {
        let mut order: Vec<(f64, usize)> = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| row.query_id != 0)
            .map(|(place, row)| (rank(row), place))
            .filter(|(value, _)| *value > 0.0)
            .collect();
        order.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(&other.1)));
        chosen.extend(order.into_iter().take(count).map(|(_, place)| place));
    }
    let mut leaders: Vec<Statement> = chosen.into_iter().map(|place| rows[place].clone()).collect();
    leaders.sort_by(|one, other| other.total_exec_time_ms.total_cmp(&one.total_exec_time_ms));
    leaders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_ranking_has_its_leaders_and_each_leader_is_there_once() {
        let mut rows: Vec<Statement> = (1..=50)
            .map(|query_id| Statement {
                query_id,
                calls: query_id,
                total_exec_time_ms: 1000.0 - query_id as f64,
                ..Statement::default()
            })
            .collect();
        rows[30].wal_bytes = 7;
        rows.push(Statement { calls: 1_000_000, ..Statement::default() });
        let leaders: Vec<i64> = leaders(&rows, 3).iter().map(|row| row.query_id).collect();
        assert_eq!(leaders, [1, 2, 3, 31, 48, 49, 50]);
    }

    #[test]
    fn nothing_leads_where_nothing_ran() {
        assert_eq!(leaders(&[], 20), []);
        assert_eq!(leaders(&[Statement { query_id: 1, ..Statement::default() }], 20), []);
    }
}
