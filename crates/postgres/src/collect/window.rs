//! The window of `--interval`: a first look at the counters, the wait, and the difference to the second look.

use std::time::{Duration, Instant};

use dbvitals_model::{
    Section,
    pg::{
        PgSnapshot,
        statement::Statement,
        window::{Look, between},
    },
};
use tokio::time::sleep;

use super::{
    archiver,
    ask::Asking,
    checkpoints,
    collector::Collector,
    databases, examine, io,
    lock_samples::LockSamples,
    options::Progress,
    run::Run,
    statements::{self, Entries, leaders},
    wal,
};

/// Time between two looks at the waits for locks.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Statements kept of each ranking.
const TOP: usize = 20;

/// Instance-wide counters that are looked at twice.
static COUNTERS: [&Collector; 5] = [
    &databases::COLLECTOR,
    &checkpoints::COLLECTOR,
    &wal::COLLECTOR,
    &archiver::COLLECTOR,
    &io::COLLECTOR,
];

/// The first look, and the waits seen since.
pub(super) struct Before {
    at: Instant,
    look: Look,
    entries: Entries,
    samples: LockSamples,
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
    let relations = relations(run).await;
    let look = Look { relations, ..of_snapshot(&run.snapshot) };
    let mut samples = LockSamples::default();
    let over = at + length;
    loop {
        samples.look(run).await;
        let left = over.saturating_duration_since(Instant::now());
        (run.progress)(Progress::Waiting { left });
        if left.is_zero() {
            break;
        }
        sleep(left.min(SAMPLE_EVERY)).await;
    }
    run.deadline += length;
    Before { at, look, entries, samples }
}

/// The counters of relations in each database, in the order in which they will be read again.
async fn relations(
    run: &mut Run<'_>,
) -> Vec<(String, Vec<dbvitals_model::pg::relation::Relation>)> {
    let mut all = Vec::new();
    if !run.options.enters_databases {
        return all;
    }
    let home = run.snapshot.server.database.clone();
    for name in run.databases.examined.clone() {
        let mut cost = Vec::new();
        let rows = if name == home {
            let asking = Asking {
                reader: &run.reader,
                deadline: run.deadline,
                database: Some(&home),
                opens_nothing: true,
            };
            examine::relation_counters(&mut run.session, asking, &mut cost).await
        } else {
            let Ok(mut session) = run.enter(&name).await else { continue };
            let asking = Asking { database: Some(&name), ..run.asking() };
            let rows = examine::relation_counters(&mut session, asking, &mut cost).await;
            session.close().await;
            rows
        };
        run.cost.extend(cost);
        all.push((name, rows));
    }
    all
}

/// Instance-wide counters as they stand in the snapshot.
fn of_snapshot(snapshot: &PgSnapshot) -> Look {
    Look {
        started_at: snapshot.server.started_at,
        databases: snapshot.databases.value().cloned().unwrap_or_default(),
        checkpoints: snapshot.checkpoints.value().cloned(),
        wal: snapshot.wal.value().cloned(),
        archiver: snapshot.archiver.value().cloned(),
        io: snapshot.io.value().cloned().unwrap_or_default(),
        ..Look::default()
    }
}

/// Files the difference between the first look and all that was read after the wait.
pub(super) fn close(run: &mut Run<'_>, before: &Before, statements: Vec<Statement>) {
    let snapshot = &mut run.snapshot;
    let relations = snapshot
        .by_database
        .iter()
        .filter_map(|database| Some((database.name.clone(), database.relations.value()?.clone())));
    let after = Look {
        relations: relations.collect(),
        statements_since: snapshot.statements.value().and_then(|statements| statements.since),
        statements,
        ..of_snapshot(snapshot)
    };
    let first = Look {
        statements_since: before.entries.since,
        statements: before.entries.rows.clone(),
        ..before.look.clone()
    };
    let Some(second) = run.counters_at else { return };
    let seconds = second.saturating_duration_since(before.at).as_secs_f64();
    let mut window = between(&first, &after, seconds);
    window.statements = leaders(&window.statements, TOP);
    window.lock_wait_samples = before.samples.sum();
    snapshot.window = Section::collected(window);
}
