//! What can go wrong around a throwaway server.

use std::{io, path::PathBuf};

/// A failure of the testkit itself, never of the code under test.
#[derive(Debug, thiserror::Error)]
pub enum TestkitError {
    /// A server binary is not on this machine.
    #[error("no {what} at {}; run `cargo xtask setup`", path.display())]
    MissingServer {
        /// The program, e.g. `PostgreSQL 16`.
        what: String,
        /// Where it was expected.
        path: PathBuf,
    },
    /// A file, folder, socket or process operation failed.
    #[error("{what}: {source}")]
    Io {
        /// What was attempted, with its subject.
        what: String,
        /// The cause.
        source: io::Error,
    },
    /// A server, or a program that prepares one, ended when it should not have.
    #[error("{what} ended early; its output:\n{log}")]
    Ended {
        /// The program.
        what: String,
        /// All it wrote.
        log: String,
    },
    /// A condition did not come true within its deadline.
    #[error("{what} did not happen within {seconds} s; last seen: {seen}")]
    Deadline {
        /// The awaited condition.
        what: String,
        /// The deadline.
        seconds: u64,
        /// The last observation, e.g. the server's log.
        seen: String,
    },
    /// The supervisor answered something unexpected or went away.
    #[error("the supervisor of {folder} answered {answer:?} to {asked:?}")]
    Supervisor {
        /// The server's folder.
        folder: String,
        /// The verb sent.
        asked: String,
        /// The reply, empty when the pipe was closed.
        answer: String,
    },
    /// A PostgreSQL statement or connection failed.
    #[error("{what}: {}", database_message(source))]
    Sql {
        /// The statement (its beginning) or connection.
        what: String,
        /// The driver's error.
        source: tokio_postgres::Error,
    },
    /// A query returned no row or no column where one was asked for.
    #[error("no row from: {0}")]
    NoRow(String),
    /// Redis answered with an error.
    #[error("redis refused {command}: {message}")]
    Redis {
        /// The command's name.
        command: String,
        /// The server's message.
        message: String,
    },
    /// Certificates could not be made.
    #[error("cannot make certificates: {0}")]
    Certificates(#[from] rcgen::Error),
    /// The call does not fit the server's state, e.g. starting what runs.
    #[error("{0}")]
    State(String),
}

impl TestkitError {
    /// Turns an I/O error into one that says what was attempted.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// The SQLSTATE of a failed statement, when the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Sql { source, .. } => source.code().map(tokio_postgres::error::SqlState::code),
            _ => None,
        }
    }
}

fn database_message(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
