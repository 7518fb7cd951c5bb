//! The one error of this crate: opaque, cheap to clone, sorted by predicates, never by message text.

use std::{fmt, io, path::PathBuf, sync::Arc, time::Duration};

use dbvitals_model::ServerVersion;
use tokio_postgres::error::{DbError, ErrorPosition, SqlState};

use crate::{conninfo::ConninfoError, decode::DecodeError, speaks::Speaks};

/// Why a connection could not be made, or a query not be answered. Never holds a password.
#[derive(Debug, Clone)]
pub struct Error(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Where: host, port and database.
    endpoint: Option<String>,
    kind: Kind,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error(transparent)]
    Conninfo(#[from] ConninfoError),
    #[error("cannot read {path}")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is unusable: {why}")]
    BadFile { path: PathBuf, why: String },
    #[error("the host name {host} cannot be resolved")]
    Resolve { host: String, source: io::Error },
    #[error("the connection was refused")]
    Refused { source: io::Error },
    #[error("there is no socket at {path}")]
    NoSocket { path: PathBuf, source: io::Error },
    #[error("the server cannot be reached")]
    Unreachable { source: io::Error },
    #[error("no answer within {} ms while {doing}", after.as_millis())]
    TimedOut { doing: &'static str, after: Duration },
    #[error("the time for this server was over")]
    OutOfTime,
    #[error("the server does not offer TLS")]
    TlsNotOffered,
    #[error("the server's certificate is not trusted")]
    Certificate { source: rustls::Error },
    #[error("the TLS handshake failed")]
    Handshake { source: io::Error },
    #[error("{} (SQLSTATE {})", .source.message(), .source.code().code())]
    Server { source: Box<DbError>, password_given: bool },
    #[error("the server asks for a login this tool cannot make")]
    Authentication { source: tokio_postgres::Error },
    #[error("the server closed the connection before it was ready")]
    HungUp { source: Option<io::Error> },
    #[error("no root certificate is known to verify the server's certificate against")]
    NoRootCertificate,
    #[error("TLS cannot be set up")]
    TlsSetup { source: rustls::Error },
    #[error("this is not a PostgreSQL server: {speaks}")]
    NotPostgres { speaks: Speaks },
    #[error("PostgreSQL {version} is too old: 13 is the oldest version supported")]
    TooOld { version: ServerVersion },
    #[error("the server is not what target_session_attrs={wanted} asks for")]
    WrongRole { wanted: &'static str },
    #[error("the connection was lost")]
    Lost { source: Option<Arc<tokio_postgres::Error>> },
    #[error("the answer does not have the expected shape")]
    Decode {
        #[from]
        source: DecodeError,
    },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    #[error("the server sent a message out of turn")]
    Protocol { source: tokio_postgres::Error },
}

impl Error {
    /// The server (or the query) did not finish in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind(), Kind::TimedOut { .. } | Kind::OutOfTime)
            || self.has(&SqlState::QUERY_CANCELED)
    }

    /// It was not, or not to the end, asked: the time for all of it was over.
    pub fn is_out_of_time(&self) -> bool {
        matches!(self.kind(), Kind::OutOfTime)
    }

    /// The role lacks a privilege.
    pub fn is_permission(&self) -> bool {
        self.has(&SqlState::INSUFFICIENT_PRIVILEGE)
    }

    /// A lock was in the way for longer than we wait for locks.
    pub fn is_locked(&self) -> bool {
        self.has(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// The connection is gone; every later query on it fails too.
    pub fn is_lost(&self) -> bool {
        matches!(self.kind(), Kind::Lost { .. })
    }

    /// A pooler's own console answered instead of a server.
    pub fn is_console(&self) -> bool {
        matches!(self.kind(), Kind::NotPostgres { speaks: Speaks::BouncerConsole })
    }

    /// What the user typed or configured is wrong; no server was asked.
    pub fn is_usage(&self) -> bool {
        matches!(self.kind(), Kind::Conninfo(_) | Kind::File { .. } | Kind::BadFile { .. })
    }

    /// Trying again later, unchanged, may succeed.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            Kind::TimedOut { .. }
            | Kind::Refused { .. }
            | Kind::Unreachable { .. }
            | Kind::Lost { .. } => true,
            Kind::Server { source, .. } => [
                SqlState::CANNOT_CONNECT_NOW,
                SqlState::TOO_MANY_CONNECTIONS,
                SqlState::ADMIN_SHUTDOWN,
                SqlState::CRASH_SHUTDOWN,
                SqlState::T_R_SERIALIZATION_FAILURE,
                SqlState::QUERY_CANCELED,
                SqlState::LOCK_NOT_AVAILABLE,
            ]
            .contains(source.code()),
            _ => false,
        }
    }

    /// The server's five-character code, when the server itself refused.
    pub fn sqlstate(&self) -> Option<&str> {
        match self.kind() {
            Kind::Server { source, .. } => Some(source.code().code()),
            _ => None,
        }
    }

    /// The character of what was sent, from 1, that the server complains about.
    pub(crate) fn position(&self) -> Option<u32> {
        match self.kind() {
            Kind::Server { source, .. } => match source.position()? {
                ErrorPosition::Original(at) => Some(*at),
                ErrorPosition::Internal { .. } => None,
            },
            _ => None,
        }
    }

    /// What the server adds to its refusal: how to mend it.
    pub fn hint(&self) -> Option<&str> {
        match self.kind() {
            Kind::Server { source, .. } => source.hint(),
            _ => None,
        }
    }

    /// Another host or address of the same target would say the same.
    pub(crate) fn is_last_word(&self) -> bool {
        match self.kind() {
            Kind::Server { source, .. } => {
                let code = source.code().code();
                code.starts_with("28") || code == "3D000" || code == "42501"
            }
            Kind::Authentication { .. } | Kind::NoRootCertificate | Kind::TlsSetup { .. } => true,
            _ => false,
        }
    }

    /// How far a connection got: an error from a later stage tells more.
    pub(crate) fn progress(&self) -> u8 {
        match self.kind() {
            Kind::Resolve { .. }
            | Kind::Refused { .. }
            | Kind::NoSocket { .. }
            | Kind::Unreachable { .. } => 0,
            Kind::TimedOut { .. } | Kind::HungUp { .. } => 1,
            _ => 2,
        }
    }

    /// With TLS instead of without, or the other way round, the server might let us in.
    pub(crate) fn may_differ_with_tls(&self) -> bool {
        match self.kind() {
            Kind::Certificate { .. } | Kind::Handshake { .. } | Kind::TlsNotOffered => true,
            Kind::Server { source, .. } => {
                *source.code() == SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            }
            _ => false,
        }
    }

    /// Adds where it happened, unless that is known already.
    #[must_use]
    pub(crate) fn at(self, endpoint: &str) -> Self {
        if self.0.endpoint.is_some() {
            return self;
        }
        match Arc::try_unwrap(self.0) {
            Ok(inner) => Self(Arc::new(Inner { endpoint: Some(endpoint.to_owned()), ..inner })),
            Err(shared) => Self(shared),
        }
    }

    pub(crate) fn kind(&self) -> &Kind {
        &self.0.kind
    }

    fn has(&self, code: &SqlState) -> bool {
        matches!(self.kind(), Kind::Server { source, .. } if source.code() == code)
    }
}

impl<K: Into<Kind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Self(Arc::new(Inner { endpoint: None, kind: kind.into() }))
    }
}

impl From<tokio_postgres::Error> for Kind {
    /// Sorts what the wire library reports after a connection is made.
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(source) => Self::Server { source: Box::new(source.clone()), password_given: true },
            None if error.is_closed() => Self::Lost { source: None },
            None => Self::Protocol { source: error },
        }
    }
}

impl Kind {
    /// Sorts what the wire library reports while logging in.
    pub(crate) fn of_login(error: tokio_postgres::Error, password_given: bool) -> Self {
        if let Some(source) = error.as_db_error() {
            return Self::Server { source: Box::new(source.clone()), password_given };
        }
        if let Some(tls) = cause::<rustls::Error>(&error) {
            return match tls {
                rustls::Error::InvalidCertificate(_) => Self::Certificate { source: tls.clone() },
                other => Self::Handshake { source: io::Error::other(other.clone()) },
            };
        }
        if error.is_closed() {
            return Self::HungUp { source: None };
        }
        if let Some(io) = cause::<io::Error>(&error) {
            let source = io::Error::new(io.kind(), io.to_string());
            return match io.kind() {
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    Self::Protocol { source: error }
                }
                _ => Self::HungUp { source: Some(source) },
            };
        }
        // The wire library has no predicate for this; a test holds it to its wording.
        if error.to_string() == "authentication error" {
            return Self::Authentication { source: error };
        }
        Self::Protocol { source: error }
    }
}

/// The first cause of that type.
fn cause<'a, E: std::error::Error + 'static>(
    error: &'a (dyn std::error::Error + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(current) = next {
        if let Some(found) = current.downcast_ref::<E>() {
            return Some(found);
        }
        next = match current.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => current.source(),
        };
    }
    None
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(endpoint) = &self.0.endpoint {
            write!(f, "{endpoint}: ")?;
        }
        write!(f, "{}", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.kind)
    }
}
