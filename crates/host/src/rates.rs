//! Differences of counters over the time between two looks.

use crate::{Raw, parse};

/// Seconds between two looks, by the machine's own uptime; `None` after a reboot or without time in between.
pub(crate) fn seconds_between(before: &Raw, after: &Raw) -> Option<f64> {
    let uptime = |raw: &Raw| parse::uptime(raw.file("/proc/uptime")?);
    Some(uptime(after)? - uptime(before)?).filter(|seconds| *seconds > 0.0)
}

/// How much a counter grew; `None` when it fell.
pub(crate) fn grown(before: u64, after: u64) -> Option<f64> {
    after.checked_sub(before).map(|difference| difference as f64)
}

/// A share between 0 and 1.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}
