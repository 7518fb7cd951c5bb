//! One connection, and what it is asked.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use dbvitals_model::{ServerVersion, pg::security::Certificate};
use rustls_pki_types::CertificateDer;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;
use tokio_postgres::Client;

use crate::{Error, Target, canceller::Canceller, error::Kind, table::Table, tls::certificate};

/// A query to be answered within a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What the cost is booked under.
    pub name: &'static str,
    /// One statement without parameters. The tag `/* dbvitals */` is put behind its first word.
    pub sql: String,
    /// The server cancels it after this time; a little later we stop waiting.
    pub timeout: Duration,
}

/// What became of one query.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The rows, or why there are none.
    pub result: Result<Table, Error>,
    /// Time between the previous answer and this one, in milliseconds.
    pub elapsed_ms: f64,
    /// Rows received.
    pub rows: u64,
    /// Bytes of row data received.
    pub bytes: u64,
    /// When it had come; `None` where nothing was asked.
    pub(crate) ended_at: Option<Instant>,
}

impl Answer {
    /// The rows, where there are any and they are such.
    pub fn decoded<T: DeserializeOwned>(self) -> Option<Vec<T>> {
        self.result.ok()?.decode().ok()
    }
}

/// One open connection. Dropping it ends the server's session; dropping it while a batch is under way also
/// asks the server to cancel what runs.
#[derive(Debug)]
pub struct Session {
    pub(crate) client: Client,
    pub(crate) driver: JoinHandle<()>,
    pub(crate) ending: Ending,
    pub(crate) canceller: Canceller,
    pub(crate) facts: Facts,
    /// Why no more can be asked.
    pub(crate) lost: Option<Error>,
}

/// Why the connection ended, once it has.
pub(crate) type Ending = Arc<OnceLock<Arc<tokio_postgres::Error>>>;

/// What is known of a connection from making it.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    /// From `server_version`, which the server reports unasked.
    pub(crate) version: ServerVersion,
    /// The database's text is of unknown encoding.
    pub(crate) is_sql_ascii: bool,
    pub(crate) connect_ms: f64,
    pub(crate) is_local: bool,
    pub(crate) tls: bool,
    /// What the server showed, where the connection is encrypted.
    pub(crate) certificate: Option<CertificateDer<'static>>,
    /// The process id the connection was given at login; a pooler invents one.
    pub(crate) announced_pid: Option<i64>,
    pub(crate) endpoint: String,
    /// The target at the host that answered.
    pub(crate) pinned: Target,
}

/// How long a good-bye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

impl Session {
    /// The server's version as it announced it.
    pub fn version(&self) -> ServerVersion {
        self.facts.version
    }

    /// Host, port and database of the server that answered.
    pub fn endpoint(&self) -> &str {
        &self.facts.endpoint
    }

    /// The server's certificate, where the connection is encrypted and it can be read.
    pub fn certificate(&self) -> Option<Certificate> {
        certificate::read(self.facts.certificate.as_ref()?)
    }

    /// The same server, host and login for another database: what further connections go to.
    pub fn target_for(&self, database: &str) -> Target {
        self.facts.pinned.with_database(database)
    }

    /// A handle that ends this connection from elsewhere, for Ctrl-C.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Says good-bye and waits, briefly, until it is sent.
    pub async fn close(self) {
        let Self { client, mut driver, .. } = self;
        drop(client);
        if tokio::time::timeout(CLOSE_TIMEOUT, &mut driver).await.is_err() {
            driver.abort();
        }
    }

    /// Cancels what runs and ends the connection.
    pub async fn abort(self) {
        self.canceller.abort().await;
    }

    /// The error for a connection that is gone.
    pub(crate) fn lost_error(&self) -> Error {
        Kind::Lost { source: self.ending.get().cloned() }.into()
    }
}
