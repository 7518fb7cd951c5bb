//! `PgBouncer`'s console as a target: it answers `SHOW` over the simple protocol, and nothing else.

mod queue;
mod rows;

use std::time::{Duration, Instant};

use dbvitals_model::{
    Reason, Section, Unavailable,
    pooler::{PoolerSnapshot, Queue},
    snapshot::CollectorCost,
};
use jiff::Timestamp;
use tokio::time::timeout;
use tokio_postgres::SimpleQueryMessage;

use self::{queue::Watch, rows::Row};
use crate::{
    Error, Session, Target,
    collect::{Options, Progress},
    connect::connect_console,
    error::Kind,
};

/// Time for one answer: everything is in the pooler's memory.
const LIMIT: Duration = Duration::from_secs(5);

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    /// The sections.
    pub snapshot: PoolerSnapshot,
    /// What each question cost; the target's name is the caller's to fill in.
    pub cost: Vec<CollectorCost>,
}

/// Connects to the console and collects; an error means that nothing could be read.
pub async fn collect(
    target: &Target,
    options: &Options<'_>,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<Collected, Error> {
    let session = connect_console(target, options.connect_timeout).await?;
    progress(Progress::Connected);
    let mut console = Console { session, cost: Vec::new() };
    let mut snapshot = PoolerSnapshot {
        version: console.session.version(),
        now: Timestamp::now(),
        user: target.user.clone(),
        connect_ms: Some(console.session.facts.connect_ms),
        ..PoolerSnapshot::default()
    };
    if let Some(length) = options.window {
        snapshot.queue = watch(&mut console, options, length, progress).await;
    }
    snapshot.pools = section(console.show("SHOW POOLS").await, rows::pools);
    snapshot.databases = section(console.show("SHOW DATABASES").await, rows::databases);
    snapshot.config = section(console.show("SHOW CONFIG").await, rows::config);
    snapshot.lists = section(console.show("SHOW LISTS").await, rows::lists);
    let Console { session, cost } = console;
    session.close().await;
    Ok(Collected { snapshot, cost })
}

/// Looks at the pools until the window is over.
async fn watch(
    console: &mut Console,
    options: &Options<'_>,
    length: Duration,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Section<Queue> {
    let stats = console.show("SHOW STATS").await.ok();
    let begun = Instant::now();
    let mut watch = Watch::new(stats.as_deref());
    let period = Duration::try_from_secs_f64(1.0 / options.samples_per_second).unwrap_or(LIMIT);
    let over = begun + length;
    let mut told: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let left = over.saturating_duration_since(now);
        if told.is_none_or(|told| told + Duration::from_secs(1) <= now) {
            progress(Progress::Waiting { left });
            told = Some(now);
        }
        if left.is_zero() {
            break;
        }
        match console.show("SHOW POOLS").await {
            Ok(rows) => watch.look(&rows::pools(&rows)),
            Err(error) if error.is_lost() => return Section::Unavailable(error.unavailable()),
            Err(_) => {}
        }
        // The console is served by the one thread that serves the clients: a hundredth of it is ours.
        let next = (now + period).max(now + now.elapsed() * 100);
        tokio::time::sleep_until(next.min(over).into()).await;
    }
    let stats = console.show("SHOW STATS").await.ok();
    watch.end(stats.as_deref(), begun.elapsed().as_secs_f64())
}

fn section<T>(answer: Result<Vec<Row>, Error>, read: fn(&[Row]) -> T) -> Section<T> {
    match answer {
        Ok(rows) => Section::collected(read(&rows)),
        Err(error) => {
            let why = error.unavailable();
            Section::Unavailable(match why.remedy {
                Some(_) => why,
                None => Unavailable::with_remedy(
                    Reason::Permission,
                    why.detail,
                    "name the user in stats_users or admin_users of pgbouncer.ini",
                ),
            })
        }
    }
}

/// The open console.
struct Console {
    session: Session,
    cost: Vec<CollectorCost>,
}

impl Console {
    /// Asks one question; the answer's rows by column name.
    async fn show(&mut self, what: &'static str) -> Result<Vec<Row>, Error> {
        let start = Instant::now();
        let asked = timeout(LIMIT, self.session.client.simple_query(what)).await;
        let messages = match asked {
            Ok(Ok(messages)) => messages,
            Ok(Err(error)) if error.is_closed() => return Err(self.session.lost_error()),
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => {
                return Err(
                    Kind::TimedOut { doing: "waiting for the console", after: LIMIT }.into()
                );
            }
        };
        let rows: Vec<Row> = messages
            .into_iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => Some(rows::row(&row)),
                _ => None,
            })
            .collect();
        self.book(what, start.elapsed(), &rows);
        Ok(rows)
    }

    fn book(&mut self, what: &str, elapsed: Duration, rows: &[Row]) {
        if !self.cost.iter().any(|cost| cost.collector == what) {
            let collector = what.to_owned();
            self.cost.push(CollectorCost { collector, ..CollectorCost::default() });
        }
        let Some(cost) = self.cost.iter_mut().find(|cost| cost.collector == what) else { return };
        cost.elapsed_ms += elapsed.as_secs_f64() * 1000.0;
        cost.rows += rows.len() as u64;
        let size = |row: &Row| row.values().map(String::len).sum::<usize>() as u64;
        cost.bytes += rows.iter().map(size).sum::<u64>();
    }
}
