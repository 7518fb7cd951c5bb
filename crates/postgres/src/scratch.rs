//! A database of its own in which statements may be executed: made under a name nobody else has, and dropped again.
//!
//! The session that makes it holds an advisory lock from before the making until it ends. What drops the database waits
//! for that lock, so that it finds the database even where the making was interrupted half-way.

mod compare;
mod leftover;
mod making;

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time::timeout;
use tokio_postgres::{SimpleQueryMessage, types::Type};

pub use self::{
    compare::{Compared, Pair, Seen},
    making::Unmade,
};
use crate::{
    Error, Session, Target,
    batch::{GRACE, InFlight},
    connect,
    error::Kind,
    explain::identifier,
};

/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for making or dropping a database.
const MAKING: Duration = Duration::from_secs(30);

/// Time for one statement in the database.
const STATEMENT: Duration = Duration::from_secs(5);

/// Where a database is to be made, and its name.
#[derive(Debug)]
pub struct Place {
    target: Target,
    name: String,
    lock: i64,
    /// It may be there.
    is_begun: AtomicBool,
}

/// The database, with a session in it.
#[derive(Debug)]
pub struct Scratch {
    session: Session,
    swept: Vec<String>,
    /// Holds the lock.
    _maker: Session,
}

/// What a statement takes and shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The types of its parameters, as `format_type` writes them: those that are not the server's own with their schema.
    pub parameters: Vec<String>,
    /// The names of its columns with their types.
    pub columns: Vec<(String, String)>,
}

impl Place {
    /// A place on the server of a target. Nothing is made yet.
    pub fn new(target: Target) -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        let name = format!("{}{}_{random:016x}", leftover::PREFIX, std::process::id());
        Self { target, name, lock: random.cast_signed(), is_begun: AtomicBool::new(false) }
    }

    /// The name of the database.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Makes the database and connects to it. Drops before what others of its kind left behind.
    pub async fn open(&self) -> Result<Scratch, Error> {
        let mut maker = connect(&self.target, CONNECT).await?;
        // Where it may not look, or not drop, the database can be made all the same.
        let swept = maker.sweep().await.unwrap_or_default();
        let lock = format!("SELECT pg_catalog.pg_advisory_lock({})", self.lock);
        maker.carry_out(&lock, MAKING).await?;
        self.is_begun.store(true, Ordering::SeqCst);
        let create = format!("CREATE DATABASE {} TEMPLATE template0", identifier(&self.name));
        maker.carry_out(&create, MAKING).await?;
        maker.mark(&self.name).await?;
        let mut session = connect(&maker.target_for(&self.name), CONNECT).await?;
        let settings = format!(
            "SET statement_timeout = {}; SET client_min_messages = error; SET synchronous_commit = off",
            STATEMENT.as_millis()
        );
        session.carry_out(&settings, STATEMENT).await?;
        Ok(Scratch { session, swept, _maker: maker })
    }

    /// Drops the database, if it was made. The sessions of a [`Scratch`] must be gone, or going.
    pub async fn remove(&self) -> Result<(), Error> {
        if !self.is_begun.load(Ordering::SeqCst) {
            return Ok(());
        }
        let mut session = connect(&self.target, CONNECT).await?;
        let wait = format!(
            "SET statement_timeout = {}; SELECT pg_catalog.pg_advisory_lock({})",
            MAKING.as_millis(),
            self.lock
        );
        session.carry_out(&wait, MAKING).await?;
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", identifier(&self.name));
        let dropped = session.carry_out(&drop, MAKING).await;
        session.close().await;
        dropped
    }
}

impl Scratch {
    /// The databases that were found left over, and dropped.
    pub fn swept(&self) -> &[String] {
        &self.swept
    }

    /// The server's version, as `18.1`.
    pub fn version(&self) -> String {
        self.session.version().to_string()
    }

    /// The number of the server's major version.
    pub fn major(&self) -> u32 {
        self.session.version().major
    }

    /// Executes statements one after the other.
    pub async fn run(&mut self, statements: &[String]) -> Result<(), Error> {
        if statements.is_empty() {
            return Ok(());
        }
        self.session.carry_out(&statements.join(";\n"), STATEMENT).await
    }

    /// What one statement takes and shows; refuses a text of several.
    pub async fn describe(&mut self, text: &str) -> Result<Described, Error> {
        let guard = InFlight::of(&self.session.canceller);
        let asked = timeout(STATEMENT + GRACE, self.session.client.prepare(text)).await;
        guard.disarm();
        let late = || Error::from(Kind::TimedOut { doing: "preparing", after: STATEMENT + GRACE });
        let statement = asked.map_err(|_| late())?.map_err(Error::from)?;
        let columns: Vec<(String, Type)> = statement
            .columns()
            .iter()
            .map(|column| (column.name().to_owned(), column.type_().clone()))
            .collect();
        let types = statement.params().to_vec();
        let mut parameters = Vec::with_capacity(types.len());
        for of in &types {
            parameters.push(self.type_name(of).await?);
        }
        let mut named = Vec::with_capacity(columns.len());
        for (name, of) in &columns {
            named.push((name.clone(), self.type_name(of).await?));
        }
        Ok(Described { parameters, columns: named })
    }

    async fn type_name(&mut self, of: &Type) -> Result<String, Error> {
        let sql = format!(
            "BEGIN; SET LOCAL search_path TO pg_catalog; SELECT pg_catalog.format_type({}, NULL); COMMIT",
            of.oid()
        );
        let rows = self.session.rows_of(&sql, STATEMENT).await?;
        Ok(rows.into_iter().flatten().flatten().next().unwrap_or_default())
    }
}

impl Session {
    /// Executes what is no query, or whose rows nobody wants.
    async fn carry_out(&mut self, sql: &str, limit: Duration) -> Result<(), Error> {
        self.rows_of(sql, limit).await.map(|_| ())
    }

    /// The rows of statements, every value as text.
    async fn rows_of(
        &mut self,
        sql: &str,
        limit: Duration,
    ) -> Result<Vec<Vec<Option<String>>>, Error> {
        if self.lost.is_some() {
            return Err(self.lost_error());
        }
        let guard = InFlight::of(&self.canceller);
        let asked = timeout(limit + GRACE, self.client.simple_query(sql)).await;
        guard.disarm();
        match asked {
            Ok(Ok(messages)) => Ok(messages.iter().filter_map(cells).collect()),
            Ok(Err(error)) => {
                let error = Error::from(error);
                if error.is_lost() {
                    self.lost = Some(self.lost_error());
                    return Err(self.lost_error());
                }
                Err(error)
            }
            Err(_) => {
                let doing = "waiting for the scratch database";
                let error = Error::from(Kind::TimedOut { doing, after: limit + GRACE });
                self.lost = Some(error.clone());
                self.canceller.abort().await;
                Err(error)
            }
        }
    }
}

fn cells(message: &SimpleQueryMessage) -> Option<Vec<Option<String>>> {
    match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    }
}
