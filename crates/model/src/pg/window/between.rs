//! The difference of two looks.

use std::collections::BTreeMap;

use super::{Look, Window, counter::keep_growth, statement_change};
use crate::pg::{
    counters::{Archiver, Checkpoints, Io, Wal},
    database::Database,
    relation::Relation,
    statement::Statement,
};

/// What happened between two looks `seconds` apart.
///
/// Whatever began anew in between (its reset time changed, a counter fell, the server restarted) is left out, as
/// is whatever only one look saw.
pub fn between(before: &Look, after: &Look, seconds: f64) -> Window {
    let mut window = Window { seconds, ..Window::default() };
    if before.started_at != after.started_at || !(seconds.is_finite() && seconds > 0.0) {
        return window;
    }
    window.databases = pairs(&before.databases, &after.databases, |row| row.oid, database);
    if before.statements_since == after.statements_since {
        window.statements =
            pairs(&before.statements, &after.statements, identity, statement_change::change);
    }
    window.total_calls =
        window.statements.iter().fold(0, |sum: i64, row| sum.saturating_add(row.calls));
    window.total_exec_time_ms = window.statements.iter().map(|row| row.total_exec_time_ms).sum();
    window.checkpoints = both(before.checkpoints.as_ref(), after.checkpoints.as_ref(), checkpoints);
    window.wal = both(before.wal.as_ref(), after.wal.as_ref(), wal);
    window.archiver = both(before.archiver.as_ref(), after.archiver.as_ref(), archiver);
    window.io = pairs(&before.io, &after.io, place, io);
    for (name, rows) in &after.relations {
        let earlier = before.relations.iter().find(|(other, _)| other == name);
        if let Some((_, earlier)) = earlier
            && has_same_epoch(before, after, name)
        {
            let rows = pairs(earlier, rows, |row| row.oid, relation);
            window.relations.push((name.clone(), rows));
        }
    }
    window
}

/// The statistics of a database's relations go with the database's own.
fn has_same_epoch(before: &Look, after: &Look, database: &str) -> bool {
    let reset = |look: &Look| {
        let row = look.databases.iter().find(|row| row.name == database);
        row.map(|row| (row.oid, row.stats_reset))
    };
    reset(before) == reset(after)
}

fn both<T>(
    before: Option<&T>,
    after: Option<&T>,
    change: impl Fn(&T, &T) -> Option<T>,
) -> Option<T> {
    change(before?, after?)
}

/// The changes of all rows that both looks have, in the order of the second. A key that a look holds twice
/// names no row.
fn pairs<T, K: Ord>(
    before: &[T],
    after: &[T],
    key: impl Fn(&T) -> K,
    change: impl Fn(&T, &T) -> Option<T>,
) -> Vec<T> {
    let earlier = unique(before, &key);
    let later = unique(after, &key);
    after
        .iter()
        .filter_map(|row| {
            let key = key(row);
            later.get(&key)?.as_ref()?;
            change(earlier.get(&key)?.as_ref()?, row)
        })
        .collect()
}

fn unique<'a, T, K: Ord>(rows: &'a [T], key: &impl Fn(&T) -> K) -> BTreeMap<K, Option<&'a T>> {
    let mut found = BTreeMap::new();
    for row in rows {
        found.entry(key(row)).and_modify(|seen| *seen = None).or_insert(Some(row));
    }
    found
}

fn identity(row: &Statement) -> (i64, Option<String>, Option<String>, bool) {
    (row.query_id, row.user.clone(), row.database.clone(), row.is_top_level)
}

fn place(row: &Io) -> (String, String, String) {
    (row.backend_type.clone(), row.object.clone(), row.context.clone())
}

fn database(before: &Database, after: &Database) -> Option<Database> {
    if before.stats_reset != after.stats_reset {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before:
        commits rollbacks blocks_read blocks_hit rows_returned rows_fetched rows_inserted rows_updated
        rows_deleted conflicts temp_files temp_bytes deadlocks checksum_failures block_read_time_ms
        block_write_time_ms session_time_ms active_time_ms idle_in_transaction_time_ms sessions
        sessions_abandoned sessions_fatal sessions_killed conflict_tablespace conflict_lock
        conflict_snapshot conflict_bufferpin conflict_deadlock);
    Some(row)
}

fn checkpoints(before: &Checkpoints, after: &Checkpoints) -> Option<Checkpoints> {
    if before.stats_reset != after.stats_reset {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before:
        timed requested done restartpoints_timed restartpoints_requested write_time_ms sync_time_ms
        buffers_checkpoint buffers_clean maxwritten_clean buffers_alloc buffers_backend
        buffers_backend_fsync);
    Some(row)
}

fn wal(before: &Wal, after: &Wal) -> Option<Wal> {
    if before.stats_reset != after.stats_reset {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before: records full_page_images bytes buffers_full position_bytes);
    Some(row)
}

fn archiver(before: &Archiver, after: &Archiver) -> Option<Archiver> {
    if before.stats_reset != after.stats_reset {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before: archived failed);
    Some(row)
}

fn io(before: &Io, after: &Io) -> Option<Io> {
    if before.stats_reset != after.stats_reset {
        return None;
    }
    let mut row = after.clone();
    keep_growth!(row since before:
        reads read_time_ms writes write_time_ms writebacks extends hits evictions reuses fsyncs
        fsync_time_ms read_bytes write_bytes);
    Some(row)
}

fn relation(before: &Relation, after: &Relation) -> Option<Relation> {
    let mut row = after.clone();
    keep_growth!(row since before:
        seq_scans seq_rows_read index_scans index_rows_fetched inserts updates deletes hot_updates
        vacuums autovacuums analyzes autoanalyzes heap_blocks_read heap_blocks_hit index_blocks_read
        index_blocks_hit);
    Some(row)
}

#[cfg(test)]
mod tests;
