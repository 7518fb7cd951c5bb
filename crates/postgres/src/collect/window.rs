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
    collector::Collector,
    databases, examine, io,
    options::Progress,
    run::Run,
    sampling::Sampler,
    slots,
    statements::{self, Entries, leaders},
    wal, wal_directory,
};

/// Time between two words on how long the window stays open.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// A window this long is long enough for dates: positions of sequences are looked at twice as well.
const LONG: Duration = Duration::from_mins(10);
/// Statements kept of each ranking.
const TOP: usize = 20;

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
    /// Transactions of ours in the window that the server counted.
    own_transactions: i64,
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
    let over = at + length;
    let mut told: Option<Instant> = None;
    loop {
        let now = Instant::now();
        let left = over.saturating_duration_since(now);
        if told.is_none_or(|told| told + TELL_EVERY <= now) || left.is_zero() {
            (run.progress)(Progress::Waiting { left });
            told = Some(now);
        }
        if left.is_zero() || run.session.lost.is_some() {
            break;
        }
        sampler.look(run).await;
        sleep_until(sampler.next().min(over).into()).await;
    }
    run.deadline += length;
    let own_transactions = sampler.transactions;
    let sampled = sampler.end(&mut run.cost);
    let ids = sampled.iter().flat_map(|sampled| &sampled.statements);
    let entries = Entries { also: ids.map(|statement| statement.query_id).collect(), ..entries };
    Before { at, look, start, entries, sampled, own_transactions }
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
    if !run.options.keeps_all_statements {
        window.statements = leaders(&window.statements, TOP);
    }
    forget_own(&mut window.databases, &snapshot.server.database, before.own_transactions);
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
fn forget_own(databases: &mut [Database], home: &str, own: i64) {
    for row in databases.iter_mut().filter(|row| row.name == home) {
        row.commits = row.commits.saturating_sub(own).max(0);
    }
}
