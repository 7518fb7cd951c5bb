//! Why a check could not judge.

use dbvitals_model::{Finding, Reason, Unavailable};

/// What a check says: findings (none means healthy), or why it could not look.
pub type Judged = Result<Vec<Finding>, Skip>;

/// Why a check, or a part of it, could not judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skip(pub Unavailable);

impl Skip {
    /// The question does not arise here (a standby's check on a primary).
    pub fn not_applicable(detail: impl Into<String>) -> Self {
        Self(Unavailable { reason: Reason::NotApplicable, detail: detail.into(), remedy: None })
    }

    /// Something has to be switched on first.
    pub fn disabled(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Unavailable::with_remedy(Reason::Disabled, detail, remedy))
    }

    /// The role lacks a privilege.
    pub fn permission(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Unavailable::with_remedy(Reason::Permission, detail, remedy))
    }

    /// What would be needed was not asked for.
    pub fn not_asked(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self(Unavailable::with_remedy(Reason::NotAsked, detail, remedy))
    }

    /// A window is needed and was not asked for.
    pub fn needs_window() -> Self {
        Self::not_asked("needs two looks at the counters", "run with --interval 10s")
    }

    /// Whether this leaves a real gap in what is known, rather than a question that does not arise.
    pub fn is_gap(&self) -> bool {
        !matches!(self.0.reason, Reason::NotApplicable | Reason::Version | Reason::NotAsked)
    }
}

impl From<&Unavailable> for Skip {
    fn from(why: &Unavailable) -> Self {
        Self(why.clone())
    }
}
