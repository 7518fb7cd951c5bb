//! Statements and connections against a throwaway server.

use std::{sync::atomic::Ordering, time::Instant};

use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::{
    TestkitError,
    launch::{DEADLINE_SECONDS, POLL, late},
    postgres::Postgres,
};

/// Rows as text; NULL is `None`.
type TextRows = Vec<Vec<Option<String>>>;

impl Postgres {
    /// Runs any number of statements as the superuser (simple protocol: `;` separates, one implicit
    /// transaction unless the text holds its own).
    pub async fn sql(&self, database: &str, text: &str) -> Result<(), TestkitError> {
        batch(&self.client(database).await?, text).await
    }

    /// Like [`Self::sql`], over a connection to `url`.
    pub async fn sql_as(&self, url: &str, text: &str) -> Result<(), TestkitError> {
        batch(&self.client_as(url).await?, text).await
    }

    /// A query's rows as text, as the superuser; of several statements, all rows.
    pub async fn rows(&self, database: &str, query: &str) -> Result<TextRows, TestkitError> {
        query_rows(&self.client(database).await?, query).await
    }

    /// The first column of a query's first row as text, NULL as an empty string.
    pub async fn scalar(&self, database: &str, query: &str) -> Result<String, TestkitError> {
        let rows = self.rows(database, query).await?;
        let first = rows.into_iter().next().and_then(|row| row.into_iter().next());
        first.map(Option::unwrap_or_default).ok_or_else(|| TestkitError::NoRow(query.into()))
    }

    /// Creates a database.
    pub async fn create_database(&self, name: &str) -> Result<(), TestkitError> {
        self.sql("postgres", &format!("create database \"{name}\"")).await
    }

    /// Creates a database with a name nobody else has (`hint_1`, `hint_2`...) and answers it.
    pub async fn fresh_database(&self, hint: &str) -> Result<String, TestkitError> {
        let name = format!("{hint}_{}", self.counter.fetch_add(1, Ordering::Relaxed));
        self.create_database(&name).await?;
        Ok(name)
    }

    /// A superuser connection over the Unix socket, for locks and transactions that stay open. It ends when
    /// the client is dropped; it needs the runtime it was made in.
    pub async fn client(&self, database: &str) -> Result<Client, TestkitError> {
        let mut config = Config::new();
        config.host_path(self.socket_dir()).port(self.port);
        config.user("postgres").password("postgres").dbname(database);
        connect(&config, database).await
    }

    /// A connection to any URL of this server (e.g. [`Self::monitor_url`]), without TLS.
    pub async fn client_as(&self, url: &str) -> Result<Client, TestkitError> {
        let sql_error = |source| TestkitError::Sql { what: "read a connection URL".into(), source };
        let config = url.parse::<Config>().map_err(sql_error)?;
        connect(&config, config.get_dbname().unwrap_or_default()).await
    }

    /// Waits until a query that answers one boolean answers true.
    pub async fn wait_until(&self, database: &str, query: &str) -> Result<(), TestkitError> {
        let client = self.client(database).await?;
        let begun = Instant::now();
        loop {
            let rows = query_rows(&client, query).await?;
            if rows.first().and_then(|row| row.first()).is_some_and(|v| v.as_deref() == Some("t")) {
                return Ok(());
            }
            if begun.elapsed().as_secs() > DEADLINE_SECONDS {
                return Err(late(query, format!("{rows:?}")));
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

/// A query's rows as text.
pub(super) async fn query_rows(client: &Client, query: &str) -> Result<TextRows, TestkitError> {
    let messages = client.simple_query(query).await.map_err(failed(query))?;
    let row = |message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
        }
        _ => None,
    };
    Ok(messages.into_iter().filter_map(row).collect())
}

async fn batch(client: &Client, text: &str) -> Result<(), TestkitError> {
    client.batch_execute(text).await.map_err(failed(text))
}

async fn connect(config: &Config, database: &str) -> Result<Client, TestkitError> {
    let what = || format!("connect to database {database}");
    let (client, connection) = config.connect(NoTls).await.map_err(failed(&what()))?;
    // The task ends with the connection; its error reaches the client's next call.
    tokio::spawn(connection);
    Ok(client)
}

fn failed(what: &str) -> impl FnOnce(tokio_postgres::Error) -> TestkitError {
    let what = what.chars().take(200).collect();
    |source| TestkitError::Sql { what, source }
}
