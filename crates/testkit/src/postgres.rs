//! A throwaway PostgreSQL server.

mod builder;
mod queries;
mod standby;
mod template;
pub(crate) mod version;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicU32},
};

pub use builder::PostgresBuilder;
use version::PgVersion;

use crate::{
    TestkitError,
    certificates::{Certificates, Validity},
    launch::{has_ended, start_and_wait, wait_until},
    run_as::RunAs,
    supervisor::Supervisor,
};

/// A running (or stopped) PostgreSQL; dropping it stops the server and removes its folder.
///
/// Roles: `postgres` (superuser) and `monitor` (`LOGIN`, member of `pg_monitor` only); each role's password is
/// its name. All connections need the password.
#[derive(Debug)]
pub struct Postgres {
    builder: PostgresBuilder,
    supervisor: Supervisor,
    run_as: RunAs,
    port: u16,
    certificates: Option<Certificates>,
    counter: Arc<AtomicU32>,
}

/// The version's server that all tests of this process may share; started at first use, stopped when the
/// process ends. Take a [`Postgres::fresh_database`] in it, and change nothing cluster-wide.
/// `pg_stat_statements` is preloaded.
pub fn shared(version: PgVersion) -> Result<&'static Postgres, TestkitError> {
    static SERVERS: [OnceLock<Postgres>; 7] = [const { OnceLock::new() }; 7];
    static STARTING: [Mutex<()>; 7] = [const { Mutex::new(()) }; 7];
    let place = version as usize;
    let _one_at_a_time = STARTING[place].lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = SERVERS[place].get() {
        return Ok(server);
    }
    let server = Postgres::builder(version).preload("pg_stat_statements").start()?;
    Ok(SERVERS[place].get_or_init(|| server))
}

impl Postgres {
    /// Begins to describe a server.
    pub fn builder(version: PgVersion) -> PostgresBuilder {
        PostgresBuilder::new(version)
    }

    /// The build that runs.
    pub fn version(&self) -> PgVersion {
        self.builder.version
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket.
    pub fn socket_dir(&self) -> PathBuf {
        self.supervisor.folder().join("socket")
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.supervisor.folder().join("data")
    }

    /// Where [`PostgresBuilder::archive`] puts finished WAL files.
    pub fn archive_dir(&self) -> PathBuf {
        self.supervisor.folder().join("archive")
    }

    /// The folder that holds everything of this server, and goes when it goes.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    /// All the server logged so far (standard error; empty once `logging_collector` is on).
    pub fn log_text(&self) -> String {
        self.supervisor.log_text()
    }

    /// The certificates, when TLS was asked for.
    pub fn certificates(&self) -> Option<&Certificates> {
        self.certificates.as_ref()
    }

    /// Puts new certificates, for the same names, in the place of those there are; [`Self::reload`] makes the
    /// server show them.
    pub fn renew_certificates(&self, validity: Validity) -> Result<(), TestkitError> {
        let Some((names, _)) = &self.builder.tls else {
            return Err(TestkitError::State("the server was started without TLS".into()));
        };
        Certificates::make(&self.folder().join("tls"), self.run_as, names, validity).map(drop)
    }

    /// The postmaster's process id, when it runs.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.server_pid()
    }

    /// A connection URL over TCP as the superuser, password included.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url("postgres", "postgres", database)
    }

    /// A connection URL over TCP as the role `monitor`, password included.
    pub fn monitor_url(&self, database: &str) -> String {
        self.url("monitor", "monitor", database)
    }

    /// A connection URL over TCP for any role. Nothing is escaped.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        format!("postgresql://{user}:{password}@127.0.0.1:{}/{database}", self.port)
    }

    /// Stops the server (fast shutdown); data stay, [`Self::start`] runs it again on the same port.
    pub fn stop(&self) -> Result<(), TestkitError> {
        self.supervisor.stop("INT")
    }

    /// Runs a stopped or killed server again.
    pub fn start(&self) -> Result<(), TestkitError> {
        if self.pid().is_some() {
            return Err(TestkitError::State("the server runs already".into()));
        }
        let folder = self.supervisor.folder();
        // A crashed server leaves the file that readiness is read from.
        let _ = fs::remove_file(folder.join("data/postmaster.pid"));
        start_and_wait(&self.supervisor, &self.version().to_string(), &|pid| is_ready(folder, pid))
    }

    /// [`Self::stop`] and [`Self::start`].
    pub fn restart(&self) -> Result<(), TestkitError> {
        self.stop()?;
        self.start()
    }

    /// Crashes the server: SIGKILL to the postmaster and its children, by process id. Waits for their end.
    pub fn kill(&self) -> Result<(), TestkitError> {
        let children = self.supervisor.crash()?;
        let seen = || format!("{children:?}");
        wait_until("end of the killed backends", &seen, || {
            Ok(children.iter().all(|child| has_ended(*child)))
        })
    }

    /// Makes the server read its configuration again (SIGHUP); it does so a moment later.
    pub fn reload(&self) -> Result<(), TestkitError> {
        self.supervisor.signal("HUP")
    }

    /// Freezes the postmaster (SIGSTOP): new connections are accepted by the kernel and never answered.
    pub fn freeze(&self) -> Result<(), TestkitError> {
        self.supervisor.signal("STOP")
    }

    /// Undoes [`Self::freeze`].
    pub fn thaw(&self) -> Result<(), TestkitError> {
        self.supervisor.signal("CONT")
    }
}

/// Whether the postmaster with this id says, in its lock file's eighth line, that it takes connections.
fn is_ready(folder: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(folder.join("data/postmaster.pid")) else { return false };
    let mut lines = text.lines();
    lines.next().and_then(|line| line.trim().parse().ok()) == Some(pid)
        && lines.nth(6).is_some_and(|status| status.trim() == "ready")
}
