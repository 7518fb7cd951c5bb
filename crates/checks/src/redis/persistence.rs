//! Snapshots and the append-only file.

pub mod aof_failing;
pub mod copy_on_write_exceeds_memory;
pub mod no_persistence;
pub mod save_failing;
pub mod save_points;
pub mod snapshot_old;
