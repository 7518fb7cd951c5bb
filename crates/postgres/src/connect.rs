//! Making a connection.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use dbvitals_model::ServerVersion;
use tokio::time::timeout;
use tokio_postgres::NoTls;

use crate::{
    Error, Session, Target,
    canceller::Canceller,
    error::Kind,
    session::{Ending, Facts},
};

/// Connects, authenticates and is ready, all within `limit`.
pub async fn connect(target: &Target, limit: Duration) -> Result<Session, Error> {
    let start = Instant::now();
    let connecting = target.config.connect(NoTls);
    let (client, mut connection) = match timeout(limit, connecting).await {
        Ok(connected) => connected?,
        Err(_) => return Err(Kind::TimedOut { doing: "connecting", after: limit }.into()),
    };
    let connect_ms = start.elapsed().as_secs_f64() * 1000.0;
    let version = connection.parameter("server_version").and_then(ServerVersion::parse);
    let ending = Ending::default();
    let told = Arc::clone(&ending);
    let driver = tokio::spawn(async move {
        if let Err(error) = (&mut connection).await {
            let _ = told.set(Arc::new(error));
        }
    });
    let facts = Facts {
        version: version.unwrap_or(ServerVersion::new(0, 0, 0)),
        connect_ms,
        is_local: true,
        tls: false,
        announced_pid: 0,
        endpoint: String::new(),
    };
    let canceller = Canceller::new(driver.abort_handle());
    Ok(Session { client, driver, ending, canceller, facts, lost: None })
}
