//! Checkpoints and autovacuum.

use dbvitals_model::log::{Checkpoints, Maintained};

use crate::{
    event::{Cause, Event},
    moment::Micros,
    names::ByHash,
    record::{Record, text},
    shape::mixer::number_of,
};

/// Tables that are kept.
const TABLES: usize = 5000;

/// What was done so far.
#[derive(Debug, Default)]
pub(super) struct MaintenanceSum {
    pub(super) checkpoints: Checkpoints,
    pub(super) has_checkpoints: bool,
    pub(super) tables: ByHash<(Maintained, Option<Micros>)>,
    pub(super) dropped: i64,
}

fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

impl MaintenanceSum {
    pub(super) fn add(&mut self, record: &Record<'_>, event: &Event<'_>) {
        let sum = &mut self.checkpoints;
        match event {
            Event::CheckpointStarted(cause) => {
                self.has_checkpoints = true;
                match cause {
                    Cause::Time => sum.by_time += 1,
                    Cause::Wal => sum.by_wal += 1,
                    Cause::Other => sum.by_other += 1,
                }
            }
            Event::CheckpointDone(done) => {
                self.has_checkpoints = true;
                sum.complete += 1;
                sum.buffers += done.buffers;
                sum.write_seconds += seconds(done.write);
                sum.sync_seconds += seconds(done.sync);
                sum.longest_sync_seconds = sum.longest_sync_seconds.max(seconds(done.longest_sync));
                sum.total_seconds += seconds(done.total);
                sum.longest_seconds = sum.longest_seconds.max(seconds(done.total));
                sum.wal_bytes = sum.wal_bytes.saturating_add(done.distance_kb.saturating_mul(1024));
            }
            Event::CheckpointsTooFrequent(apart) => {
                self.has_checkpoints = true;
                sum.too_frequent += 1;
                let closest = sum.closest_seconds.map_or(*apart, |closest| closest.min(*apart));
                sum.closest_seconds = Some(closest);
            }
            Event::Vacuumed(done) => {
                let Some(table) = self.table(done.table, record.time) else { return };
                table.vacuums += 1;
                table.aggressive += i64::from(done.is_aggressive);
                table.to_prevent_wraparound += i64::from(done.prevents_wraparound);
                table.elapsed_seconds += seconds(done.elapsed);
                table.longest_seconds = table.longest_seconds.max(seconds(done.elapsed));
                table.rows_removed = table.rows_removed.saturating_add(done.removed);
                table.rows_remain = done.remain;
                table.dead_not_removable = done.dead;
                table.most_dead_not_removable = table.most_dead_not_removable.max(done.dead);
                table.in_vain += i64::from(done.removed == 0 && done.dead > 0);
                table.several_index_scans += i64::from(done.index_scans > 1);
                table.pages_remain = done.pages_remain;
                table.wal_bytes = table.wal_bytes.saturating_add(done.wal_bytes);
            }
            Event::Analyzed { table, micros } => {
                let Some(table) = self.table(table, record.time) else { return };
                table.analyzes += 1;
                table.elapsed_seconds += seconds(*micros);
                table.longest_seconds = table.longest_seconds.max(seconds(*micros));
            }
            _ => {}
        }
    }

    fn table(&mut self, name: &[u8], time: Option<Micros>) -> Option<&mut Maintained> {
        let key = number_of(name);
        if !self.tables.contains_key(&key) && self.tables.len() >= TABLES {
            self.dropped += 1;
            return None;
        }
        let (table, last) = self.tables.entry(key).or_insert_with(|| {
            (Maintained { name: text(name, 200), ..Maintained::default() }, None)
        });
        *last = time.or(*last);
        Some(table)
    }
}
