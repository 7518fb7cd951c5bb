//! What to start: version, configuration, password, ACL users, TLS.

use std::path::Path;

use crate::{
    TestkitError,
    certificates::{Certificates, Validity},
    launch::{free_port, launch},
    redis::{Redis, RedisVersion, answers, start_configured},
    run_as::RunAs,
    supervisor::Supervisor,
};

/// Lines before a server's own. No snapshots by time, and replicas are served at once.
const DEFAULTS: &str = "\
daemonize no
bind 127.0.0.1
save \"\"
repl-diskless-sync-delay 0
";

/// Builds a [`Redis`]. Snapshots by time are off and everything else is the version's default unless set.
#[derive(Debug, Clone)]
pub struct RedisBuilder {
    pub(super) version: RedisVersion,
    pub(super) password: Option<String>,
    lines: Vec<String>,
    tls: Option<(Vec<String>, Validity)>,
    is_sentinel: bool,
}

impl RedisBuilder {
    pub(super) fn new(version: RedisVersion) -> Self {
        Self { version, password: None, lines: Vec::new(), tls: None, is_sentinel: false }
    }

    /// A `redis.conf` line; `value` is written as it is, so it may hold several words or quotes.
    #[must_use]
    pub fn config(mut self, name: &str, value: &str) -> Self {
        self.lines.push(format!("{name} {value}"));
        self
    }

    /// A Sentinel instead of a server of data: it watches a primary by this name and wants as many Sentinels to
    /// agree that it is down.
    #[must_use]
    pub fn sentinel_of(mut self, name: &str, primary: &Redis, quorum: u32) -> Self {
        self.is_sentinel = true;
        let address = format!("127.0.0.1 {}", primary.port());
        self.config("sentinel", &format!("monitor {name} {address} {quorum}"))
            .config("sentinel", &format!("down-after-milliseconds {name} 500"))
    }

    /// An ACL user, e.g. `("auditor", "on >secret ~* +info +config|get")`.
    #[must_use]
    pub fn acl_user(self, name: &str, rules: &str) -> Self {
        self.config("user", &format!("{name} {rules}"))
    }

    /// The default user's password (`requirepass`).
    #[must_use]
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.into());
        self.config("requirepass", password)
    }

    /// A TLS port besides the plain one, with a certificate for `localhost` and 127.0.0.1. Redis 7 only.
    #[must_use]
    pub fn tls(self) -> Self {
        self.tls_for(&["localhost", "127.0.0.1"], Validity::Valid)
    }

    /// A TLS port besides the plain one, with a certificate for these names only. Redis 7 only. Client
    /// certificates are asked for but not required, unless `tls-auth-clients` is set otherwise.
    #[must_use]
    pub fn tls_for(mut self, names: &[&str], validity: Validity) -> Self {
        self.tls = Some((names.iter().map(ToString::to_string).collect(), validity));
        self
    }

    /// Starts the server and waits until it answers.
    pub fn start(self) -> Result<Redis, TestkitError> {
        let run_as = RunAs::current()?;
        let server = self.version.server()?;
        let supervisor = Supervisor::open("redis", run_as, "KILL", |folder| {
            let mut words = vec![server.into(), folder.join("redis.conf").into()];
            words.extend(self.is_sentinel.then(|| "--sentinel".into()));
            words
        })?;
        let folder = supervisor.folder().to_owned();
        let certificates = match &self.tls {
            Some((names, validity)) => {
                Some(Certificates::make(&folder.join("tls"), run_as, names, *validity)?)
            }
            None => None,
        };
        let socket = folder.join("redis.sock");
        let tls_port = std::cell::Cell::new(None);
        let port = launch(
            &supervisor,
            &self.version.to_string(),
            &|port| {
                let tls = match &certificates {
                    Some(certificates) => Some((certificates, free_port()?)),
                    None => None,
                };
                tls_port.set(tls.map(|(_, port)| port));
                let text = self.configuration(&folder, port, tls);
                run_as.write(&folder.join("redis.conf"), &text, 0o600)
            },
            &|_| answers(&socket),
        )?;
        Ok(Redis { builder: self, supervisor, port, tls_port: tls_port.get(), certificates })
    }

    pub(super) fn start_again(&self, supervisor: &Supervisor) -> Result<(), TestkitError> {
        start_configured(supervisor, self.version)
    }

    fn configuration(&self, folder: &Path, port: u16, tls: Option<(&Certificates, u16)>) -> String {
        let folder = folder.display();
        let mut text = format!(
            "{DEFAULTS}port {port}\ndir {folder}\nunixsocket {folder}/redis.sock\nunixsocketperm 777\n"
        );
        if let Some((files, port)) = tls {
            let lines = format!(
                "tls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\n\
                 tls-auth-clients optional\n",
                files.server_certificate().display(),
                files.server_key().display(),
                files.authority().display(),
            );
            text.push_str(&lines);
        }
        for line in &self.lines {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}
