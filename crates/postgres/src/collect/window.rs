//! The window of `--interval`: a first look at the counters, the wait, and the difference to the second look.

use std::time::{Duration, Instant};

use dbvitals_model::{
    Section,
    pg::{
        PgSnapshot,
        database::Database,
        growth::{Growth, Start},
        relation::Relation,
        schema::Sequence,
        statement::Statement,
        window::{Look, Sampled, between},
    },
};
use tokio::time::sleep_until;

use super::{
    archiver,
    ask::Asking,
    checkpoints,
    collector::{Collector, Cost},
    databases, examine, io,
    options::Progress,
    run::Run,
    sampling::Sampler,
    series::{Followed, Follower},
    slots,
    statements::{self, CANDIDATES, Entries, leaders},
    wal, wal_directory,
};

/// Time between two words on how long the window stays open.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A window this long is long enough for dates: positions of sequences are looked at twice as well.
const LONG: Duration = Duration::from_mins(10);
/// Statements kept of each ranking.
const TOP: usize = 20;
/// Intervals into which looks at the statements' counters cut a window, however long it is.
const INTERVALS: u32 = 60;
/// Least length of such an interval: in shorter ones the half-done work at both ends would count for too much.
const LEAST_INTERVAL: Duration = Duration::from_secs(1);
/// Shorter windows have room for too few of them.
const LEAST_FOLLOWED: Duration = Duration::from_secs(40);
/// Those looks take no more than half of what all looks may take of the server's time.
const SERIES_SHARE: u32 = 200;

/// Instance-wide counters and sizes that are looked at twice.
static COUNTERS: [&Collector; 7] = [
    &databases::COLLECTOR,
    &checkpoints::COLLECTOR,
    &wal::COLLECTOR,
    &archiver::COLLECTOR,
    &io::COLLECTOR,
    &slots::COLLECTOR,
    &wal_directory::COLLECTOR,
];

/// The first look, and what sessions did since.
pub(super) struct Before {
    at: Instant,
    look: Look,
    start: Start,
    entries: Entries,
    sampled: Option<Sampled>,
    followed: Option<Followed>,
    /// Transactions of ours in the window that the server counted, by database.
    own_transactions: Vec<(String, i64)>,
}

impl Before {
    /// The statements' entries before the window.
    pub(super) fn statements(&self) -> &Entries {
        &self.entries
    }
}

/// Looks at the counters, then waits until the window is over; the time is not taken from the budget.
pub(super) async fn wait(run: &mut Run<'_>, length: Duration) -> Before {
    run.read(&COUNTERS).await;
    let at = Instant::now();
    let entries = statements::look_before(run).await;
    let (relations, sequences) = tables(run, length).await;
    let start = Start::of(&run.snapshot);
    let look = Look { relations, ..Look::of(&run.snapshot) };
    let start = Start { relations: look.relations.clone(), sequences, ..start };
    let mut sampler = Sampler::begin(run, run.options.samples_per_second).await;
    let mut follower = follower(run, length).await;
    watch(run, &mut sampler, follower.as_mut(), at + length).await;
    run.deadline += length;
    let mut own_transactions = vec![(run.snapshot.server.database.clone(), sampler.transactions)];
    let sampled = sampler.end(&mut run.cost);
    let followed = match follower {
        Some(follower) => Some(follower.end(&mut run.cost).await),
        None => None,
    };
    own_transactions.extend(followed.iter().map(|followed| followed.transactions.clone()));
    let ids = sampled.iter().flat_map(|sampled| &sampled.statements);
    let entries = Entries { also: ids.map(|statement| statement.query_id).collect(), ..entries };
    Before { at, look, start, entries, sampled, followed, own_transactions }
}

/// Statements are followed where the foreign keys are read that link them.
async fn follower(run: &mut Run<'_>, length: Duration) -> Option<Follower> {
    let options = run.options;
    let is_wanted = length >= LEAST_FOLLOWED
        && options.dearest >= Cost::Catalog
        && options.enters_databases
        && options.examines_databases;
    if !is_wanted {
        return None;
    }
    let every = (length / INTERVALS).max(LEAST_INTERVAL);
    Follower::begin(run, every, SERIES_SHARE).await
}

/// Looks at the sessions, and at the statements' counters, each in its own rhythm until the window is over.
async fn watch(
    run: &mut Run<'_>,
    sampler: &mut Sampler,
    mut follower: Option<&mut Follower>,
    over: Instant,
) {
    let mut told: Option<Instant> = None;
    let mut sample_at = Instant::now();
    loop {
        if let Some(follower) = follower.as_deref_mut().filter(|it| it.next() <= Instant::now()) {
            sampler.shares(follower.look(run).await);
        }
        let now = Instant::now();
        let left = over.saturating_duration_since(now);
        if told.is_none_or(|told| told + TELL_EVERY <= now) || left.is_zero() {
            (run.progress)(Progress::Waiting { left });
            told = Some(now);
        }
        if left.is_zero() || run.session.lost.is_some() {
            break;
        }
        if sample_at <= now {
            sampler.look(run).await;
            sample_at = sampler.next();
        }
        let next = follower.as_deref().map_or(over, Follower::next);
        sleep_until(sample_at.min(next).min(over).into()).await;
    }
}

/// The counters of relations in each database, and in a long window its sequences.
async fn tables(
    run: &mut Run<'_>,
    length: Duration,
) -> (Vec<(String, Vec<Relation>)>, Vec<(String, Vec<Sequence>)>) {
    let (mut relations, mut sequences) = (Vec::new(), Vec::new());
    if !run.options.enters_databases || !run.options.examines_databases {
        return (relations, sequences);
    }
    let is_long = length >= LONG;
    let home = run.snapshot.server.database.clone();
    for name in run.databases.examined.clone() {
        let mut cost = Vec::new();
        let seen = if name == home {
            let asking = Asking {
                reader: &run.reader,
                deadline: run.deadline,
                database: Some(&home),
                opens_nothing: true,
            };
            examine::first_look(&mut run.session, asking, is_long, &mut cost).await
        } else {
            let Ok(mut session) = run.enter(&name).await else { continue };
            let asking = Asking { database: Some(&name), ..run.asking() };
            let rows = examine::first_look(&mut session, asking, is_long, &mut cost).await;
            session.close().await;
            rows
        };
        run.cost.extend(cost);
        relations.push((name.clone(), seen.0));
        if is_long {
            sequences.push((name, seen.1));
        }
    }
    (relations, sequences)
}

/// Files the difference between the first look and all that was read after the wait.
pub(super) fn close(run: &mut Run<'_>, before: &Before, statements: Vec<Statement>) {
    let snapshot = &mut run.snapshot;
    let after = Look { statements, ..Look::of(snapshot) };
    let first = Look {
        statements_since: before.entries.since,
        statements: before.entries.rows.clone(),
        ..before.look.clone()
    };
    let Some(second) = run.counters_at else { return };
    let seconds = second.saturating_duration_since(before.at).as_secs_f64();
    let mut window = between(&first, &after, seconds);
    window.sampled = before.sampled.clone().map(|sampled| with_texts(sampled, &after, snapshot));
    window.series =
        before.followed.as_ref().map(|followed| followed.series(&after.statements, CANDIDATES));
    if !run.options.keeps_all_statements {
        window.statements = leaders(&window.statements, TOP);
    }
    for (name, own) in &before.own_transactions {
        forget_own(&mut window.databases, name, *own);
    }
    snapshot.window = Section::collected(window);
    snapshot.growth =
        Section::collected(Growth::since(&before.start, &Start::of(snapshot), seconds));
}

/// Statements' texts: as they were counted, or as a session still runs one.
fn with_texts(mut sampled: Sampled, after: &Look, snapshot: &PgSnapshot) -> Sampled {
    let running = snapshot.activity.value().map(Vec::as_slice).unwrap_or_default();
    for statement in &mut sampled.statements {
        let id = statement.query_id;
        let counted = after.statements.iter().find(|row| row.query_id == id && row.text.is_some());
        statement.text = counted.and_then(|row| row.text.clone()).or_else(|| {
            let session = running.iter().find(|session| session.query_id == Some(id))?;
            Some(session.query.clone())
        });
    }
    sampled
}

/// Our own looks are no work of the database.
fn forget_own(databases: &mut [Database], name: &str, own: i64) {
    for row in databases.iter_mut().filter(|row| row.name == name) {
        row.commits = row.commits.saturating_sub(own).max(0);
    }
}
