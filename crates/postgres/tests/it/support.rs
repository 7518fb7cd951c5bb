//! What the tests of this binary share.

use std::time::Duration;

use dbvitals_postgres::{Error, Query, Session, Table, Target, connect};
use dbvitals_testkit::Postgres;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// A query with ample time.
pub(crate) fn query(sql: &str) -> Query {
    Query { name: "test", sql: sql.into(), timeout: LIMIT }
}

/// Connects with no environment.
pub(crate) async fn try_session(text: &str) -> Result<Session, Error> {
    connect(&Target::parse(text, &|_| None)?, LIMIT).await
}

pub(crate) async fn session(text: &str) -> Session {
    try_session(text).await.unwrap()
}

pub(crate) async fn refusal(text: &str) -> Error {
    try_session(text).await.map(|_| ()).unwrap_err()
}

/// One query's table.
pub(crate) async fn ask(session: &mut Session, sql: &str) -> Table {
    session.batch(&[query(sql)]).await.remove(0).result.unwrap()
}

/// One value as text.
pub(crate) async fn text(session: &mut Session, sql: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Row {
        value: String,
    }
    let row: Row = ask(session, &format!("select ({sql})::text as value")).await.one().unwrap();
    row.value
}

/// Waits until the server has none of our sessions.
pub(crate) async fn until_no_session(server: &Postgres) {
    let none = "select count(*) = 0 from pg_stat_activity where application_name = 'dbvitals'";
    server.wait_until("postgres", none).await.unwrap();
}
