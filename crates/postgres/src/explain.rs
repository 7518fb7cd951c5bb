//! How a server would run one statement, and on request how it did.
//!
//! Everything happens in one transaction that is rolled back at the end: a reading one, unless executing a statement
//! that writes was asked for in so many words. Statements of the session (`PREPARE`) are removed before it ends, so that a pooler in
//! transaction mode hands nobody a session with something left in it.

mod opening;
mod under;
mod values;

use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;

pub use self::{
    opening::is_own,
    under::{Imagined, Under},
    values::{ColumnValues, WantedColumn},
};
use crate::{
    Error,
    batch::{GRACE, InFlight},
    error::Kind,
    session::Session,
};

/// What is to be found out about one statement.
#[derive(Debug, Clone)]
pub struct Explaining<'a> {
    /// The statement, without a semicolon. Parameters stand as `$n`.
    pub text: &'a str,
    /// The largest `n`; 0 for none.
    pub parameters: usize,
    /// The values to plan for (and to execute with), one for each parameter.
    pub values: Option<&'a [Option<String>]>,
    /// The role it is planned and executed as.
    pub role: Option<&'a str>,
    /// What else is different from the session's own.
    pub under: Under<'a>,
    /// Whether it is executed.
    pub execution: Execution,
    /// The server gives up after it.
    pub timeout: Duration,
}

/// Whether a statement is executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It is only planned.
    No,
    /// In a transaction that cannot write.
    Reading,
    /// In a transaction that can write, and is rolled back. Sequences, notifications to be sent at commit apart, and
    /// what functions do outside of the database, do not come back.
    Writing,
}

/// A plan as `EXPLAIN (FORMAT JSON)` writes it, or why there is none.
pub type Planned = Result<String, Refusal>;

/// Why the server gave no plan.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What it said.
    pub error: Error,
    /// The character of the statement, from 0, that it complains about.
    pub at: Option<usize>,
}

/// What the server answered.
#[derive(Debug, Clone, Default)]
pub struct Explained {
    /// The plan without knowledge of the parameters; for a statement without any, its plan.
    pub generic: Option<Planned>,
    /// The plan for the values.
    pub custom: Option<Planned>,
    /// The plan with what happened when it was executed.
    pub measured: Option<Planned>,
    /// The types of the parameters as the server names them; empty where it could not tell.
    pub types: Vec<String>,
}

/// By which our prepared statement goes.
const NAME: &str = "dbvitals_statement";

/// What is asked of every plan.
const PLAN: &str = "VERBOSE, SETTINGS, FORMAT JSON";

impl Session {
    /// Plans a statement, and executes it if that was asked for. An error means that nothing could be asked at all;
    /// what the server refused is in the answer. Dropping the future cancels what runs and ends the connection.
    pub async fn explain(&mut self, wanted: &Explaining<'_>) -> Result<Explained, Error> {
        let guard = InFlight::of(&self.canceller);
        let explained = self.explained(wanted).await;
        // Whatever happened, nothing of it stays.
        let closed = self.say("ROLLBACK", GRACE).await;
        guard.disarm();
        if let Err(error) = closed {
            self.lost = Some(error.clone());
            self.canceller.abort().await;
            return explained.and(Err(error));
        }
        explained
    }

    async fn explained(&mut self, wanted: &Explaining<'_>) -> Result<Explained, Error> {
        if self.lost.is_some() {
            return Err(self.lost_error());
        }
        let patience = wanted.timeout + GRACE;
        self.say(&opening::text(wanted, self.version()), patience).await?;
        self.say("SAVEPOINT dbvitals", patience).await?;
        let mut told = Explained::default();
        if let Some(error) = self.put_under(wanted, patience).await? {
            told.generic = Some(Err(Refusal { error, at: None }));
            return Ok(told);
        }
        let told = self.planned(wanted, patience, told).await?;
        if wanted.under.imagined.is_some() {
            self.forget(wanted, patience).await?;
        }
        Ok(told)
    }

    async fn planned(
        &mut self,
        wanted: &Explaining<'_>,
        patience: Duration,
        mut told: Explained,
    ) -> Result<Explained, Error> {
        if wanted.parameters == 0 {
            let sql = format!("EXPLAIN ({PLAN}) /* dbvitals */ {}", wanted.text);
            if let Err(error) = self.is_single(&sql, patience).await? {
                told.generic = Some(Err(refusal(error, &sql, wanted.text)));
                return Ok(told);
            }
            told.generic = Some(self.plan(&sql, wanted.text, patience).await?);
            if wanted.execution != Execution::No {
                let sql = format!("EXPLAIN ({}) /* dbvitals */ {}", measuring(wanted), wanted.text);
                told.measured = Some(self.plan(&sql, wanted.text, patience).await?);
            }
            return Ok(told);
        }
        self.with_parameters(wanted, patience, &mut told).await?;
        Ok(told)
    }

    async fn with_parameters(
        &mut self,
        wanted: &Explaining<'_>,
        patience: Duration,
        told: &mut Explained,
    ) -> Result<(), Error> {
        let prepare = format!("PREPARE {NAME} AS {}", wanted.text);
        let mut prepared = self.is_single(&prepare, patience).await?;
        if prepared.is_ok() {
            prepared = self.attempt(&prepare, patience).await?;
        }
        if let Err(refused) = prepared {
            told.generic = Some(if self.version().major >= 16 {
                let sql = format!("EXPLAIN (GENERIC_PLAN, {PLAN}) /* dbvitals */ {}", wanted.text);
                self.plan(&sql, wanted.text, patience).await?
            } else {
                Err(refusal(refused, &prepare, wanted.text))
            });
            return Ok(());
        }
        told.types = self.types(patience).await?;
        let nulls = vec![None; wanted.parameters];
        let generic = execute(PLAN, &nulls);
        told.generic = Some(self.forced("force_generic_plan", &generic, patience).await?);
        if let Some(values) = wanted.values {
            let custom = execute(PLAN, values);
            told.custom = Some(self.forced("force_custom_plan", &custom, patience).await?);
            if wanted.execution != Execution::No {
                let sql = execute(&measuring(wanted), values);
                told.measured = Some(self.forced("force_custom_plan", &sql, patience).await?);
            }
        }
        // It outlives a rollback.
        self.attempt(&format!("DEALLOCATE {NAME}"), patience).await?.ok();
        Ok(())
    }

    /// Refuses a text of several commands, as the protocol's own message for preparing does: nothing may hide behind
    /// a statement.
    async fn is_single(
        &mut self,
        sql: &str,
        patience: Duration,
    ) -> Result<Result<(), Error>, Error> {
        let asked = timeout(patience, self.client.prepare(sql)).await;
        let sorted = self.sorted(asked, patience).await?;
        if sorted.is_err() {
            self.say("ROLLBACK TO SAVEPOINT dbvitals", patience).await?;
        }
        Ok(sorted.map(|_| ()))
    }

    async fn forced(
        &mut self,
        mode: &str,
        sql: &str,
        patience: Duration,
    ) -> Result<Planned, Error> {
        let set = format!("SET LOCAL plan_cache_mode = {mode}");
        match self.attempt(&set, patience).await? {
            Ok(()) => self.plan(sql, "", patience).await,
            Err(error) => Ok(Err(Refusal { error, at: None })),
        }
    }

    async fn types(&mut self, patience: Duration) -> Result<Vec<String>, Error> {
        let sql = format!(
            "SELECT t::pg_catalog.text FROM pg_catalog.pg_prepared_statements s, \
             pg_catalog.unnest(s.parameter_types) WITH ORDINALITY AS p(t, n) WHERE s.name = '{NAME}' ORDER BY n"
        );
        // What the server could not tell is not known.
        Ok(self.column(&sql, patience).await?.unwrap_or_default())
    }

    /// The one text a plan comes as.
    async fn plan(&mut self, sql: &str, text: &str, patience: Duration) -> Result<Planned, Error> {
        let rows = match self.column(sql, patience).await? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(refusal(error, sql, text))),
        };
        Ok(Ok(rows.join("\n")))
    }

    /// The first column of what one statement answers, as text. The outer error means that nothing more can be asked.
    async fn column(
        &mut self,
        sql: &str,
        patience: Duration,
    ) -> Result<Result<Vec<String>, Error>, Error> {
        let asked = timeout(patience, self.client.simple_query(sql)).await;
        match self.sorted(asked, patience).await? {
            Ok(messages) => Ok(Ok(messages
                .iter()
                .filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                })
                .collect())),
            Err(refused) => {
                self.say("ROLLBACK TO SAVEPOINT dbvitals", patience).await.ok();
                Ok(Err(refused))
            }
        }
    }

    /// Runs what may be refused, and then takes back what it left.
    async fn attempt(&mut self, sql: &str, patience: Duration) -> Result<Result<(), Error>, Error> {
        Ok(self.column(sql, patience).await?.map(|_| ()))
    }

    /// Runs what must not fail.
    async fn say(&mut self, sql: &str, patience: Duration) -> Result<(), Error> {
        let asked = timeout(patience, self.client.batch_execute(sql)).await;
        self.sorted(asked, patience).await?
    }

    /// What the server refused apart from what ends the connection.
    async fn sorted<T>(
        &mut self,
        asked: Result<Result<T, tokio_postgres::Error>, tokio::time::error::Elapsed>,
        patience: Duration,
    ) -> Result<Result<T, Error>, Error> {
        match asked {
            Ok(Ok(answer)) => Ok(Ok(answer)),
            Ok(Err(error)) => {
                let error = Error::from(error);
                if error.is_lost() {
                    self.lost = Some(self.lost_error());
                    return Err(self.lost_error());
                }
                Ok(Err(error))
            }
            Err(_) => {
                let doing = "waiting for a plan";
                let error = Error::from(Kind::TimedOut { doing, after: patience });
                self.lost = Some(error.clone());
                self.canceller.abort().await;
                Err(error)
            }
        }
    }
}

/// A refusal with its place in the statement, which stands at the end of what was sent.
fn refusal(error: Error, sent: &str, text: &str) -> Refusal {
    let before = sent.strip_suffix(text).map_or(0, |before| before.chars().count());
    let at = error
        .position()
        .filter(|_| !text.is_empty())
        .and_then(|at| usize::try_from(at).ok()?.checked_sub(before + 1));
    Refusal { error, at }
}

/// Everything that can be measured on all versions.
fn measuring(wanted: &Explaining<'_>) -> String {
    let timing = if wanted.under.is_untimed { "TIMING OFF, " } else { "" };
    format!("ANALYZE, {timing}BUFFERS, VERBOSE, SETTINGS, WAL, FORMAT JSON")
}

/// `EXPLAIN EXECUTE` with these values.
fn execute(options: &str, values: &[Option<String>]) -> String {
    let value =
        |value: &Option<String>| value.as_deref().map_or_else(|| "NULL".to_owned(), literal);
    let values: Vec<String> = values.iter().map(value).collect();
    format!("EXPLAIN ({options}) /* dbvitals */ EXECUTE {NAME}({})", values.join(", "))
}

/// A quoted string, whatever `standard_conforming_strings` says.
pub(crate) fn literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted() {
        let values = [Some("it's".to_owned()), None, Some("a\\b".to_owned())];
        assert_eq!(
            execute("X", &values),
            "EXPLAIN (X) /* dbvitals */ EXECUTE dbvitals_statement('it''s', NULL, E'a\\\\b')"
        );
        assert_eq!(identifier("we\"ird"), "\"we\"\"ird\"");
    }
}
