//! Facts about the machine a server runs on, read from `/proc` and its like.
#![expect(missing_docs, reason = "fields carry the kernel's own names and their unit in the name")]

use serde::{Deserialize, Serialize};

use crate::Section;

/// A machine and the targets it carries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostSnapshot {
    pub host: Host,
    /// Names of the targets that run on it.
    pub serves: Vec<String>,
}

/// Facts about one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Host {
    /// How the facts were read: `proc` (this machine) or `sql` (through the server).
    pub source: String,
    pub cpu_count: Option<u32>,
    /// Busy share of all cores over the sampled window; needs two reads.
    pub cpu: Section<CpuUse>,
    pub load: Section<LoadAverage>,
    pub memory: Section<Memory>,
    pub filesystems: Section<Vec<Filesystem>>,
    /// Rates over the sampled window; needs two reads.
    pub disks: Section<Vec<DiskUse>>,
    /// Rates over the sampled window; needs two reads.
    pub network: Section<Vec<NetworkUse>>,
    pub kernel: Section<Kernel>,
    /// Since an earlier snapshot.
    pub growth: Section<HostGrowth>,
}

/// Shares of CPU time, each between 0 and 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CpuUse {
    pub window_seconds: f64,
    pub busy_ratio: f64,
    pub iowait_ratio: f64,
    pub steal_ratio: f64,
}

/// Run-queue averages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LoadAverage {
    pub one: f64,
    pub five: f64,
    pub fifteen: f64,
}

/// `/proc/meminfo` and `/proc/vmstat`; inside a container the limit of its control group counts as the total.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    pub total_bytes: i64,
    pub available_bytes: i64,
    pub swap_total_bytes: i64,
    pub swap_free_bytes: i64,
    /// Pages swapped in and out per second over the window, where two reads exist.
    pub swap_pages_per_second: Option<f64>,
    pub huge_pages_total: Option<i64>,
    pub huge_pages_free: Option<i64>,
    pub huge_page_bytes: Option<i64>,
    /// Whether a control group limits memory below the machine's own.
    pub limited_by_cgroup: bool,
}

/// One mounted filesystem that holds something of interest.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filesystem {
    pub mount_point: String,
    /// What of the server lies there: `data`, `wal`, `tablespace NAME`, `redis`.
    pub purpose: String,
    pub total_bytes: i64,
    /// Free to an unprivileged process.
    pub available_bytes: i64,
    pub inodes_total: i64,
    pub inodes_free: i64,
}

/// One block device over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskUse {
    pub device: String,
    pub window_seconds: f64,
    pub busy_ratio: f64,
    pub reads_per_second: f64,
    pub writes_per_second: f64,
    /// Mean time per finished request; `None` when there was none.
    pub latency_ms: Option<f64>,
}

/// One network interface over the window.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkUse {
    pub interface: String,
    pub window_seconds: f64,
    pub received_bytes_per_second: f64,
    pub sent_bytes_per_second: f64,
    /// Link speed in bytes per second, where the driver tells.
    pub link_bytes_per_second: Option<f64>,
}

/// What filled up since an earlier snapshot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostGrowth {
    pub seconds: f64,
    pub filesystems: Vec<FilesystemGrowth>,
}

/// Bytes taken on a filesystem that kept its size; negative where space was given back.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FilesystemGrowth {
    pub mount_point: String,
    pub bytes: i64,
}

/// Kernel settings that matter to databases.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kernel {
    /// `always`, `madvise` or `never`.
    pub transparent_huge_pages: Option<String>,
    pub overcommit_memory: Option<i64>,
    pub overcommit_ratio: Option<i64>,
    pub swappiness: Option<i64>,
    pub somaxconn: Option<i64>,
    /// The scaling governor of the first core.
    pub cpu_governor: Option<String>,
}
