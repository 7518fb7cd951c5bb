//! What the user typed to name a server.

/// A connection string, file or variable that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConninfoError(pub(crate) String);
