//! What the application does: bidders, readers, reports, and a few accidents.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use dbvitals_testkit::{Postgres, Redis, TestkitError};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::cache;

const DATABASE: &str = "auction";

/// A page of the site: several statements of the ordinary kind. `{k}` is replaced by a changing number.
const PAGES: &[&str] = &[
    "select id, title, state, ends_at from auction.auctions where id = {k}",
    "insert into auction.orders (auction_id, buyer_id, state, total, ordered_at) values ({k}, {k}, 'new', 10, now())",
    "select a.title, o.total from auction.orders o join auction.auctions a on a.id = o.auction_id where o.buyer_id = {k}",
    "update auction.users set last_login = now() where id = {k}",
    "select id, body from auction.notifications where read_at is null order by created_at desc limit 20",
    "begin; insert into auction.import_batch values ({k}, 'gives up far too often'); rollback",
];

/// A report nobody tuned: scans all bids, sorts in too little memory, takes most of the server's time.
const REPORT: &str = "select u.country, b.auction_id, count(*), max(b.amount) from auction.bids b \
    join auction.users u on u.id = b.user_id where b.user_id % 2 = 0 group by 1, 2 order by 4 desc, 2";

/// Runs the mix for a while; afterwards the reports have run at least as often as any threshold asks.
pub(super) async fn run(
    pg: &Postgres,
    redis: &Redis,
    length: Duration,
    scale: f64,
) -> Result<(), TestkitError> {
    deadlock(pg).await?;
    cache::read(redis, 24_000)?;
    let until = Instant::now() + length;
    let lots = lots(scale);
    let visitors = (0..2).map(|n| visitor(pg, n, lots, until));
    tokio::try_join!(try_join_all(visitors), reports(pg, 55))?;
    Ok(())
}

/// Lots and users that surely exist at that scale.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive count"
)]
fn lots(scale: f64) -> u64 {
    (79_000.0 * scale).max(100.0) as u64
}

async fn visitor(pg: &Postgres, seed: u64, lots: u64, until: Instant) -> Result<(), TestkitError> {
    let client = pg.client(DATABASE).await?;
    let mut number = 17 + seed;
    while Instant::now() < until {
        for page in PAGES {
            // A small linear congruence: spread enough, and the same in every run.
            number = (number * 1_103 + 12_345) % lots;
            let statement = page.replace("{k}", &(number + 1).to_string());
            client.batch_execute(&statement).await.map_err(unexpected)?;
        }
    }
    Ok(())
}

async fn reports(pg: &Postgres, times: usize) -> Result<(), TestkitError> {
    let client = pg.client(DATABASE).await?;
    for _ in 0..times {
        client.query(REPORT, &[]).await.map_err(unexpected)?;
    }
    Ok(())
}

/// Two sessions that lock the same two rows in opposite order; the server ends one of them.
async fn deadlock(pg: &Postgres) -> Result<(), TestkitError> {
    let (first, second) = (pg.client(DATABASE).await?, pg.client(DATABASE).await?);
    let touch = |id: u32| format!("update auction.users set name = name where id = {id}");
    first.batch_execute(&format!("begin; {}", touch(1))).await.map_err(unexpected)?;
    second.batch_execute(&format!("begin; {}", touch(2))).await.map_err(unexpected)?;
    let (one, two) = (touch(2), touch(1));
    let outcome = tokio::join!(first.batch_execute(&one), second.batch_execute(&two));
    match outcome {
        (Ok(()), Ok(())) => Err(TestkitError::State("no deadlock happened".into())),
        _ => Ok(()),
    }
}

fn unexpected(error: impl std::error::Error) -> TestkitError {
    let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
    TestkitError::State(format!("{error}{cause}"))
}

/// The workload going on while the audit looks.
pub(super) struct Background {
    stop: Arc<AtomicBool>,
    visitor: JoinHandle<()>,
    reader: std::thread::JoinHandle<()>,
}

impl Background {
    /// Starts a visitor and a reader of the cache.
    pub(super) fn start(runtime: &Runtime, pg: &Postgres, redis: &Redis) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let client = runtime.block_on(pg.client(DATABASE));
        let flag = Arc::clone(&stop);
        let visitor = runtime.spawn(async move {
            let Ok(client) = client else { return };
            while !flag.load(Ordering::Relaxed) {
                for page in PAGES {
                    let _ = client.batch_execute(&page.replace("{k}", "47")).await;
                }
            }
        });
        let flag = Arc::clone(&stop);
        let connection = redis.connection();
        let reader = std::thread::spawn(move || {
            let Ok(mut connection) = connection else { return };
            while !flag.load(Ordering::Relaxed) {
                let done = cache::look_up(&mut connection, 5_000)
                    .and_then(|()| cache::walk_everything(&mut connection));
                if done.is_err() {
                    return;
                }
            }
        });
        Self { stop, visitor, reader }
    }

    /// Ends it and waits for it.
    pub(super) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.visitor.abort();
        // A reader that panicked has nothing more to say.
        let _ = self.reader.join();
    }
}
