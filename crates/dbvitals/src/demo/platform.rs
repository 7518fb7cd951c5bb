//! Builds the platform and plants its problems.

use dbvitals_testkit::{Postgres, TestkitError};

const PLATFORM: &str = include_str!("platform.sql");
const DATA: &str = include_str!("data.sql");
const PROBLEMS: &str = include_str!("problems.sql");

/// The database of the platform.
const DATABASE: &str = "auction";

/// Creates the schema and its rows; returns their number.
pub(super) async fn build(pg: &Postgres, scale: f64) -> Result<i64, TestkitError> {
    pg.create_database(DATABASE).await?;
    pg.sql(DATABASE, "create extension pg_stat_statements").await?;
    pg.sql(DATABASE, PLATFORM).await?;
    let client = pg.client(DATABASE).await?;
    for statement in statements(&DATA.replace(":scale", &format!("{scale:.4}"))) {
        client.batch_execute(&statement).await.map_err(|error| failed(&statement, &error))?;
    }
    let count = "select sum(reltuples)::int8 from pg_class \
                 where relnamespace = 'auction'::regnamespace and relkind = 'r' and reltuples > 0";
    Ok(pg.scalar(DATABASE, count).await?.parse().unwrap_or_default())
}

/// Plants the problems that live in the database.
pub(super) async fn plant(pg: &Postgres) -> Result<(), TestkitError> {
    let client = pg.client(DATABASE).await?;
    for line in PROBLEMS.lines().filter(|line| !line.is_empty() && !line.starts_with("--")) {
        client.batch_execute(line).await.map_err(|error| failed(line, &error))?;
    }
    // A unique index that cannot be: the failed build leaves an invalid index behind.
    let invalid =
        "create unique index concurrently notifications_once on auction.notifications (user_id)";
    match client.batch_execute(invalid).await {
        Err(_) => Ok(()),
        Ok(()) => Err(TestkitError::State("the unique index could be built".into())),
    }
}

/// Complete statements of a script whose statements end with `;` at the end of a line.
fn statements(script: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut current = String::new();
    for line in script.lines() {
        let code = line.split("--").next().unwrap_or_default().trim_end();
        if code.is_empty() {
            continue;
        }
        current.push_str(code);
        current.push('\n');
        if code.ends_with(';') {
            all.push(std::mem::take(&mut current));
        }
    }
    all
}

fn failed(statement: &str, error: &dyn std::error::Error) -> TestkitError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    let line = statement.lines().next().unwrap_or_default();
    TestkitError::State(format!("{line} … {error}{cause}"))
}
