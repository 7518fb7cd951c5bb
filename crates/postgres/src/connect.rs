//! Making a connection: hosts in turn, each address in turn, with and without TLS as asked.

mod identify;
pub(crate) mod listening;
mod login;
pub(crate) mod socket;
pub(crate) mod wire;

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use tokio::time::{Instant, timeout_at};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    Error, Session,
    error::Kind,
    target::{Host, HostName, SessionAttrs, SslMode, Target, endpoint},
    tls,
};
use login::Attempt;
use socket::Address;

/// Connects to the first host that answers as asked, logs in and is ready; all within `limit`.
///
/// The error is that of the server that got furthest.
pub async fn connect(target: &Target, limit: Duration) -> Result<Session, Error> {
    open(target, limit, Side::Server).await
}

/// Connects to the console of a pooler, which is refused as a server.
pub(crate) async fn connect_console(target: &Target, limit: Duration) -> Result<Session, Error> {
    open(target, limit, Side::Console).await
}

/// What is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Server,
    Console,
}

async fn open(target: &Target, limit: Duration, side: Side) -> Result<Session, Error> {
    let deadline = Instant::now() + limit;
    let tls = match target.tls.mode {
        SslMode::Disable => None,
        _ if target.hosts.iter().all(|host| matches!(host.at, HostName::Unix(_))) => None,
        _ => Some(tls::connector(&target.tls).map_err(|error| error.at(&target.endpoint()))?),
    };
    let passes: &[SessionAttrs] = match target.session_attrs {
        // A console has no role to ask for.
        _ if side == Side::Console => &[SessionAttrs::Any],
        SessionAttrs::PreferStandby => &[SessionAttrs::Standby, SessionAttrs::Any],
        _ => std::slice::from_ref(&target.session_attrs),
    };
    let mut worst = None;
    for wanted in passes {
        for host in in_turn(target) {
            let make = tls.as_ref().map(|tls| &tls.make);
            let search = Search { target, host, tls: make, wanted: *wanted, side, deadline };
            match search.run().await {
                Ok(mut session) => {
                    if let Some(tls) = tls.filter(|_| session.facts.tls) {
                        session.facts.certificate = tls.shown.certificate();
                    }
                    return Ok(session);
                }
                Err(error) => {
                    let error = error.at(&endpoint(std::slice::from_ref(host), &target.database));
                    let is_last_word = error.is_last_word();
                    worst = Some(further(worst, error));
                    if is_last_word {
                        break;
                    }
                }
            }
        }
    }
    Err(worst.unwrap_or_else(|| Kind::HungUp { source: None }.into()))
}

/// The hosts in the order they are to be tried.
fn in_turn(target: &Target) -> Vec<&Host> {
    let mut hosts: Vec<&Host> = target.hosts.iter().collect();
    if target.shuffle_hosts {
        let random = RandomState::new();
        hosts.sort_by_cached_key(|host| random.hash_one((host.port, format!("{:?}", host.at))));
    }
    hosts
}

/// The error that tells more; of equals the later.
fn further(before: Option<Error>, now: Error) -> Error {
    match before {
        Some(before) if before.progress() > now.progress() => before,
        _ => now,
    }
}

/// One host, and what is wanted of it.
struct Search<'a> {
    target: &'a Target,
    host: &'a Host,
    tls: Option<&'a MakeRustlsConnect>,
    wanted: SessionAttrs,
    side: Side,
    deadline: Instant,
}

impl Search<'_> {
    /// Tries each address of the host.
    async fn run(&self) -> Result<Session, Error> {
        let start = Instant::now();
        let resolving = timeout_at(self.deadline, Address::resolve(self.host)).await;
        let addresses = resolving.map_err(|_| Kind::TimedOut {
            doing: "resolving the host name",
            after: start.elapsed(),
        })??;
        let mut worst = None;
        for address in addresses {
            match self.one_address(&address).await {
                Ok(session) => return Ok(session),
                Err(error) => {
                    let is_last_word = error.is_last_word();
                    worst = Some(further(worst, error));
                    if is_last_word {
                        break;
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(|| Kind::HungUp { source: None }.into()))
    }

    /// Tries one address: encrypted, plain, or one after the other.
    async fn one_address(&self, address: &Address) -> Result<Session, Error> {
        let tls = self.tls.filter(|_| matches!(address, Address::Tcp(_)));
        let mode = self.target.tls.mode;
        let plans: &[Option<&MakeRustlsConnect>] = match mode {
            SslMode::Disable => &[None],
            SslMode::Allow => &[None, tls],
            SslMode::Prefer => &[tls, None],
            _ => &[tls],
        };
        let limit = self.target.connect_timeout.map(|limit| Instant::now() + limit);
        let deadline = limit.map_or(self.deadline, |limit| limit.min(self.deadline));
        let (last, earlier) = plans.split_last().unwrap_or((&None, &[]));
        for plan in earlier.iter().filter(|plan| plan.is_some() || mode == SslMode::Allow) {
            match self.attempt(address, *plan, deadline).await {
                Err(error) if error.may_differ_with_tls() => {}
                settled => return settled,
            }
        }
        self.attempt(address, *last, deadline).await
    }

    async fn attempt(
        &self,
        address: &Address,
        tls: Option<&MakeRustlsConnect>,
        deadline: Instant,
    ) -> Result<Session, Error> {
        let Self { target, host, wanted, side, .. } = *self;
        Attempt { target, host, address, tls, wanted, side }.run(deadline).await
    }
}
