//! Opening a connection: dialling, TLS, signing in, and saying plainly why it did not work.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use redis::{Cmd, Value};
use rustls_pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::{
    Address, Error, Target,
    command::Command,
    keyspace::wire::Wire,
    link::{Answer, Link},
    probe::{self, Peer},
    reply, tls,
    witness::{Witness, Witnessed},
};

/// The name our connection bears on the server.
pub(crate) const CLIENT_NAME: &str = "dbvitals";

/// `PING`s beyond the first, for the median round trip.
const MORE_PINGS: usize = 4;

/// No more `PING`s once this much time went into them.
const PING_BUDGET: Duration = Duration::from_millis(200);

/// A connection that is signed in, and what was learnt on the way.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) link: Link,
    /// From the first packet to the first answer.
    pub(crate) connect_ms: f64,
    pub(crate) round_trip_ms: Option<f64>,
    /// The server runs on this machine.
    pub(crate) is_local: bool,
    /// `HELLO`: name and value pairs; empty where refused.
    pub(crate) hello: Vec<(String, String)>,
    /// Oddities worth telling.
    pub(crate) problems: Vec<String>,
}

/// Connects and signs in; every wait ends after `patience`.
pub(crate) async fn open(target: &Target, patience: Duration) -> Result<Opened, Error> {
    let begun = Instant::now();
    let witness = Witness::default();
    let (stream, is_local) = dial(target, patience).await?;
    let stream = Witnessed::new(stream, witness.clone());
    let mut link = Link::over(stream, &target.endpoint(), patience).await?;
    let mut problems = Vec::new();
    let answers = link.batch("the greeting", &greeting(target)).await;
    let hello = match settle(target, &answers, &mut problems) {
        Ok(hello) => hello,
        Err(error) => return Err(explain(target, &mut link, &witness, error).await),
    };
    let connect_ms = begun.elapsed().as_secs_f64() * 1000.0;
    let round_trip_ms = median_ping(&mut link).await;
    Ok(Opened { link, connect_ms, round_trip_ms, is_local, hello, problems })
}

/// An open stream to a server, plain or TLS.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens a stream, and tells whether the server runs on this machine.
async fn dial(target: &Target, patience: Duration) -> Result<(Box<dyn Stream>, bool), Error> {
    let endpoint = target.endpoint();
    let late = |during: &str| Error::TimedOut {
        endpoint: target.endpoint(),
        during: during.to_owned(),
        after: patience,
    };
    let failed =
        |error: io::Error| Error::Connect { endpoint: target.endpoint(), source: Arc::new(error) };
    let config = target.tls.as_ref().map(tls::config).transpose()?;
    match &target.address {
        Address::Unix(path) => {
            let stream = timeout(patience, UnixStream::connect(path))
                .await
                .map_err(|_| late("the connection request"))?
                .map_err(failed)?;
            Ok((Box::new(stream), true))
        }
        Address::Tcp { host, port } => {
            let stream = timeout(patience, TcpStream::connect((host.as_str(), *port)))
                .await
                .map_err(|_| late("the connection request"))?
                .map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            let is_local = is_local(&stream);
            let Some(config) = config else {
                return Ok((Box::new(stream), is_local));
            };
            let name = ServerName::try_from(host.clone())
                .map_err(|error| failed(io::Error::new(io::ErrorKind::InvalidInput, error)))?;
            let shaken = TlsConnector::from(Arc::new(config)).connect(name, stream);
            let error = match timeout(patience, shaken).await {
                Ok(Ok(stream)) => return Ok((Box::new(stream), is_local)),
                Ok(Err(error)) => Error::Tls { endpoint, source: Arc::new(error) },
                Err(_) => late("the TLS handshake"),
            };
            Err(explain_tls(target, patience, error).await)
        }
    }
}

/// A second connection, signed in, for many small requests.
pub(crate) async fn wire(target: &Target, patience: Duration) -> Result<Wire, Error> {
    let (stream, _) = dial(target, patience).await?;
    let mut wire = Wire::over(stream, &target.endpoint(), patience);
    let password = target.password.as_ref().map_or("", |password| password.expose_secret());
    if signs_in(target) {
        match &target.user {
            Some(user) => wire.ask(&[b"AUTH", user.as_bytes(), password.as_bytes()]),
            None => wire.ask(&[b"AUTH", password.as_bytes()]),
        }
    }
    wire.ask(&[b"CLIENT", b"SETNAME", CLIENT_NAME.as_bytes()]);
    wire.send().await?;
    if signs_in(target)
        && let Some(error) = wire.reply().await?.refusal()
        && !error.message().is_some_and(|message| message.contains("without any password"))
    {
        return Err(error);
    }
    match wire.reply().await?.refusal() {
        Some(error) if is_final(&error) => Err(error),
        _ => Ok(wire),
    }
}

/// Loopback, or an address of this machine.
fn is_local(stream: &TcpStream) -> bool {
    match (stream.peer_addr(), stream.local_addr()) {
        (Ok(peer), Ok(local)) => peer.ip().is_loopback() || peer.ip() == local.ip(),
        _ => false,
    }
}

/// What is sent first, in one go: `AUTH` and `SELECT` as needed, our name, `HELLO`, `PING`.
fn greeting(target: &Target) -> Vec<Cmd> {
    let mut commands = Vec::new();
    if signs_in(target) {
        let mut auth = Cmd::new();
        auth.arg("AUTH");
        if let Some(user) = &target.user {
            auth.arg(user.as_str());
        }
        auth.arg(target.password.as_ref().map_or("", |password| password.expose_secret()));
        commands.push(auth);
    }
    if target.database != 0 {
        let mut select = Command::SELECT.cmd();
        select.arg(target.database);
        commands.push(select);
    }
    let mut name = Command::CLIENT_SETNAME.cmd();
    name.arg(CLIENT_NAME);
    commands.extend([name, Command::HELLO.cmd(), Command::PING.cmd()]);
    commands
}

fn signs_in(target: &Target) -> bool {
    target.user.is_some() || target.password.is_some()
}

/// Judges the answers to [`greeting`]: an error means that nothing further would be answered.
fn settle(
    target: &Target,
    answers: &[Answer],
    problems: &mut Vec<String>,
) -> Result<Vec<(String, String)>, Error> {
    if let Some(error) =
        answers.iter().filter_map(|answer| answer.as_ref().err()).find(|error| is_final(error))
    {
        return Err(error.clone());
    }
    let mut rest = answers.iter();
    if signs_in(target)
        && let Some(Err(error)) = rest.next()
    {
        if !error.message().is_some_and(|message| message.contains("without any password")) {
            return Err(error.clone());
        }
        problems.push("a password was given, and the server asks for none".to_owned());
    }
    if target.database != 0
        && let Some(Err(error)) = rest.next()
    {
        problems.push(format!("cannot select database {}: {error}", target.database));
    }
    let hello = rest.nth(1).and_then(|answer| answer.as_ref().ok()).unwrap_or(&Value::Nil);
    let pairs = reply::pairs(hello).into_iter();
    Ok(pairs.filter_map(|(name, value)| Some((name, reply::text(value)?))).collect())
}

/// An error after which no command is answered. A refused `PING` or `CLIENT SETNAME` is none of these.
fn is_final(error: &Error) -> bool {
    error.is_connection_lost()
        || matches!(error.code(), Some("NOAUTH" | "DENIED" | "LOADING" | "BUSY"))
        || error.message().is_some_and(|message| message.contains("max number of clients"))
}

/// Finds the real cause of a greeting that failed.
async fn explain(target: &Target, link: &mut Link, witness: &Witness, error: Error) -> Error {
    if matches!(error, Error::Loading { .. }) {
        return Error::Loading { eta_seconds: loading_eta(link).await };
    }
    if !error.is_connection_lost() {
        return error;
    }
    let patience = link.patience();
    let first = witness.first_bytes();
    if let Some(line) = first.strip_prefix(b"-") {
        let line = line.split(|byte| *byte == b'\r').next().unwrap_or_default();
        return Error::from_line(&String::from_utf8_lossy(line));
    }
    let peer = if !first.is_empty() {
        probe::recognise(&first).or(Some(Peer::Other("what it answers is not the Redis protocol")))
    } else if target.tls.is_none() {
        probe::who_else(&target.address, patience).await
    } else {
        None
    };
    let endpoint = target.endpoint();
    match peer {
        Some(Peer::Other(what)) => Error::Foreign { endpoint, what },
        Some(Peer::Tls) if target.tls.is_none() => Error::WantsTls { endpoint },
        _ => error,
    }
}

/// Finds the real cause of a TLS handshake that failed: the port may not speak TLS at all.
async fn explain_tls(target: &Target, patience: Duration, error: Error) -> Error {
    let endpoint = target.endpoint();
    let is_about_certificates = match &error {
        Error::Tls { source, .. } => source.to_string().contains("ertificate"),
        _ => false,
    };
    if is_about_certificates {
        return error;
    }
    match probe::who_is_plain(&target.address, patience).await {
        Some(Peer::PlainRedis) => Error::WantsPlain { endpoint },
        Some(Peer::Other(what)) => Error::Foreign { endpoint, what },
        _ => match probe::who_else(&target.address, patience).await {
            Some(Peer::Other(what)) => Error::Foreign { endpoint, what },
            _ => error,
        },
    }
}

/// The server's own guess of how long it will go on loading.
async fn loading_eta(link: &mut Link) -> Option<i64> {
    let mut info = Command::INFO.cmd();
    info.arg("persistence");
    let text = reply::text(&link.one("INFO persistence", &info).await.ok()?)?;
    let eta = text.lines().find_map(|line| line.strip_prefix("loading_eta_seconds:"))?;
    eta.trim().parse().ok()
}

/// The median of a few round trips, in milliseconds.
async fn median_ping(link: &mut Link) -> Option<f64> {
    let ping = Command::PING.cmd();
    let begun = Instant::now();
    let mut times = Vec::new();
    while times.len() < MORE_PINGS && begun.elapsed() < PING_BUDGET && link.lost().is_none() {
        let sent = Instant::now();
        // A refused PING made the round trip all the same.
        let _ = link.one("PING", &ping).await;
        times.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    if link.lost().is_some() {
        return None;
    }
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}
