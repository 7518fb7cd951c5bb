//! What befell the server, and what errors are about.

use memchr::memmem;

use super::Event;
use crate::{record::Record, severity::Severity};

/// What befell the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the variants are what happened")]
pub enum IncidentKind {
    Crash,
    Start,
    Shutdown,
    Recovery,
    Archiver,
    Replication,
    Slot,
    Corruption,
    Wraparound,
    Disk,
    Memory,
}

impl IncidentKind {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Recovery => "recovery",
            Self::Archiver => "archiver",
            Self::Replication => "replication",
            Self::Slot => "slot",
            Self::Corruption => "corruption",
            Self::Wraparound => "wraparound",
            Self::Disk => "disk",
            Self::Memory => "memory",
        }
    }
}

/// Beginnings of messages.
const BEGINNINGS: &[(&[u8], IncidentKind)] = &[
    (b"database system is ready to accept ", IncidentKind::Start),
    (b"received fast shutdown request", IncidentKind::Shutdown),
    (b"received smart shutdown request", IncidentKind::Shutdown),
    (b"received immediate shutdown request", IncidentKind::Shutdown),
    (b"database system was not properly shut down", IncidentKind::Recovery),
    (b"archive command failed", IncidentKind::Archiver),
    (b"archive command was terminated", IncidentKind::Archiver),
    (b"archiving write-ahead log file", IncidentKind::Archiver),
    (b"terminating walsender process due to replication timeout", IncidentKind::Replication),
    (b"terminating walreceiver due to timeout", IncidentKind::Replication),
    (b"could not receive data from WAL stream", IncidentKind::Replication),
    (b"could not connect to the primary server", IncidentKind::Replication),
    (b"requested WAL segment", IncidentKind::Replication),
    (b"invalidating obsolete replication slot", IncidentKind::Slot),
    (b"invalidating slot ", IncidentKind::Slot),
    (b"invalid page in block", IncidentKind::Corruption),
    (b"page verification failed", IncidentKind::Corruption),
    (b"database is not accepting commands", IncidentKind::Wraparound),
    (b"database with OID", IncidentKind::Wraparound),
    (b"out of memory", IncidentKind::Memory),
];

/// The event of a message of severity `LOG`.
pub(super) fn event(message: &[u8]) -> Option<Event<'_>> {
    incident(message).map(Event::Incident)
}

/// What befell the server, by any message.
pub fn incident(message: &[u8]) -> Option<IncidentKind> {
    let found = BEGINNINGS.iter().find(|(beginning, _)| message.starts_with(beginning));
    if let Some((_, kind)) = found {
        return Some(*kind);
    }
    let has = |mark: &[u8]| memmem::find(message, mark).is_some();
    if message.starts_with(b"database \"") && has(b"must be vacuumed within") {
        return Some(IncidentKind::Wraparound);
    }
    // `server process`, `client backend`, `startup process`, `checkpointer process` …; one that `exited with exit code 1`
    // is a session that ended badly, no more.
    if has(b" (PID ") && (has(b"was terminated by signal") || has(b"terminated by exception")) {
        return Some(IncidentKind::Crash);
    }
    let fails = message.starts_with(b"could not ") || message.starts_with(b"PANIC");
    (fails && has(b"No space left on device")).then_some(IncidentKind::Disk)
}

/// Beginnings of messages of errors, and what they are about.
const CLASSES: &[(&[u8], &str)] = &[
    (b"canceling statement due to statement timeout", "statement timeout"),
    (b"canceling statement due to lock timeout", "lock timeout"),
    (b"canceling statement due to user request", "cancelled"),
    (b"canceling statement due to conflict with recovery", "recovery conflict"),
    (b"terminating connection due to conflict with recovery", "recovery conflict"),
    (b"canceling autovacuum task", "autovacuum cancelled"),
    (b"terminating connection due to idle-in-transaction timeout", "idle timeout"),
    (b"terminating connection due to idle-session timeout", "idle timeout"),
    (b"terminating connection due to transaction timeout", "transaction timeout"),
    (b"terminating connection due to administrator command", "terminated"),
    (b"terminating connection because of crash", "crash"),
    (b"password authentication failed", "authentication"),
    (b"no pg_hba.conf entry", "authentication"),
    (b"pg_hba.conf rejects", "authentication"),
    (b"role \"", "authentication"),
    (b"sorry, too many clients already", "connections"),
    (b"remaining connection slots are reserved", "connections"),
    (b"too many connections for", "connections"),
    (b"deadlock detected", "deadlock"),
    (b"could not serialize access", "serialization"),
    (b"could not obtain lock", "lock not available"),
    (b"the database system is ", "starting or stopping"),
    (b"out of shared memory", "resources"),
    (b"duplicate key value", "constraint"),
    (b"insert or update on table", "constraint"),
    (b"update or delete on table", "constraint"),
    (b"null value in column", "constraint"),
    (b"new row for relation", "constraint"),
    (b"syntax error", "syntax"),
    (b"relation \"", "unknown name"),
    (b"column ", "unknown name"),
    (b"function ", "unknown name"),
    (b"permission denied", "permission"),
    (b"current transaction is aborted", "aborted transaction"),
];

/// What an error is about: by its SQLSTATE where the log carries it, so that the language of messages is no matter,
/// else by its words.
pub fn class_of(record: &Record<'_>) -> &'static str {
    if record.severity == Severity::Panic {
        return "panic";
    }
    let by_words = CLASSES.iter().find(|(beginning, _)| record.message.starts_with(beginning));
    if let Some((beginning, class)) = by_words {
        // `role "x" does not exist` is an authentication only where it ends the session.
        let is_login = *beginning != b"role \"" || record.severity == Severity::Fatal;
        if is_login {
            return class;
        }
    }
    match record.sqlstate {
        b"57014" => "cancelled",
        b"55P03" => "lock not available",
        b"40P01" => "deadlock",
        b"40001" => "serialization",
        b"25P02" => "aborted transaction",
        b"42601" => "syntax",
        b"42501" => "permission",
        b"42P01" | b"42703" | b"42883" | b"3F000" => "unknown name",
        b"53300" => "connections",
        b"57P01" => "terminated",
        b"57P03" => "starting or stopping",
        b"25P03" | b"57P05" => "idle timeout",
        [b'2', b'8', ..] => "authentication",
        [b'2', b'3', ..] => "constraint",
        [b'2', b'2', ..] => "data",
        [b'5', b'3', ..] => "resources",
        [b'5', b'8', ..] => "system",
        [b'X', b'X', ..] => "internal",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_are_told_from_sessions_that_end() {
        assert_eq!(
            incident(b"server process (PID 7) was terminated by signal 9: Killed"),
            Some(IncidentKind::Crash)
        );
        assert_eq!(
            incident(b"client backend (PID 7) was terminated by signal 11: Segmentation fault"),
            Some(IncidentKind::Crash)
        );
        assert_eq!(incident(b"server process (PID 7) exited with exit code 1"), None);
        // It stands beside the line that tells of the recovery.
        assert_eq!(incident(b"database system was interrupted; last known up at"), None);
        assert_eq!(
            incident(b"could not write to file \"x\": No space left on device"),
            Some(IncidentKind::Disk)
        );
        assert_eq!(incident(b"hello"), None);
    }

    #[test]
    fn errors_are_classed_in_any_language() {
        let class = |sqlstate: &'static [u8], message: &'static [u8]| {
            class_of(&Record { severity: Severity::Error, sqlstate, message, ..Record::default() })
        };
        assert_eq!(
            class(b"", b"canceling statement due to statement timeout"),
            "statement timeout"
        );
        assert_eq!(class(b"23505", "doppelter Schlüsselwert".as_bytes()), "constraint");
        assert_eq!(class(b"", b"role \"x\" does not exist"), "other");
        assert_eq!(class(b"", b"whatever"), "other");
    }
}
