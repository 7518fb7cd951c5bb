//! An error for the person at the terminal: what, why, and the one thing to do.

use std::fmt;

use dbvitals_model::Unavailable;

use crate::exit::Exit;

/// What ended a command early.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The exit code it leads to.
    pub(crate) exit: Exit,
    message: String,
    hint: Option<String>,
}

impl Problem {
    /// Wrong usage or configuration.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into(), hint: None }
    }

    /// No server could be connected to.
    pub(crate) fn unreachable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Connect, message: message.into(), hint: None }
    }

    /// A server that could not be looked at: why, and what to do.
    pub(crate) fn lost(target: &str, why: Unavailable) -> Self {
        let problem = Self::unreachable(format!("{target}: {}", why.detail));
        match why.remedy {
            Some(remedy) => problem.hint(remedy),
            None => problem,
        }
    }

    /// A defect.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, message: message.into(), hint: None }
    }

    /// What was seen has no form in JSON.
    #[expect(clippy::needless_pass_by_value, reason = "a function for `map_err`")]
    pub(crate) fn unwritten(error: serde_json::Error) -> Self {
        Self::internal(format!("cannot write JSON: {error}"))
    }

    /// The run was stopped by the user.
    pub(crate) fn interrupted() -> Self {
        Self { exit: Exit::Interrupted, message: "interrupted".to_owned(), hint: None }
    }

    /// The same problem, said to be in a certain place.
    pub(crate) fn within(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The same problem with the one thing to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// `; did you mean "x"?` for the nearest of the known words, or nothing when none is near.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(similarity, _)| *similarity > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
