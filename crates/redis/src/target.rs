//! Where a Redis is and who we are there; its secrets cannot print.

mod parameters;
mod url;

use std::{fmt, path::PathBuf, time::Duration};

use secrecy::SecretString;

/// The port of Redis when a URL names none.
const DEFAULT_PORT: u16 = 6379;

/// One Redis or Valkey server, as named by a URL.
///
/// `redis://[user[:password]@]host[:port][/database][?parameter=value…]`, `rediss://` for TLS,
/// `unix:///path/to/redis.sock` or `redis+unix:///path/to/redis.sock` for a Unix socket.
/// `valkey://` and `valkeys://` mean the same as `redis://` and `rediss://`.
#[derive(Debug, Clone)]
pub struct Target {
    /// Host and port, or socket.
    pub address: Address,
    /// `Some` for an encrypted connection.
    pub tls: Option<Tls>,
    /// The ACL user; `None` is the default user.
    pub user: Option<String>,
    /// The password; never printed.
    pub password: Option<SecretString>,
    /// The logical database that is selected.
    pub database: i64,
    /// Longest wait for any one answer; `None` leaves it to the caller.
    pub timeout: Option<Duration>,
}

/// How a server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Over TCP.
    Tcp {
        /// Name or address, without brackets.
        host: String,
        /// The port.
        port: u16,
    },
    /// Over a Unix socket.
    Unix(PathBuf),
}

/// How an encrypted connection is checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file with the authorities to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// PEM files with our certificate and its private key.
    pub client: Option<(PathBuf, PathBuf)>,
    /// Whether the server's certificate is taken as it is.
    pub insecure: bool,
}

/// What is wrong with a URL. Never holds the URL, which may carry a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not a scheme of Redis.
    #[error(
        "unknown scheme {scheme:?}: use redis://, rediss:// (TLS), unix:// or redis+unix:// (socket)"
    )]
    Scheme {
        /// What stood before `://`.
        scheme: String,
    },
    /// The part before the path cannot be read.
    #[error(
        "cannot read {part} in the redis URL: {why}{}",
        hint.map(|hint| format!(" ({hint})")).unwrap_or_default()
    )]
    Part {
        /// `port`, `database`, …
        part: &'static str,
        /// What is wrong with it.
        why: String,
        /// What is often the cause.
        hint: Option<&'static str>,
    },
    /// A query parameter nobody knows.
    #[error(
        "unknown parameter {name:?} in the redis URL{}",
        nearest.map_or_else(
            || format!("; known are {}", parameters::NAMES.join(", ")),
            |nearest| format!("; did you mean {nearest:?}?"),
        )
    )]
    Parameter {
        /// As it was written.
        name: String,
        /// The valid name most like it.
        nearest: Option<&'static str>,
    },
    /// A query parameter with a value that cannot be.
    #[error("parameter {name:?} in the redis URL: {why}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// What it wants.
        why: &'static str,
    },
}

impl Target {
    /// Reads a URL. User, password, database and parameters are percent-decoded.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        url::parse(url)
    }

    /// A target without user, password, TLS or database.
    pub fn new(address: Address) -> Self {
        Self { address, tls: None, user: None, password: None, database: 0, timeout: None }
    }

    /// Takes the password from `REDISCLI_AUTH`, as `redis-cli` does, unless the URL names a user or a password.
    #[must_use]
    pub fn or_environment(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        if self.user.is_none() && self.password.is_none() {
            self.password = variable("REDISCLI_AUTH").filter(|it| !it.is_empty()).map(Into::into);
        }
        self
    }

    /// `host:port/database` or the socket's path: fit to be shown, no user, no secret.
    pub fn endpoint(&self) -> String {
        if self.database == 0 {
            self.address.to_string()
        } else {
            format!("{}/{}", self.address, self.database)
        }
    }

    /// The URL of another server of the same kind, without user or secret.
    pub(crate) fn sibling(&self, host: &str, port: i64) -> String {
        let scheme = if self.tls.is_some() { "rediss" } else { "redis" };
        if host.contains(':') {
            format!("{scheme}://[{host}]:{port}")
        } else {
            format!("{scheme}://{host}:{port}")
        }
    }

    /// The ACL user the server knows us by, before it has told.
    pub(crate) fn user_name(&self) -> &str {
        self.user.as_deref().unwrap_or("default")
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}
