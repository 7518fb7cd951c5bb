//! Snapshots and the append-only file.

pub mod aof_failing;
pub mod aof_fsync_delayed;
pub mod aof_grown;
pub mod copy_on_write_exceeds_memory;
pub mod no_persistence;
pub mod save_failing;
pub mod save_points;
pub mod save_slow;
pub mod snapshot_old;
