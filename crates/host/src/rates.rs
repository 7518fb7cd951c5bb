//! Differences of counters over the time between two looks.

use crate::{Raw, parse};

/// Shortest window a rate is told of. The kernel counts time in hundredths of a second, and over less than this our
/// own work would be most of what is seen.
const SHORTEST_SECONDS: f64 = 1.0;

/// Why two looks give no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoWindow {
    /// A look did not tell the machine's uptime.
    Unknown,
    /// The machine was started in between.
    Rebooted,
    /// Less than [`SHORTEST_SECONDS`] passed.
    TooShort,
}

/// Seconds between two looks, by the machine's own uptime.
pub(crate) fn seconds_between(before: &Raw, after: &Raw) -> Result<f64, NoWindow> {
    let uptime = |raw: &Raw| raw.file("/proc/uptime").and_then(parse::uptime);
    let (Some(first), Some(last)) = (uptime(before), uptime(after)) else {
        return Err(NoWindow::Unknown);
    };
    match last - first {
        seconds if seconds < 0.0 => Err(NoWindow::Rebooted),
        seconds if seconds < SHORTEST_SECONDS => Err(NoWindow::TooShort),
        seconds => Ok(seconds),
    }
}

/// How much a counter grew; `None` when it fell.
pub(crate) fn grown(before: u64, after: u64) -> Option<f64> {
    after.checked_sub(before).map(|difference| difference as f64)
}

/// A share between 0 and 1.
pub(crate) fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { (part / whole).clamp(0.0, 1.0) } else { 0.0 }
}
