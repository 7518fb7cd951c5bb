//! The exit codes, in one place.

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Nothing at or above `--fail-on`.
    Clean = 0,
    /// Findings at or above `--fail-on`.
    Findings = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// Some target or part could not be examined.
    Incomplete = 3,
    /// No target could be connected to.
    Connect = 4,
    /// A defect in dbvitals.
    Internal = 70,
    /// Stopped by the user (128 + SIGINT).
    Interrupted = 130,
}

/// The table for `--help` and the manual page.
pub(crate) const TABLE: &str = "\
Exit codes:
  0    no finding at or above --fail-on
  1    findings at or above --fail-on
  2    wrong usage or configuration
  3    incomplete: a target or a part of one could not be examined
  4    no target could be connected to
  70   internal error
  130  interrupted
`dbvitals check` uses the codes of monitoring plugins instead: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.";

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
