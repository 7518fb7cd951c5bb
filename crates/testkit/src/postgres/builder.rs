//! What to start: version, settings, access rules, TLS, archive.

use std::{
    fmt::Write as _,
    path::Path,
    sync::{Arc, atomic::AtomicU32},
};

use crate::{
    TestkitError,
    certificates::{Certificates, Validity},
    copy_tree::copy_tree,
    launch,
    postgres::{PgVersion, Postgres, template},
    run_as::RunAs,
    supervisor::Supervisor,
};

/// The access rules after a server's own: passwords everywhere, so that the file itself is sound.
const DEFAULT_HBA: &str = "\
local all all scram-sha-256
local replication all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
";

/// Builds a [`Postgres`]. `fsync` is off and everything else is the version's default unless set.
#[derive(Debug, Clone)]
pub struct PostgresBuilder {
    pub(super) version: PgVersion,
    settings: Vec<(String, String)>,
    preload: Vec<String>,
    hba: Vec<String>,
    initdb: Vec<String>,
    pub(super) tls: Option<(Vec<String>, Validity)>,
    archive: bool,
}

impl PostgresBuilder {
    pub(super) fn new(version: PgVersion) -> Self {
        Self {
            version,
            settings: vec![("fsync".into(), "off".into())],
            preload: Vec::new(),
            hba: Vec::new(),
            initdb: Vec::new(),
            tls: None,
            archive: false,
        }
    }

    /// A `postgresql.conf` setting; a later one of the same name wins.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Adds a library to `shared_preload_libraries`.
    #[must_use]
    pub fn preload(mut self, library: &str) -> Self {
        self.preload.push(library.into());
        self
    }

    /// A `pg_hba.conf` line before the default ones (SCRAM passwords for socket and loopback).
    #[must_use]
    pub fn hba(mut self, line: &str) -> Self {
        self.hba.push(line.into());
        self
    }

    /// An extra `initdb` option, e.g. `--data-checksums`.
    #[must_use]
    pub fn initdb(mut self, option: &str) -> Self {
        self.initdb.push(option.into());
        self
    }

    /// `ssl = on`, with a certificate for `localhost` and 127.0.0.1, and client certificates to be verified.
    #[must_use]
    pub fn tls(self) -> Self {
        self.tls_for(&["localhost", "127.0.0.1"], Validity::Valid)
    }

    /// `ssl = on`, with a certificate for these names only.
    #[must_use]
    pub fn tls_for(mut self, names: &[&str], validity: Validity) -> Self {
        self.tls = Some((names.iter().map(ToString::to_string).collect(), validity));
        self
    }

    /// Archives finished WAL into [`Postgres::archive_dir`].
    #[must_use]
    pub fn archive(mut self) -> Self {
        self.archive = true;
        self
    }

    /// Starts the server and waits until it accepts connections.
    pub fn start(self) -> Result<Postgres, TestkitError> {
        let run_as = RunAs::current()?;
        let template = template::template(self.version, &self.initdb, run_as)?;
        let supervisor = self.supervisor(run_as)?;
        let data = supervisor.folder().join("data");
        copy_tree(&template, &data, run_as, &|_| true)?;
        self.start_prepared(supervisor, run_as)
    }

    /// The folder and the process that will own the server.
    pub(super) fn supervisor(&self, run_as: RunAs) -> Result<Supervisor, TestkitError> {
        let server = self.version.bin_dir()?.join("postgres");
        let kind = format!("pg{}", self.version.major());
        Supervisor::open(&kind, run_as, "QUIT", |folder| {
            vec![server.into(), "-D".into(), folder.join("data").into()]
        })
    }

    /// Starts the server on the data folder that is in place.
    pub(super) fn start_prepared(
        self,
        supervisor: Supervisor,
        run_as: RunAs,
    ) -> Result<Postgres, TestkitError> {
        let folder = supervisor.folder().to_owned();
        run_as.create_dir(&folder.join("socket"))?;
        run_as.create_dir(&folder.join("archive"))?;
        let certificates = match &self.tls {
            Some((names, validity)) => {
                Some(Certificates::make(&folder.join("tls"), run_as, names, *validity)?)
            }
            None => None,
        };
        let hba = self.hba.iter().fold(String::new(), |text, line| text + line + "\n");
        run_as.write(&folder.join("data/pg_hba.conf"), &(hba + DEFAULT_HBA), 0o600)?;
        let settings_file = folder.join("data").join(template::SETTINGS_FILE);
        let port = launch::launch(
            &supervisor,
            &self.version.to_string(),
            &|port| {
                let text = self.settings_text(&folder, port, certificates.as_ref());
                run_as.write(&settings_file, &text, 0o600)
            },
            &|pid| super::is_ready(&folder, pid),
        )?;
        Ok(Postgres {
            builder: self,
            supervisor,
            run_as,
            port,
            certificates,
            counter: Arc::new(AtomicU32::new(1)),
        })
    }

    fn settings_text(&self, folder: &Path, port: u16, tls: Option<&Certificates>) -> String {
        let at = |below: &str| folder.join(below).display().to_string();
        let mut all = vec![
            ("listen_addresses".to_owned(), "127.0.0.1".to_owned()),
            ("port".to_owned(), port.to_string()),
            ("unix_socket_directories".to_owned(), at("socket")),
        ];
        let mut add = |name: &str, value: String| all.push((name.to_owned(), value));
        if self.archive {
            add("archive_mode", "on".into());
            add("archive_command", format!("cp %p {}/%f", at("archive")));
        }
        if let Some(tls) = tls {
            add("ssl", "on".into());
            add("ssl_cert_file", tls.server_certificate().display().to_string());
            add("ssl_key_file", tls.server_key().display().to_string());
            add("ssl_ca_file", tls.authority().display().to_string());
        }
        if !self.preload.is_empty() {
            add("shared_preload_libraries", self.preload.join(","));
        }
        all.extend_from_slice(&self.settings);
        all.iter().fold(String::new(), |mut text, (name, value)| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name} = '{}'", value.replace('\'', "''"));
            text
        })
    }
}
