//! The transaction a statement is planned in.

use std::fmt::Write as _;

use dbvitals_model::ServerVersion;

use super::{Execution, Explaining, literal};

/// How the transaction begins. The statement meets the settings of its own session, save for limits.
pub(super) fn text(wanted: &Explaining<'_>, version: ServerVersion) -> String {
    let mode = if wanted.execution == Execution::Writing { "READ WRITE" } else { "READ ONLY" };
    let mut text = format!("BEGIN ISOLATION LEVEL READ COMMITTED {mode}; ");
    if version.major >= 17 {
        text.push_str("SET LOCAL transaction_timeout = 0; ");
    }
    let limit = wanted.timeout.as_millis().max(1);
    let _ = write!(
        text,
        "SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = 1000; \
         SET LOCAL idle_in_transaction_session_timeout = 60000; \
         SET LOCAL standard_conforming_strings = on; SET LOCAL client_min_messages = error"
    );
    if version.major >= 14 {
        // What runs ends soon after we are gone. Not every platform can tell that we are.
        text.push_str(
            "; SELECT CASE WHEN pg_catalog.version() LIKE '%linux%' THEN \
             pg_catalog.set_config('client_connection_check_interval', '200', true) END",
        );
    }
    text
}

/// The settings new sessions of a role start with in this database, the more special later.
pub(super) fn settings_of(role: &str) -> String {
    format!(
        "SELECT c FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_roles r ON r.oid = s.setrole, \
         pg_catalog.unnest(s.setconfig) c WHERE r.rolname = {} AND s.setdatabase IN (0, \
         (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())) \
         ORDER BY s.setdatabase",
        literal(role)
    )
}

/// Settings that are ours to say: limits, and how we read answers.
const OWN: &[&str] = &[
    "statement_timeout",
    "lock_timeout",
    "transaction_timeout",
    "idle_in_transaction_session_timeout",
    "standard_conforming_strings",
    "client_encoding",
    "client_min_messages",
    "default_transaction_read_only",
    "transaction_read_only",
    "role",
    "session_authorization",
    "row_security",
];

/// Whether a setting is ours to say, and nobody else's.
pub fn is_own(name: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// A setting of a role (`name=value`) as this transaction takes it over.
pub(super) fn taken_over(setting: &str) -> Option<String> {
    let (name, value) = setting.split_once('=')?;
    (!is_own(name)).then(|| {
        format!("SELECT pg_catalog.set_config({}, {}, true)", literal(name), literal(value))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn wanted(execution: Execution) -> Explaining<'static> {
        Explaining {
            text: "select 1",
            parameters: 0,
            values: None,
            role: None,
            under: crate::explain::Under::default(),
            execution,
            timeout: Duration::from_secs(3),
        }
    }

    #[test]
    fn only_a_writing_execution_may_write() {
        let old = ServerVersion::new(13, 0, 0);
        assert!(text(&wanted(Execution::No), old).contains("READ ONLY"));
        assert!(text(&wanted(Execution::Reading), old).contains("READ ONLY"));
        let writing = text(&wanted(Execution::Writing), ServerVersion::new(18, 0, 0));
        assert!(writing.contains("READ WRITE") && writing.contains("statement_timeout = 3000"));
    }

    #[test]
    fn a_role_cannot_lift_our_limits() {
        assert_eq!(taken_over("statement_timeout=0"), None);
        assert_eq!(
            taken_over("search_path=app, public").as_deref(),
            Some("SELECT pg_catalog.set_config('search_path', 'app, public', true)")
        );
    }
}
