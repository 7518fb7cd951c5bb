//! Instance-wide counters: checkpoints, WAL, archiver, I/O, temporary files.
#![expect(missing_docs, reason = "fields carry the server's own names and their unit in the name")]

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Checkpoints and the background writer. Counters since `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Checkpoints {
    pub timed: i64,
    pub requested: i64,
    /// Checkpoints that were really done (18+; a timed one on an idle server is skipped).
    pub done: Option<i64>,
    pub restartpoints_timed: Option<i64>,
    pub restartpoints_requested: Option<i64>,
    pub write_time_ms: f64,
    pub sync_time_ms: f64,
    pub buffers_checkpoint: i64,
    pub buffers_clean: i64,
    pub maxwritten_clean: i64,
    pub buffers_alloc: i64,
    /// Buffers written by backends themselves (until 16; later in `pg_stat_io`).
    pub buffers_backend: Option<i64>,
    pub buffers_backend_fsync: Option<i64>,
    pub stats_reset: Option<Timestamp>,
}

/// `pg_stat_wal` (14+). Counters since `stats_reset`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wal {
    pub records: i64,
    pub full_page_images: i64,
    pub bytes: i64,
    pub buffers_full: i64,
    pub stats_reset: Option<Timestamp>,
    /// Position now, as bytes since the start of WAL; `None` on a standby.
    pub position_bytes: Option<i64>,
}

/// Size of the WAL directory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WalDirectory {
    pub files: i64,
    pub size_bytes: i64,
    /// Files waiting for the archiver; `None` where the role may not list them.
    pub ready_to_archive: Option<i64>,
}

/// `pg_stat_archiver`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Archiver {
    pub archived: i64,
    pub last_archived_wal: Option<String>,
    pub last_archived_at: Option<Timestamp>,
    pub failed: i64,
    pub last_failed_wal: Option<String>,
    pub last_failed_at: Option<Timestamp>,
    pub stats_reset: Option<Timestamp>,
}

/// One row of `pg_stat_io` (16+).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Io {
    pub backend_type: String,
    pub object: String,
    pub context: String,
    pub reads: i64,
    pub read_time_ms: f64,
    pub writes: i64,
    pub write_time_ms: f64,
    pub writebacks: i64,
    pub extends: i64,
    pub hits: i64,
    pub evictions: i64,
    pub reuses: i64,
    pub fsyncs: i64,
    pub fsync_time_ms: f64,
    pub read_bytes: i64,
    pub write_bytes: i64,
    pub stats_reset: Option<Timestamp>,
}

/// One row of `pg_stat_slru`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slru {
    pub name: String,
    pub blocks_hit: i64,
    pub blocks_read: i64,
    pub blocks_written: i64,
    pub stats_reset: Option<Timestamp>,
}

/// Temporary files that exist now, over all tablespaces.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TempFiles {
    pub files: i64,
    pub total_bytes: i64,
    pub largest_bytes: i64,
}
