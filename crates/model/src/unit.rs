//! Units of measured numbers. Values travel raw; only a renderer turns them into words.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a number counts. Names of fields and thresholds end in the same word (`lag_ms`, `size_bytes`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// A plain count (rows, scans, connections).
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Ms,
    /// Seconds.
    Seconds,
    /// Days.
    Days,
    /// A share between 0 and 1; shown as a percentage.
    Ratio,
    /// A factor (1.4 times).
    Factor,
    /// Events per second.
    PerSecond,
    /// Events per hour.
    PerHour,
    /// Bytes per second.
    BytesPerSecond,
    /// Transaction ids.
    Xids,
    /// Text, not a number.
    Text,
}
