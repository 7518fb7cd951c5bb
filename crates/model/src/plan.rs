//! A plan: the tree of nodes `EXPLAIN` shows.

use serde::{Deserialize, Serialize};

/// One plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {}
