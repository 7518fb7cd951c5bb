//! A part of a snapshot: collected, or unavailable for a stated reason. Never silently empty.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A part of a snapshot that was either collected or could not be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Section<T> {
    /// The value, with whatever is known to be missing from it.
    Collected(Collected<T>),
    /// Why there is no value.
    Unavailable(Unavailable),
}

/// A collected value and what is known to be missing from it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Collected<T> {
    /// What was read.
    pub value: T,
    /// Parts that were passed over (a locked relation, rows beyond a limit); empty when complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Unavailable>,
}

/// Why something could not be read and what would open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unavailable {
    /// The class of the obstacle.
    pub reason: Reason,
    /// What happened, in one lowercase fragment.
    pub detail: String,
    /// The exact grant, setting or command that would open it, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The class of an obstacle to reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The server is too old (or too new) to have it.
    Version,
    /// An extension is not installed or not preloaded.
    Extension,
    /// The role lacks a privilege.
    Permission,
    /// The time or row budget ran out.
    Timeout,
    /// A setting switches it off.
    Disabled,
    /// An exclusive lock is in the way; we do not wait for locks.
    Locked,
    /// It does not exist for this role of server (a standby's receiver on a primary, say).
    NotApplicable,
    /// It was not asked for (a rate needs `--interval`).
    NotAsked,
    /// The connection was lost, or the server answered with an error.
    Failed,
}

impl Reason {
    /// Whether something broke or took too long, where a second try may go well.
    pub fn went_wrong(self) -> bool {
        matches!(self, Self::Failed | Self::Timeout)
    }
}

impl<T> Section<T> {
    /// A complete section.
    pub fn collected(value: T) -> Self {
        Self::Collected(Collected { value, gaps: Vec::new() })
    }

    /// A section that could not be read.
    pub fn unavailable(reason: Reason, detail: impl Into<String>) -> Self {
        Self::Unavailable(Unavailable { reason, detail: detail.into(), remedy: None })
    }

    /// The value, if it was collected.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Collected(collected) => Some(&collected.value),
            Self::Unavailable(_) => None,
        }
    }

    /// The value, or why there is none.
    pub fn get(&self) -> Result<&T, &Unavailable> {
        match self {
            Self::Collected(collected) => Ok(&collected.value),
            Self::Unavailable(why) => Err(why),
        }
    }
}

impl<T> Default for Section<T> {
    /// A section nobody asked for: what a snapshot holds before collection.
    fn default() -> Self {
        Self::unavailable(Reason::NotAsked, "not collected")
    }
}

impl Unavailable {
    /// An obstacle with the step that removes it.
    pub fn with_remedy(
        reason: Reason,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { reason, detail: detail.into(), remedy: Some(remedy.into()) }
    }
}
