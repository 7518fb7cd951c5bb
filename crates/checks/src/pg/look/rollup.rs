//! Sums of statements by database and by user.

use std::collections::BTreeMap;

use dbvitals_model::{Measure, Sheet, Unit, pg::statement::Statement};

use super::ranking::hit_ratio;
use crate::pg::statement::load::mean_ms;

/// Rows shown.
const ROWS: usize = 10;

/// Adds both tables.
pub(super) fn tables(sheet: &mut Sheet, all: &[&Statement], all_ms: f64) {
    let block = |of: fn(&Statement) -> Option<&str>| rows(all, all_ms, of);
    let columns = |name| {
        [
            (name, Unit::Text),
            ("statements", Unit::Count),
            ("calls", Unit::Count),
            ("total", Unit::Ms),
            ("share", Unit::Ratio),
            ("mean", Unit::Ms),
            ("hit ratio", Unit::Ratio),
            ("WAL", Unit::Bytes),
        ]
    };
    let by_database = block(|statement| statement.database.as_deref());
    sheet.table("by-database", "By database", &columns("database"), by_database);
    let by_user = block(|statement| statement.user.as_deref());
    sheet.table("by-user", "By user", &columns("user"), by_user);
}

fn rows(all: &[&Statement], all_ms: f64, of: fn(&Statement) -> Option<&str>) -> Vec<Vec<Measure>> {
    let mut sums: BTreeMap<Option<&str>, (i64, Statement)> = BTreeMap::new();
    for statement in all {
        let (count, sum) = sums.entry(of(statement)).or_default();
        *count += 1;
        sum.calls = sum.calls.saturating_add(statement.calls);
        sum.total_exec_time_ms += statement.total_exec_time_ms;
        sum.shared_blocks_hit = sum.shared_blocks_hit.saturating_add(statement.shared_blocks_hit);
        sum.shared_blocks_read =
            sum.shared_blocks_read.saturating_add(statement.shared_blocks_read);
        sum.wal_bytes = sum.wal_bytes.saturating_add(statement.wal_bytes);
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(_, (_, a)), (_, (_, b))| b.total_exec_time_ms.total_cmp(&a.total_exec_time_ms));
    let row = |(name, (count, sum)): (Option<&str>, (i64, Statement))| {
        vec![
            name.unwrap_or("(dropped)").into(),
            count.into(),
            sum.calls.into(),
            sum.total_exec_time_ms.into(),
            (if all_ms > 0.0 { sum.total_exec_time_ms / all_ms } else { 0.0 }).into(),
            mean_ms(&sum).into(),
            hit_ratio(&sum).unwrap_or(f64::NAN).into(),
            sum.wal_bytes.into(),
        ]
    };
    sums.into_iter().take(ROWS).map(row).collect()
}
