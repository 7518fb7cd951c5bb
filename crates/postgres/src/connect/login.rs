//! One attempt at one address: socket, TLS, login, and the facts learnt on the way.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use dbvitals_model::ServerVersion;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, timeout_at},
};
use tokio_postgres::{
    Client, Config, Connection, NoTls,
    config::{ChannelBinding as WireBinding, SslMode as WireMode, SslNegotiation},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Side,
    identify::suspect,
    listening::{Heard, Listening},
    socket::{Address, Socket},
    wire::{Handshake, Raw, offers_tls},
};
use crate::{
    Error, Session,
    canceller::{Canceller, Route},
    error::Kind,
    session::{Ending, Facts, Query},
    speaks::Speaks,
    target::{ChannelBinding, Host, HostName, SessionAttrs, SslMode, Target, endpoint},
};

const OLDEST: ServerVersion = ServerVersion::new(13, 0, 0);

/// One attempt at one address.
pub(super) struct Attempt<'a> {
    pub(super) target: &'a Target,
    pub(super) host: &'a Host,
    pub(super) address: &'a Address,
    pub(super) tls: Option<&'a MakeRustlsConnect>,
    pub(super) wanted: SessionAttrs,
    pub(super) side: Side,
}

/// What an attempt is doing, for the message when time runs out.
#[derive(Default)]
struct Stage(Mutex<&'static str>);

impl Stage {
    fn enter(&self, doing: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = doing;
    }

    fn doing(&self) -> &'static str {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// Makes the attempt, and gives up at the deadline or when the server proves to be something else.
    pub(super) async fn run(&self, deadline: Instant) -> Result<Session, Error> {
        let start = Instant::now();
        let stage = Stage::default();
        let heard = Heard::default();
        let work = async {
            tokio::select! {
                made = self.open(&stage, &heard, start) => made,
                speaks = suspect(self.address, &heard) => Err(Kind::NotPostgres { speaks }.into()),
            }
        };
        let mut session = match timeout_at(deadline, work).await {
            Ok(made) => made?,
            Err(_) => return Err(overdue(&heard, stage.doing(), start.elapsed())),
        };
        // A batch ends by itself, and cancels itself when the deadline drops it.
        let fits = timeout_at(deadline, role_fits(&mut session, self.wanted)).await;
        match fits {
            Ok(Ok(true)) => Ok(session),
            Ok(Ok(false)) => {
                session.close().await;
                Err(Kind::WrongRole { wanted: self.wanted.as_str() }.into())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                let doing = "asking for the server's role";
                Err(Kind::TimedOut { doing, after: start.elapsed() }.into())
            }
        }
    }

    async fn open(&self, stage: &Stage, heard: &Heard, start: Instant) -> Result<Session, Error> {
        stage.enter("connecting");
        let socket = Socket::open(self.address, self.target).await?;
        let mut stream: Raw = Listening::new(socket, heard.clone());
        let mut tls = self.tls;
        if tls.is_some() && !self.target.tls.direct {
            stage.enter("waiting for the first answer");
            if !offers_tls(&mut stream).await? {
                if self.target.tls.mode > SslMode::Prefer {
                    return Err(Kind::TlsNotOffered.into());
                }
                tls = None;
            }
        }
        let mut config = self.config();
        let name = match &self.host.at {
            HostName::Tcp(name) => name.as_str(),
            HostName::Unix(_) => "",
        };
        let Some(connector) = tls else {
            stage.enter("logging in");
            config.ssl_mode(WireMode::Disable);
            let inside = if self.tls.is_some() { Heard::default() } else { heard.clone() };
            let stream = Listening::new(stream, inside.clone());
            let (client, connection) = match config.connect_raw(stream, NoTls).await {
                Ok(made) => made,
                Err(error) => return Err(self.sort(error, &inside)),
            };
            return self.ready(client, connection, &inside, None, start);
        };
        stage.enter("shaking hands over TLS");
        let inside = Heard::default();
        config.ssl_mode(WireMode::Require).ssl_negotiation(SslNegotiation::Direct);
        let handshake = Handshake::new(connector, name, inside.clone());
        let (client, connection) = match config.connect_raw(stream, handshake).await {
            Ok(made) => made,
            Err(error) => return Err(self.sort(error, &inside)),
        };
        self.ready(client, connection, &inside, Some(connector), start)
    }

    fn config(&self) -> Config {
        let mut config = Config::new();
        config.user(&self.target.user).dbname(&self.target.database);
        config.application_name("dbvitals");
        // Without a password an empty one is offered: if one is needed, the server says so by its code.
        config.password(self.host.password.as_ref().map_or("", |secret| secret.expose_secret()));
        if let Some(options) = &self.target.options {
            config.options(options);
        }
        config.channel_binding(match self.target.channel_binding {
            ChannelBinding::Disable => WireBinding::Disable,
            ChannelBinding::Prefer => WireBinding::Prefer,
            ChannelBinding::Require => WireBinding::Require,
        });
        config
    }

    /// What went wrong while logging in.
    fn sort(&self, error: tokio_postgres::Error, heard: &Heard) -> Error {
        let said = heard.bytes();
        // A server's first message asks for a login, reports an error or a notice, or negotiates the version.
        if said.first().is_some_and(|first| !b"RENv".contains(first)) {
            return Kind::NotPostgres { speaks: Speaks::of(&said) }.into();
        }
        Kind::of_login(error, self.host.password.is_some()).into()
    }

    /// A session over a connection that is logged in.
    fn ready<S, T>(
        &self,
        client: Client,
        mut connection: Connection<S, T>,
        heard: &Heard,
        tls: Option<&MakeRustlsConnect>,
        start: Instant,
    ) -> Result<Session, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let connect_ms = start.elapsed().as_secs_f64() * 1000.0;
        let announced = connection.parameter("server_version").unwrap_or("");
        let is_console = announced.ends_with("bouncer");
        let version = ServerVersion::parse(announced).unwrap_or(OLDEST);
        match self.side {
            Side::Server if is_console => {
                return Err(Kind::NotPostgres { speaks: Speaks::BouncerConsole }.into());
            }
            Side::Server if version < OLDEST => return Err(Kind::TooOld { version }.into()),
            Side::Console if !is_console => {
                return Err(Kind::NotPostgres { speaks: Speaks::Other }.into());
            }
            Side::Server | Side::Console => {}
        }
        let is_sql_ascii = connection.parameter("server_encoding") == Some("SQL_ASCII");
        let ending = Ending::default();
        let told = Arc::clone(&ending);
        let driver = tokio::spawn(async move {
            if let Err(error) = (&mut connection).await {
                // The first reason stays; there is only one.
                let _ = told.set(Arc::new(error));
            }
        });
        let key = heard.cancel_key();
        let facts = Facts {
            version,
            is_sql_ascii,
            connect_ms,
            is_local: self.address.is_local(),
            tls: tls.is_some(),
            certificate: None,
            announced_pid: key.map(|key| key.process_id.into()),
            endpoint: endpoint(std::slice::from_ref(self.host), &self.target.database),
            pinned: self.target.at_host(self.host),
        };
        let route = Route {
            target: self.target.at_host(self.host),
            address: self.address.clone(),
            tls: tls.cloned(),
            key,
        };
        let canceller = Canceller::new(route, driver.abort_handle());
        Ok(Session { client, driver, ending, canceller, facts, lost: None })
    }
}

/// Out of time: if what was heard is not PostgreSQL, that is the better reason.
fn overdue(heard: &Heard, doing: &'static str, after: Duration) -> Error {
    let said = heard.bytes();
    match said.first() {
        Some(first) if !b"RENvS".contains(first) => {
            Kind::NotPostgres { speaks: Speaks::of(&said) }.into()
        }
        _ => Kind::TimedOut { doing, after }.into(),
    }
}

/// Whether the server is of the kind wanted.
async fn role_fits(session: &mut Session, wanted: SessionAttrs) -> Result<bool, Error> {
    #[derive(serde::Deserialize)]
    struct Role {
        in_recovery: bool,
        read_only: bool,
    }
    if wanted == SessionAttrs::Any {
        return Ok(true);
    }
    // Our own transaction is read-only anyway; what counts is what others would get.
    let sql = "select pg_catalog.pg_is_in_recovery() as in_recovery, \
               pg_catalog.current_setting('default_transaction_read_only') = 'on' as read_only";
    let query = Query { name: "role", sql: sql.to_owned(), timeout: Duration::from_secs(5) };
    let answer = session.batch(&[query]).await.pop();
    let table = answer.map_or_else(|| Err(session.lost_error()), |answer| answer.result)?;
    let Role { in_recovery, read_only } = table.one()?;
    Ok(match wanted {
        SessionAttrs::Any | SessionAttrs::PreferStandby => true,
        SessionAttrs::ReadWrite => !in_recovery && !read_only,
        SessionAttrs::ReadOnly => in_recovery || read_only,
        SessionAttrs::Primary => !in_recovery,
        SessionAttrs::Standby => in_recovery,
    })
}
