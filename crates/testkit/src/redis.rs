//! A throwaway Redis server.

mod builder;
pub(crate) mod resp;

use std::{
    fmt,
    path::{Path, PathBuf},
};

pub use builder::RedisBuilder;
use resp::{Reply, RespConnection};

use crate::{
    TestkitError, cache,
    certificates::Certificates,
    launch::{start_and_wait, wait_until},
    supervisor::Supervisor,
};

/// A Redis build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RedisVersion {
    /// Redis 6.2.14; built without TLS.
    V6_2,
    /// Debian's Redis 7.0.
    V7,
}

impl RedisVersion {
    /// Each supported build, oldest first.
    pub const ALL: [Self; 2] = [Self::V6_2, Self::V7];

    /// The server binary; an error when `cargo xtask setup` has not run.
    pub fn server(self) -> Result<PathBuf, TestkitError> {
        let path = match self {
            Self::V6_2 => cache::redis_6_2_server(),
            Self::V7 => PathBuf::from("/usr/bin/redis-server"),
        };
        if path.is_file() {
            Ok(path)
        } else {
            Err(TestkitError::MissingServer { what: self.to_string(), path })
        }
    }
}

impl fmt::Display for RedisVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V6_2 => "Redis 6.2",
            Self::V7 => "Redis 7",
        })
    }
}

/// A running (or stopped) Redis; dropping it ends the server and removes its folder.
#[derive(Debug)]
pub struct Redis {
    builder: RedisBuilder,
    supervisor: Supervisor,
    port: u16,
    tls_port: Option<u16>,
    certificates: Option<Certificates>,
}

impl Redis {
    /// Begins to describe a server.
    pub fn builder(version: RedisVersion) -> RedisBuilder {
        RedisBuilder::new(version)
    }

    /// The build that runs.
    pub fn version(&self) -> RedisVersion {
        self.builder.version
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The TLS port on 127.0.0.1, when TLS was asked for.
    pub fn tls_port(&self) -> Option<u16> {
        self.tls_port
    }

    /// The Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.supervisor.folder().join("redis.sock")
    }

    /// The folder that holds everything of this server, and goes when it goes.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    /// All the server logged so far.
    pub fn log_text(&self) -> String {
        self.supervisor.log_text()
    }

    /// The certificates, when TLS was asked for.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// The server's process id, when it runs.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.server_pid()
    }

    /// A `redis://` URL as the default user, with the password if there is one.
    pub fn url(&self) -> String {
        url_of("redis", self.builder.password.as_deref().map(|p| ("", p)), self.port)
    }

    /// A `redis://` URL as an ACL user. Nothing is escaped.
    pub fn url_as(&self, user: &str, password: &str) -> String {
        url_of("redis", Some((user, password)), self.port)
    }

    /// A `rediss://` URL as the default user, when TLS was asked for.
    pub fn tls_url(&self) -> Option<String> {
        let account = self.builder.password.as_deref().map(|p| ("", p));
        self.tls_port.map(|port| url_of("rediss", account, port))
    }

    /// Runs a command as the default user; its reply as one text.
    pub fn cli(&self, words: &[&str]) -> Result<String, TestkitError> {
        self.command(words).map(|reply| reply.text())
    }

    /// Runs a command as the default user.
    pub fn command(&self, words: &[&str]) -> Result<Reply, TestkitError> {
        self.connection()?.command(words)
    }

    /// A connection as the default user that stays open.
    pub fn connection(&self) -> Result<RespConnection, TestkitError> {
        let mut connection = RespConnection::open(&self.socket())?;
        if let Some(password) = &self.builder.password {
            connection.command(&["AUTH", password])?;
        }
        Ok(connection)
    }

    /// A replica of this server with the same configuration; waits until both say the link is up.
    pub fn replica(&self) -> Result<Redis, TestkitError> {
        self.replica_with(|builder| builder)
    }

    /// Like [`Self::replica`], with a changed configuration.
    pub fn replica_with(
        &self,
        change: impl FnOnce(RedisBuilder) -> RedisBuilder,
    ) -> Result<Redis, TestkitError> {
        let mut builder =
            self.builder.clone().config("replicaof", &format!("127.0.0.1 {}", self.port));
        if let Some(password) = &self.builder.password {
            builder = builder.config("masterauth", password);
        }
        let replica = change(builder).start()?;
        let online = format!("port={},state=online", replica.port);
        let seen = || replica.log_text();
        wait_until("replication link", &seen, || {
            Ok(replica.info("replication")?.contains("master_link_status:up")
                && self.info("replication")?.contains(&online))
        })?;
        Ok(replica)
    }

    /// A section of `INFO`.
    pub fn info(&self, section: &str) -> Result<String, TestkitError> {
        self.cli(&["INFO", section])
    }

    /// Waits until the replica has all this server was told so far.
    pub fn wait_for_replica(&self, replica: &Redis) -> Result<(), TestkitError> {
        let offset = |info: &str, name: &str| -> Option<u64> {
            info.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
        };
        let told = offset(&self.info("replication")?, "master_repl_offset:")
            .ok_or_else(|| TestkitError::State("no replication offset in INFO".into()))?;
        let seen = || replica.log_text();
        wait_until("replica catching up", &seen, || {
            let has = offset(&replica.info("replication")?, "slave_repl_offset:");
            Ok(has.is_some_and(|has| has >= told))
        })
    }

    /// Stops the server (SIGTERM: saves if configured to); [`Self::start`] runs it again on the same port.
    pub fn stop(&self) -> Result<(), TestkitError> {
        self.supervisor.stop("TERM")
    }

    /// Kills the server with SIGKILL, by process id.
    pub fn kill(&self) -> Result<(), TestkitError> {
        self.supervisor.stop("KILL")
    }

    /// Runs a stopped or killed server again.
    pub fn start(&self) -> Result<(), TestkitError> {
        self.builder.start_again(&self.supervisor)
    }

    /// Freezes the server (SIGSTOP): the kernel accepts connections, nothing answers.
    pub fn freeze(&self) -> Result<(), TestkitError> {
        self.supervisor.signal("STOP")
    }

    /// Undoes [`Self::freeze`].
    pub fn thaw(&self) -> Result<(), TestkitError> {
        self.supervisor.signal("CONT")
    }
}

fn url_of(scheme: &str, account: Option<(&str, &str)>, port: u16) -> String {
    match account {
        Some((user, password)) => format!("{scheme}://{user}:{password}@127.0.0.1:{port}/"),
        None => format!("{scheme}://127.0.0.1:{port}/"),
    }
}

/// Starts a server whose configuration is in place.
fn start_configured(supervisor: &Supervisor, version: RedisVersion) -> Result<(), TestkitError> {
    let socket = supervisor.folder().join("redis.sock");
    start_and_wait(supervisor, &version.to_string(), &|_| answers(&socket))
}

/// Whether the server behind the socket answers at all and has loaded its data.
fn answers(socket: &Path) -> bool {
    match RespConnection::open(socket).and_then(|mut it| it.command(&["PING"])) {
        Ok(_) => true,
        Err(TestkitError::Redis { message, .. }) => !message.starts_with("LOADING"),
        Err(_) => false,
    }
}
