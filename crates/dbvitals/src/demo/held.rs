//! Sessions that are in trouble while the audit looks: one forgot its transaction, others wait for it.

use dbvitals_testkit::{Postgres, TestkitError};
use tokio::task::JoinHandle;

/// Sessions kept open; dropping them ends them.
pub(super) struct Held {
    waiting: Vec<JoinHandle<()>>,
    _forgotten: Box<dyn Send>,
}

/// Opens the sessions and waits until the server sees them wait.
pub(super) async fn hold(pg: &Postgres) -> Result<Held, TestkitError> {
    let forgotten = pg.client("auction").await?;
    let lock = "begin; update auction.auctions set title = title where id = 1";
    forgotten.batch_execute(lock).await.map_err(|e| TestkitError::State(e.to_string()))?;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let client = pg.client("auction").await?;
        waiting.push(tokio::spawn(async move {
            // Ends when the demonstration ends, in whatever way.
            let wait = "update auction.auctions set state = 'closed' where id = 1";
            let _ = client.batch_execute(wait).await;
        }));
    }
    let blocked = "select count(*) >= 3 from pg_stat_activity where wait_event_type = 'Lock'";
    pg.wait_until("auction", blocked).await?;
    Ok(Held { waiting, _forgotten: Box::new(forgotten) })
}

impl Drop for Held {
    fn drop(&mut self) {
        for task in &self.waiting {
            task.abort();
        }
    }
}
