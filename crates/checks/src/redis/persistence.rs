//! Snapshots and the append-only file.
