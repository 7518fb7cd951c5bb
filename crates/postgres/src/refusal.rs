//! From an error to what a report says: the class, what happened, and the step that removes it.

use std::{error::Error as _, fmt::Write as _};

use dbvitals_model::{Reason, Unavailable};

use crate::{Error, error::Kind, explain::identifier, speaks::Speaks};

impl Error {
    /// What a report says of this error: of a connection that could not be made, or a query not answered.
    pub fn unavailable(&self) -> Unavailable {
        Unavailable { reason: self.reason(), detail: self.detail(), remedy: self.remedy() }
    }

    /// The one step to take, where there is one. A short imperative.
    pub fn remedy(&self) -> Option<String> {
        let text = match self.kind() {
            Kind::Server { source, password_given } => {
                let code = source.code().code();
                return privilege(source.message())
                    .filter(|_| code == "42501")
                    .or_else(|| server_remedy(code, *password_given).map(str::to_owned));
            }
            Kind::NotPostgres { speaks: Speaks::Redis } => {
                "name it with a redis:// URL, or correct the port"
            }
            Kind::NotPostgres { speaks: Speaks::BouncerConsole } => {
                "name a database that PgBouncer serves instead of pgbouncer"
            }
            Kind::NotPostgres { .. } => "correct the host or the port",
            Kind::Resolve { .. } => "check the spelling of the host name and the name service",
            Kind::Refused { .. } => {
                "check that the server runs and that listen_addresses and port let it be reached here"
            }
            Kind::NoSocket { .. } => {
                "check that the server runs and unix_socket_directories, or name a host"
            }
            Kind::Unreachable { .. } => {
                "check the network and firewalls between here and the server"
            }
            Kind::TimedOut { .. } => {
                "check that host, port and firewalls let the server answer; raise the timeout if it is far"
            }
            Kind::OutOfTime => "raise --timeout",
            Kind::TlsNotOffered => "switch ssl on in the server, or use sslmode=prefer",
            Kind::Certificate { .. } => {
                "name the authority that signed the certificate with sslrootcert=FILE, and the host as \
                 the certificate names it"
            }
            Kind::NoRootCertificate => {
                "name a file with sslrootcert=FILE, use sslrootcert=system, or sslmode=require"
            }
            Kind::Handshake { .. } => {
                "check that the server speaks TLS 1.2 or 1.3; give sslcert and sslkey if it asks for a \
                 certificate"
            }
            Kind::Authentication { .. } => {
                "use a password (SCRAM, MD5 or plain) or a certificate for this role in pg_hba.conf; drop \
                 channel_binding=require without TLS"
            }
            Kind::HungUp { .. } => {
                "look into the server's log, and that of any pooler or proxy in between"
            }
            Kind::TooOld { .. } => "upgrade to a supported release of PostgreSQL",
            Kind::WrongRole { .. } => "name another host, or drop target_session_attrs",
            Kind::Lost { .. } => "look into the server's log for a restart or a terminated session",
            Kind::File { .. }
            | Kind::BadFile { .. }
            | Kind::Conninfo(_)
            | Kind::TlsSetup { .. }
            | Kind::Decode { .. }
            | Kind::Unreadable(_)
            | Kind::Protocol { .. } => return None,
        };
        Some(text.to_owned())
    }

    fn reason(&self) -> Reason {
        match self.kind() {
            Kind::TooOld { .. } => Reason::Version,
            Kind::WrongRole { .. } => Reason::NotApplicable,
            _ if self.is_timeout() => Reason::Timeout,
            _ if self.is_permission() => Reason::Permission,
            _ if self.is_locked() => Reason::Locked,
            _ => Reason::Failed,
        }
    }

    /// What happened, with its causes, on one line.
    fn detail(&self) -> String {
        let mut text = self.kind().to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let said = error.to_string();
            // The wire library's error repeats what is already said.
            if !text.contains(&said) && !matches!(self.kind(), Kind::Server { .. }) {
                // Writing to a String cannot fail.
                let _ = write!(text, ": {said}");
            }
            cause = error.source();
        }
        text.replace(['\n', '\r'], " ")
    }
}

/// The grant that a refusal asks for, where it is about something of the user's own. Told in another language, it is not
/// understood.
fn privilege(message: &str) -> Option<String> {
    let rest = message.strip_prefix("permission denied for ")?;
    let (kind, name) = rest.rsplit_once(' ')?;
    let name = name.trim_matches('"');
    if name.starts_with("pg_") {
        return None;
    }
    let (privilege, what) = match kind {
        "database" => ("CONNECT", "DATABASE "),
        "schema" => ("USAGE", "SCHEMA "),
        "function" | "procedure" => ("EXECUTE", "ROUTINE "),
        "sequence" => ("USAGE, SELECT", "SEQUENCE "),
        "table" | "view" | "materialized view" | "foreign table" | "relation" => ("SELECT", ""),
        _ => return None,
    };
    let name = identifier(name);
    Some(format!("GRANT {privilege} ON {what}{name} to this role, or connect as one that has it"))
}

/// What to do about a code of the server's.
fn server_remedy(code: &str, password_given: bool) -> Option<&'static str> {
    Some(match code {
        "28P01" if password_given => "correct the password, or the user",
        "28P01" => "give a password: PGPASSWORD, ~/.pgpass, or passfile=FILE",
        "28000" => {
            "add a line for this host, user and database to pg_hba.conf, or correct the user"
        }
        "3D000" => "correct the name of the database, or name one that exists, such as postgres",
        "57P03" => "wait until the server has started or recovered, then try again",
        "53300" => {
            "free connections, or raise max_connections or the role's CONNECTION LIMIT; from 16 on keep some for \
             monitoring: reserved_connections = 3 and GRANT pg_use_reserved_connections to this role"
        }
        "57P01" | "57P02" | "57P05" => "look into the server's log for what ended the session",
        "42501" => "grant the role pg_monitor",
        "57014" => "raise the time limit (--timeout), or try when the server is less busy",
        "55P03" => {
            "try again when the lock is gone; relations under an exclusive lock are passed over"
        }
        "08P01" => "check that the pooler in between lets this login through",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use super::*;

    #[test]
    fn causes_are_told_once_and_on_one_line() {
        let source = io::Error::other("line one\nline two");
        let why = Error::from(Kind::Unreachable { source }).unavailable();
        assert_eq!(why.detail, "the server cannot be reached: line one line two");
        assert_eq!(why.reason, Reason::Failed);
        assert!(why.remedy.is_some());
    }

    #[test]
    fn running_out_of_time_is_a_reason_of_its_own() {
        let after = Duration::from_millis(1500);
        let error = Error::from(Kind::TimedOut { doing: "connecting", after });
        assert_eq!(error.unavailable().reason, Reason::Timeout);
        assert_eq!(error.to_string(), "no answer within 1500 ms while connecting");
    }

    #[test]
    fn a_missing_password_is_told_from_a_wrong_one() {
        assert_ne!(server_remedy("28P01", true), server_remedy("28P01", false));
        assert_eq!(server_remedy("XX000", true), None);
    }

    #[test]
    fn a_refusal_names_the_grant_it_asks_for() {
        let remedy = |message| privilege(message).unwrap_or_default();
        assert!(
            remedy("permission denied for table Docs").starts_with("GRANT SELECT ON \"Docs\" to")
        );
        assert!(remedy("permission denied for database \"r\"").contains("CONNECT ON DATABASE"));
        assert!(remedy("permission denied for materialized view v").contains("SELECT ON"));
        assert!(remedy("permission denied for schema app").contains("USAGE ON SCHEMA"));
        assert!(privilege("permission denied for view pg_hba_file_rules").is_none());
        assert!(privilege("must be superuser to do that").is_none());
    }
}
