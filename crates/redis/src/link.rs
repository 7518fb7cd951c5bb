//! An open connection: batches of commands, each with its own answer, all with one deadline.

use std::time::{Duration, Instant};

use dbvitals_model::snapshot::CollectorCost;
use futures_util::future::join_all;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value, aio::MultiplexedConnection};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    task::JoinHandle,
    time::{Instant as Deadline, timeout_at},
};

use crate::{Error, command::Command, reply};

/// Commands that may wait to be written; no batch is larger.
const QUEUE: usize = 64;

/// An answer, or why there is none.
pub(crate) type Answer = Result<Value, Error>;

/// An open connection. Dropping it closes the socket.
#[derive(Debug)]
pub(crate) struct Link {
    connection: MultiplexedConnection,
    driver: JoinHandle<()>,
    endpoint: String,
    patience: Duration,
    /// Set once the connection is of no more use; nothing is sent from then on.
    lost: Option<Error>,
    cost: Vec<CollectorCost>,
}

impl Link {
    /// Speaks the Redis protocol over an open stream; sends nothing yet.
    pub(crate) async fn over<S>(
        stream: S,
        endpoint: &str,
        patience: Duration,
    ) -> Result<Self, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config =
            AsyncConnectionConfig::new().set_response_timeout(None).set_pipeline_buffer_size(QUEUE);
        let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
            .await
            .map_err(|error| Error::from_redis(&error, endpoint, "the greeting"))?;
        Ok(Self {
            connection,
            driver: tokio::spawn(driver),
            endpoint: endpoint.to_owned(),
            patience,
            lost: None,
            cost: Vec::new(),
        })
    }

    /// Why the connection is of no more use, if it is.
    pub(crate) fn lost(&self) -> Option<&Error> {
        self.lost.as_ref()
    }

    /// Longest wait for the answers of one batch.
    pub(crate) fn patience(&self) -> Duration {
        self.patience
    }

    /// What the commands cost so far.
    pub(crate) fn take_cost(&mut self) -> Vec<CollectorCost> {
        std::mem::take(&mut self.cost)
    }

    /// Sends commands in one go and waits for their answers, in order, until the deadline. An answer that came is
    /// kept even when a later one did not.
    pub(crate) async fn batch(&mut self, during: &str, commands: &[Cmd]) -> Vec<Answer> {
        self.timed(during, commands).await.into_iter().map(|(answer, _)| answer).collect()
    }

    /// One command.
    pub(crate) async fn one(&mut self, during: &str, command: &Cmd) -> Answer {
        let mut answers = self.batch(during, std::slice::from_ref(command)).await;
        answers.pop().unwrap_or_else(|| Err(self.closed(during)))
    }

    /// A batch of named commands whose cost is written down.
    pub(crate) async fn stage(&mut self, during: &str, wanted: &[(Command, Cmd)]) -> Vec<Answer> {
        let commands: Vec<Cmd> = wanted.iter().map(|(_, cmd)| cmd.clone()).collect();
        let mut previous = Duration::ZERO;
        let mut answers = Vec::with_capacity(wanted.len());
        for ((command, _), (answer, at)) in wanted.iter().zip(self.timed(during, &commands).await) {
            let value = answer.as_ref().unwrap_or(&Value::Nil);
            let (rows, bytes) = reply::size(value);
            self.spent(command.collector(), at.saturating_sub(previous), rows, bytes);
            previous = previous.max(at);
            answers.push(answer);
        }
        answers
    }

    /// Writes down what a collector cost.
    pub(crate) fn spent(&mut self, collector: String, elapsed: Duration, rows: u64, bytes: u64) {
        self.cost.push(CollectorCost {
            target: self.endpoint.clone(),
            collector,
            elapsed_ms: elapsed.as_secs_f64() * 1000.0,
            rows,
            bytes,
        });
    }

    /// Answers, each with the time it came after the batch was sent.
    async fn timed(&mut self, during: &str, commands: &[Cmd]) -> Vec<(Answer, Duration)> {
        if let Some(error) = &self.lost {
            return commands.iter().map(|_| (Err(error.clone()), Duration::ZERO)).collect();
        }
        let begun = Instant::now();
        let deadline = Deadline::now() + self.patience;
        let link = &*self;
        let answers = join_all(commands.iter().map(|command| {
            let mut connection = link.connection.clone();
            async move {
                let answer = timeout_at(deadline, connection.send_packed_command(command)).await;
                let answer = match answer {
                    Err(_) => Err(link.late(during)),
                    Ok(Err(error)) => Err(Error::from_redis(&error, &link.endpoint, during)),
                    Ok(Ok(value)) => answer_of(value),
                };
                (answer, begun.elapsed())
            }
        }))
        .await;
        self.lost = answers
            .iter()
            .filter_map(|(answer, _)| answer.as_ref().err())
            .find(|error| error.is_connection_lost())
            .cloned();
        answers
    }

    fn late(&self, during: &str) -> Error {
        Error::TimedOut {
            endpoint: self.endpoint.clone(),
            during: during.to_owned(),
            after: self.patience,
        }
    }

    fn closed(&self, during: &str) -> Error {
        Error::Closed { endpoint: self.endpoint.clone(), during: during.to_owned() }
    }
}

/// An error reply is an error.
fn answer_of(value: Value) -> Answer {
    match value {
        Value::ServerError(error) => {
            Err(Error::answered(error.code(), error.details().unwrap_or_default()))
        }
        value => Ok(value),
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
