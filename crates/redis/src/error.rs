//! What can go wrong between us and a Redis.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use dbvitals_model::ServerVersion;
use redis::RedisError;

/// A failure to connect, or of one command. Holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A certificate or key file of ours cannot be used.
    #[error("cannot use {file} for TLS: {why}", file = file.display())]
    TlsFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// No connection came about.
    #[error("cannot connect to {endpoint}")]
    Connect {
        /// Host and port, or socket.
        endpoint: String,
        /// The system's word.
        #[source]
        source: Arc<io::Error>,
    },
    /// An answer did not come in time.
    #[error("{endpoint} gave no answer to {during} within {after:?}")]
    TimedOut {
        /// Host and port, or socket.
        endpoint: String,
        /// What was being waited for.
        during: String,
        /// How long.
        after: Duration,
    },
    /// The TLS handshake failed.
    #[error("the TLS handshake with {endpoint} failed")]
    Tls {
        /// Host and port.
        endpoint: String,
        /// The TLS library's word.
        #[source]
        source: Arc<io::Error>,
    },
    /// We spoke plainly to a port that wants TLS.
    #[error("{endpoint} speaks TLS, and the URL says redis://")]
    WantsTls {
        /// Host and port.
        endpoint: String,
    },
    /// We spoke TLS to a port that does not.
    #[error("{endpoint} does not speak TLS, and the URL says rediss://")]
    WantsPlain {
        /// Host and port.
        endpoint: String,
    },
    /// Something else listens there.
    #[error("{endpoint} is not a Redis: {what}")]
    Foreign {
        /// Host and port.
        endpoint: String,
        /// What it seems to be.
        what: &'static str,
    },
    /// The server ended the connection.
    #[error("{endpoint} closed the connection during {during}")]
    Closed {
        /// Host and port, or socket.
        endpoint: String,
        /// What was being waited for.
        during: String,
    },
    /// The server is reading its data from disk.
    #[error(
        "the server is still loading its dataset{}",
        eta_seconds.map(|eta| format!(" (about {eta} s left)")).unwrap_or_default()
    )]
    Loading {
        /// The server's own guess.
        eta_seconds: Option<i64>,
    },
    /// The server answered with an error.
    #[error("the server answered: {code} {message}")]
    Refused {
        /// The first word: `NOPERM`, `ERR`.
        code: String,
        /// The rest.
        message: String,
    },
    /// A walk that cannot go on: its cursors are of a server that is no more.
    #[error("{endpoint} was restarted or replaced since the walk was interrupted")]
    Stale {
        /// Host and port, or socket.
        endpoint: String,
    },
    /// Older than anything we know.
    #[error("{endpoint} is version {version}, and the oldest one supported is 6.0")]
    TooOld {
        /// Host and port, or socket.
        endpoint: String,
        /// What it says it is.
        version: ServerVersion,
    },
}

impl Error {
    /// An answer did not come in time.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut { .. } => true,
            Self::Connect { source, .. } => source.kind() == io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// The ACL of our user forbids it.
    pub fn is_permission(&self) -> bool {
        self.code() == Some("NOPERM")
    }

    /// The server wants a password, or another one.
    pub fn is_auth(&self) -> bool {
        matches!(self.code(), Some("NOAUTH" | "WRONGPASS"))
            || self.message().is_some_and(|message| message.contains("invalid password"))
    }

    /// The connection is of no more use.
    pub fn is_connection_lost(&self) -> bool {
        !matches!(
            self,
            Self::Refused { .. } | Self::Loading { .. } | Self::TooOld { .. } | Self::Stale { .. }
        )
    }

    /// The server does not know the command: too old, or renamed away by its operator.
    pub fn is_unknown_command(&self) -> bool {
        self.message().is_some_and(|message| {
            let message = message.to_ascii_lowercase();
            message.starts_with("unknown command") || message.starts_with("unknown subcommand")
        })
    }

    /// The first word of the server's error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::Loading { .. } => Some("LOADING"),
            _ => None,
        }
    }

    /// The rest of the server's error.
    pub(crate) fn message(&self) -> Option<&str> {
        match self {
            Self::Refused { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Takes apart `NOPERM this user has no permissions…`.
    pub(crate) fn from_line(line: &str) -> Self {
        let (code, message) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        Self::answered(code, message)
    }

    /// An error reply.
    pub(crate) fn answered(code: &str, message: &str) -> Self {
        if code == "LOADING" {
            return Self::Loading { eta_seconds: None };
        }
        Self::Refused { code: code.to_owned(), message: message.to_owned() }
    }

    /// What the protocol library said while `during` was under way.
    pub(crate) fn from_redis(error: &RedisError, endpoint: &str, during: &str) -> Self {
        if let Some(code) = error.code() {
            return Self::answered(code, error.detail().unwrap_or_default());
        }
        let text = error.to_string();
        if text.contains("fatal alert") {
            // With TLS 1.3 a server refuses our certificate only after the handshake.
            return Self::Tls {
                endpoint: endpoint.to_owned(),
                source: Arc::new(io::Error::other(text)),
            };
        }
        Self::Closed { endpoint: endpoint.to_owned(), during: during.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn predicates_follow_the_servers_words() {
        let noperm =
            Error::from_line("NOPERM this user has no permissions to run the 'info' command");
        assert!(noperm.is_permission() && !noperm.is_auth() && !noperm.is_connection_lost());
        assert!(Error::from_line("NOAUTH Authentication required.").is_auth());
        assert!(Error::from_line("WRONGPASS invalid username-password pair").is_auth());
        assert!(Error::from_line("ERR invalid password").is_auth());
        assert!(Error::from_line("ERR unknown command `CONFIG`, with args").is_unknown_command());
        assert!(!Error::from_line("ERR syntax error").is_unknown_command());
        assert_eq!(Error::from_line("LOADING Redis is loading").code(), Some("LOADING"));
    }
}
