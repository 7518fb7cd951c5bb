//! What a server's log tells: statements by fingerprint, errors, waits, maintenance.

use serde::{Deserialize, Serialize};

/// Everything read of one log.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogSnapshot {}
