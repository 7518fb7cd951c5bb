//! The memory of the machine below, as far as it is known.

use dbvitals_model::{host::Host, redis::Info};

/// Share of the machine's memory a server may plan with: a snapshot or a rewrite of the append-only
/// file copies the pages that are written meanwhile, and clients and replicas need buffers.
pub const SAFE_SHARE: f64 = 0.75;

/// All memory the server could use, and where that is known from: the machine (or its control group)
/// where it was read, else `INFO`, which does not see control groups.
pub fn total(host: Option<&Host>, info: &Info) -> Option<(f64, &'static str)> {
    let read = host.and_then(|host| host.memory.value()).map(|memory| memory.total_bytes as f64);
    let told = || info.number("total_system_memory").map(|total| (total, "INFO memory"));
    read.map(|total| (total, "/proc/meminfo")).or_else(told).filter(|(total, _)| *total > 0.0)
}
