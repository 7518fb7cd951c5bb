//! A server to connect to, and how.

use std::{
    fmt::{self, Write as _},
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;

use crate::{
    Error,
    conninfo::{self, Environment},
};

/// A server to connect to, and how. Neither `Debug` nor any message shows its password.
#[derive(Debug, Clone)]
pub struct Target {
    /// Tried in this order; never empty.
    pub(crate) hosts: Vec<Host>,
    pub(crate) user: String,
    pub(crate) database: String,
    pub(crate) tls: TlsSettings,
    pub(crate) connect_timeout: Option<Duration>,
    pub(crate) session_attrs: SessionAttrs,
    pub(crate) shuffle_hosts: bool,
    pub(crate) options: Option<String>,
    pub(crate) channel_binding: ChannelBinding,
    pub(crate) keepalive: Option<Keepalive>,
    pub(crate) tcp_user_timeout: Option<Duration>,
    pub(crate) warnings: Vec<String>,
}

/// One place the server may be at.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) at: HostName,
    /// Connect here instead of resolving the name.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
    pub(crate) password: Option<SecretString>,
}

/// How a host is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostName {
    /// A name or an address.
    Tcp(String),
    /// The folder of a Unix socket.
    Unix(PathBuf),
}

/// Everything TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TlsSettings {
    pub(crate) mode: SslMode,
    /// TLS from the first byte, without PostgreSQL's own request.
    pub(crate) direct: bool,
    pub(crate) root: RootCertificates,
    pub(crate) revocations: Option<PathBuf>,
    /// Certificate chain and key.
    pub(crate) client: Option<(PathBuf, PathBuf)>,
    pub(crate) server_name_indication: bool,
    pub(crate) allow_1_2: bool,
    pub(crate) allow_1_3: bool,
}

/// What a server's certificate is verified against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RootCertificates {
    /// Nothing.
    None,
    /// The operating system's store.
    System,
    /// A file of certificates.
    File(PathBuf),
}

/// How much TLS is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SslMode {
    Disable,
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// Which kind of server is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionAttrs {
    Any,
    ReadWrite,
    ReadOnly,
    Primary,
    Standby,
    PreferStandby,
}

/// Whether the login must be bound to the TLS connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChannelBinding {
    Disable,
    Prefer,
    Require,
}

/// TCP keepalives; `None` leaves a value to the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keepalive {
    pub(crate) idle: Option<Duration>,
    pub(crate) interval: Option<Duration>,
    pub(crate) count: Option<u32>,
}

impl Target {
    /// Reads a URL or a `key=value` string, and whatever it refers to: `PG*` variables (asked from
    /// `environment`), a service file, a password file. An empty text stands for the variables alone.
    pub fn parse(text: &str, environment: &Environment<'_>) -> Result<Self, Error> {
        Ok(conninfo::parse(text, environment)?)
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        Self { database: name.to_owned(), ..self.clone() }
    }

    /// The same server with a password from elsewhere, for every host.
    #[must_use]
    pub fn with_password(mut self, password: &SecretString) -> Self {
        for host in &mut self.hosts {
            host.password = Some(password.clone());
        }
        self
    }

    /// One target per host, each to be reached whatever its role.
    pub fn nodes(&self) -> Vec<Self> {
        self.hosts.iter().map(|host| self.at_host(host)).collect()
    }

    /// The same login at another address.
    #[must_use]
    pub fn at(&self, address: IpAddr, port: u16) -> Self {
        let password = self.hosts.first().and_then(|host| host.password.clone());
        let at = HostName::Tcp(address.to_string());
        self.at_host(&Host { at, address: None, port, password })
    }

    /// The port of its first host.
    pub fn port(&self) -> u16 {
        self.hosts.first().map_or(5432, |host| host.port)
    }

    /// Host, port and database, without user and secret: `db.example.org:5432/app`.
    pub fn endpoint(&self) -> String {
        endpoint(&self.hosts, &self.database)
    }

    /// The role to log in as.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database to connect to.
    pub fn database(&self) -> &str {
        &self.database
    }

    /// What was passed over while reading files, such as a password file others may read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The same target at one of its hosts only.
    pub(crate) fn at_host(&self, host: &Host) -> Self {
        Self { hosts: vec![host.clone()], session_attrs: SessionAttrs::Any, ..self.clone() }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.endpoint())
    }
}

/// `host:port,host:port/database`
pub(crate) fn endpoint(hosts: &[Host], database: &str) -> String {
    let mut text = String::new();
    for host in hosts {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a String cannot fail.
        let _ = match &host.at {
            HostName::Tcp(name) if name.contains(':') => write!(text, "[{name}]:{}", host.port),
            HostName::Tcp(name) => write!(text, "{name}:{}", host.port),
            HostName::Unix(folder) => write!(text, "{}:{}", folder.display(), host.port),
        };
    }
    text + "/" + database
}

impl Host {
    /// The socket's file.
    pub(crate) fn socket(folder: &Path, port: u16) -> PathBuf {
        folder.join(format!(".s.PGSQL.{port}"))
    }
}

impl SslMode {
    /// All, weakest first.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("disable", Self::Disable),
        ("allow", Self::Allow),
        ("prefer", Self::Prefer),
        ("require", Self::Require),
        ("verify-ca", Self::VerifyCa),
        ("verify-full", Self::VerifyFull),
    ];
}

impl SessionAttrs {
    /// All, by libpq's names.
    pub(crate) const ALL: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];

    /// libpq's name.
    pub(crate) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, value)| *value == self).map_or("any", |(name, _)| name)
    }
}
