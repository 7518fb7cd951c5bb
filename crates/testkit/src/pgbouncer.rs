//! A throwaway `PgBouncer` in front of a throwaway PostgreSQL.

use std::{
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use crate::{Postgres, TestkitError, launch::launch, run_as::RunAs, supervisor::Supervisor};

/// When `PgBouncer` gives a server connection to another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PoolMode {
    /// When the client leaves.
    Session,
    /// After each transaction.
    Transaction,
    /// After each statement.
    Statement,
}

/// A running `PgBouncer`; dropping it ends the pooler and removes its folder.
///
/// Every database of the server behind is reachable, as `postgres` (also administrator of the pooler's own
/// `pgbouncer` database) and as `monitor` (may read its statistics).
#[derive(Debug)]
pub struct PgBouncer {
    supervisor: Supervisor,
    port: u16,
}

impl PgBouncer {
    /// A pooler in transaction mode, the usual one.
    pub fn transaction_mode(server: &Postgres) -> Result<Self, TestkitError> {
        Self::start(server, PoolMode::Transaction, &[])
    }

    /// A pooler in the given mode, with further `[pgbouncer]` settings.
    pub fn start(
        server: &Postgres,
        mode: PoolMode,
        settings: &[(&str, &str)],
    ) -> Result<Self, TestkitError> {
        let binary = PathBuf::from("/usr/sbin/pgbouncer");
        if !binary.is_file() {
            let what = "PgBouncer".into();
            return Err(TestkitError::MissingServer { what, path: binary });
        }
        let run_as = RunAs::current()?;
        let supervisor = Supervisor::open("pgbouncer", run_as, "KILL", |folder| {
            vec![binary.into(), folder.join("pgbouncer.ini").into()]
        })?;
        let folder = supervisor.folder().to_owned();
        let users = "\"postgres\" \"postgres\"\n\"monitor\" \"monitor\"\n";
        run_as.write(&folder.join("users.txt"), users, 0o600)?;
        let port = launch(
            &supervisor,
            "PgBouncer",
            &|port| {
                let text = configuration(&folder, server.port(), port, mode, settings);
                run_as.write(&folder.join("pgbouncer.ini"), &text, 0o600)
            },
            // The socket is in our own folder: it cannot be another program's.
            &|_| listens(&folder),
        )?;
        Ok(Self { supervisor, port })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection URL through the pooler as the superuser.
    pub fn url(&self, database: &str) -> String {
        format!("postgresql://postgres:postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// A connection URL through the pooler as the role `monitor`.
    pub fn monitor_url(&self, database: &str) -> String {
        format!("postgresql://monitor:monitor@127.0.0.1:{}/{database}", self.port)
    }

    /// The pooler's own database (`SHOW POOLS`...) as administrator.
    pub fn admin_url(&self) -> String {
        self.url("pgbouncer")
    }

    /// The pooler's process id, when it runs.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.server_pid()
    }

    /// The folder that holds everything of this pooler, and goes when it goes.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    /// All the pooler logged so far.
    pub fn log_text(&self) -> String {
        self.supervisor.log_text()
    }
}

fn configuration(
    folder: &Path,
    server_port: u16,
    port: u16,
    mode: PoolMode,
    settings: &[(&str, &str)],
) -> String {
    let mode = match mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    let folder = folder.display();
    let mut text = format!(
        "[databases]\n* = host=127.0.0.1 port={server_port}\n\n[pgbouncer]\n\
         listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir = {folder}\n\
         auth_type = scram-sha-256\nauth_file = {folder}/users.txt\nadmin_users = postgres\n\
         stats_users = monitor\npool_mode = {mode}\n"
    );
    for (name, value) in settings {
        text.extend([name, " = ", value, "\n"]);
    }
    text
}

/// Whether the pooler answers on its Unix socket.
fn listens(folder: &Path) -> bool {
    let Ok(entries) = folder.read_dir() else { return false };
    entries.flatten().any(|entry| {
        entry.file_name().to_string_lossy().starts_with(".s.PGSQL.")
            && UnixStream::connect(entry.path()).is_ok()
    })
}
