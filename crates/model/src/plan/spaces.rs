//! What a node used: blocks, memory, disk, log.

use serde::{Deserialize, Serialize};

/// Blocks, of the node and everything below it, over all loops and workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Buffers {
    /// Found in shared buffers.
    pub shared_hit: u64,
    /// Read from the operating system into shared buffers.
    pub shared_read: u64,
    /// Dirtied in shared buffers.
    pub shared_dirtied: u64,
    /// Written out of shared buffers by this backend itself.
    pub shared_written: u64,
    /// Found in local buffers (temporary tables).
    pub local_hit: u64,
    /// Read into local buffers.
    pub local_read: u64,
    /// Dirtied in local buffers.
    pub local_dirtied: u64,
    /// Written out of local buffers.
    pub local_written: u64,
    /// Read from temporary files (sorts, hashes).
    pub temp_read: u64,
    /// Written to temporary files.
    pub temp_written: u64,
    /// Time reading and writing, where `track_io_timing` is on.
    pub io: IoTimes,
}

/// Times of reading and writing, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IoTimes {
    /// Reading blocks of tables and indexes (up to 16 with those of temporary tables).
    pub read_ms: f64,
    /// Writing them.
    pub write_ms: f64,
    /// Reading temporary files (15 and later).
    pub temp_read_ms: f64,
    /// Writing them.
    pub temp_write_ms: f64,
}

/// Write-ahead log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wal {
    /// Records.
    pub records: u64,
    /// Full page images.
    pub full_page_images: u64,
    /// Bytes.
    pub bytes: u64,
}

/// Rows that were read and thrown away: the mean of all loops, as the server tells it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Removed {
    /// By `Filter`.
    pub by_filter: f64,
    /// By a condition of the index that had to be looked at again on the row.
    pub by_recheck: f64,
    /// By `Join Filter`.
    pub by_join_filter: f64,
}

/// What a sort took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sort {
    /// `quicksort`, `top-N heapsort`, `external merge` …
    pub method: String,
    /// Kilobytes it took.
    pub kb: u64,
    /// Whether these were on disk.
    pub on_disk: bool,
}

/// The table of a hash join.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HashTable {
    /// Buckets at the end.
    pub buckets: u64,
    /// Buckets planned.
    pub original_buckets: u64,
    /// Batches at the end; more than one is on disk.
    pub batches: u64,
    /// Batches planned.
    pub original_batches: u64,
    /// Kilobytes of memory at most.
    pub peak_kb: u64,
}

/// The memory of a hash aggregate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HashAggregate {
    /// Partitions the planner reckoned with; zero for none.
    pub planned_partitions: u64,
    /// Batches; more than one is on disk.
    pub batches: u64,
    /// Kilobytes of memory at most.
    pub peak_kb: u64,
    /// Kilobytes on disk.
    pub disk_kb: u64,
}

/// The cache of a `Memoize`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memoize {
    /// Lookups answered from the cache.
    pub hits: u64,
    /// Lookups that had to run the node below.
    pub misses: u64,
    /// Entries thrown out for want of memory.
    pub evictions: u64,
    /// Entries that alone were too large.
    pub overflows: u64,
    /// Kilobytes of memory at most.
    pub peak_kb: u64,
}

/// The pages a bitmap named.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HeapBlocks {
    /// Pages whose rows were named.
    pub exact: u64,
    /// Pages of which every row has to be looked at, for want of memory.
    pub lossy: u64,
}

impl Buffers {
    /// Blocks found or read, of tables, indexes and temporary tables.
    pub fn touched(&self) -> u64 {
        self.shared_hit
            .saturating_add(self.shared_read)
            .saturating_add(self.local_hit)
            .saturating_add(self.local_read)
    }

    /// Blocks of temporary files, read and written.
    pub fn temporary(&self) -> u64 {
        self.temp_read.saturating_add(self.temp_written)
    }

    /// What is left after taking away what a child used; never below zero.
    #[must_use]
    pub fn less(&self, child: &Self) -> Self {
        let less = |own: f64, child: f64| (own - child).max(0.0);
        Self {
            shared_hit: self.shared_hit.saturating_sub(child.shared_hit),
            shared_read: self.shared_read.saturating_sub(child.shared_read),
            shared_dirtied: self.shared_dirtied.saturating_sub(child.shared_dirtied),
            shared_written: self.shared_written.saturating_sub(child.shared_written),
            local_hit: self.local_hit.saturating_sub(child.local_hit),
            local_read: self.local_read.saturating_sub(child.local_read),
            local_dirtied: self.local_dirtied.saturating_sub(child.local_dirtied),
            local_written: self.local_written.saturating_sub(child.local_written),
            temp_read: self.temp_read.saturating_sub(child.temp_read),
            temp_written: self.temp_written.saturating_sub(child.temp_written),
            io: IoTimes {
                read_ms: less(self.io.read_ms, child.io.read_ms),
                write_ms: less(self.io.write_ms, child.io.write_ms),
                temp_read_ms: less(self.io.temp_read_ms, child.io.temp_read_ms),
                temp_write_ms: less(self.io.temp_write_ms, child.io.temp_write_ms),
            },
        }
    }
}
