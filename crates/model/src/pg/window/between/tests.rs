//! Any history of counters, resets, restarts and evictions gives true rates or none.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;

/// What may happen to a server between two looks.
#[derive(Debug, Clone)]
enum Event {
    /// A statement ran so often, taking so long.
    Ran { statement: u8, calls: i64, ms: f64 },
    /// The database's counters grew.
    Worked { blocks: i64, commits: i64 },
    /// A table was read.
    Scanned { table: u8, rows: i64 },
    /// `pg_stat_statements_reset()`.
    StatementsReset,
    /// An entry was evicted; it comes back when it runs again.
    Evicted { statement: u8 },
    /// `pg_stat_reset()`.
    DatabaseReset,
    /// A checkpoint.
    Checkpoint,
    /// `pg_stat_reset_shared`.
    SharedReset,
    /// The server restarted and lost all counters.
    Restarted,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..4_u8, 1..50_i64, 0.0..100.0_f64)
            .prop_map(|(statement, calls, ms)| Event::Ran { statement, calls, ms }),
        3 => (0..1000_i64, 0..100_i64).prop_map(|(blocks, commits)| Event::Worked { blocks, commits }),
        3 => (0..3_u8, 0..1000_i64).prop_map(|(table, rows)| Event::Scanned { table, rows }),
        1 => Just(Event::StatementsReset),
        1 => (0..4_u8).prop_map(|statement| Event::Evicted { statement }),
        1 => Just(Event::DatabaseReset),
        2 => Just(Event::Checkpoint),
        1 => Just(Event::SharedReset),
        1 => Just(Event::Restarted),
    ]
}

/// A server that tells both what a tool can see and what truly happened since the first look.
#[derive(Debug, Clone)]
struct World {
    clock: i64,
    has_since: bool,
    look: Look,
    calls: [i64; 4],
    blocks: i64,
    scans: [i64; 3],
    checkpoints: i64,
}

impl World {
    fn new(has_since: bool) -> Self {
        let mut world = Self {
            clock: 0,
            has_since,
            look: Look::default(),
            calls: [0; 4],
            blocks: 0,
            scans: [0; 3],
            checkpoints: 0,
        };
        world.apply(&Event::Restarted);
        world
    }

    fn now(&mut self) -> Option<Timestamp> {
        self.clock += 1;
        Timestamp::from_second(self.clock).ok()
    }

    fn apply(&mut self, event: &Event) {
        let now = self.now();
        match event {
            Event::Ran { statement, calls, ms } => self.run(*statement, *calls, *ms, now),
            Event::Worked { blocks, commits } => {
                self.look.databases[0].blocks_read += blocks;
                self.look.databases[0].commits += commits;
                self.blocks += blocks;
            }
            Event::Scanned { table, rows } => {
                let row = &mut self.look.relations[0].1[usize::from(*table)];
                row.seq_scans += 1;
                row.seq_rows_read += rows;
                self.scans[usize::from(*table)] += 1;
            }
            Event::StatementsReset => {
                self.look.statements.clear();
                self.look.statements_since = now;
            }
            Event::Evicted { statement } => {
                self.look.statements.retain(|row| row.query_id != i64::from(*statement));
            }
            Event::DatabaseReset => self.reset_database(now),
            Event::Checkpoint => {
                if let Some(row) = &mut self.look.checkpoints {
                    row.timed += 1;
                }
                self.checkpoints += 1;
            }
            Event::SharedReset => {
                self.look.checkpoints =
                    Some(Checkpoints { stats_reset: now, ..Checkpoints::default() });
            }
            Event::Restarted => {
                self.look = Look { started_at: now, ..Look::default() };
                self.look.checkpoints =
                    Some(Checkpoints { stats_reset: now, ..Checkpoints::default() });
                self.reset_database(now);
            }
        }
    }

    fn run(&mut self, statement: u8, calls: i64, ms: f64, now: Option<Timestamp>) {
        let id = i64::from(statement);
        if !self.look.statements.iter().any(|row| row.query_id == id) {
            let stats_since = now.filter(|_| self.has_since);
            let row = Statement { query_id: id, stats_since, ..Statement::default() };
            self.look.statements.push(row);
        }
        for row in self.look.statements.iter_mut().filter(|row| row.query_id == id) {
            row.calls += calls;
            row.total_exec_time_ms += ms;
        }
        self.calls[usize::from(statement)] += calls;
    }

    fn reset_database(&mut self, now: Option<Timestamp>) {
        let row = Database { oid: 1, name: "app".into(), stats_reset: now, ..Database::default() };
        self.look.databases = vec![row];
        let tables = (0..3).map(|oid| Relation { oid, ..Relation::default() }).collect();
        self.look.relations = vec![("app".to_owned(), tables)];
    }
}

proptest! {
    #[test]
    fn a_rate_is_never_invented(
        earlier in prop::collection::vec(event(), 0..40),
        later in prop::collection::vec(event(), 0..40),
        has_since in any::<bool>(),
    ) {
        let mut world = World::new(has_since);
        for event in &earlier {
            world.apply(event);
        }
        let before = world.clone();
        for event in &later {
            world.apply(event);
        }
        let window = between(&before.look, &world.look, 10.0);

        for row in &window.statements {
            let id = usize::try_from(row.query_id).unwrap();
            prop_assert!(row.calls > 0 && row.total_exec_time_ms >= 0.0);
            prop_assert!(row.calls <= world.calls[id] - before.calls[id]);
            if has_since {
                prop_assert_eq!(row.calls, world.calls[id] - before.calls[id], "exact with epochs");
            }
        }
        let sum: i64 = window.statements.iter().map(|row| row.calls).sum();
        prop_assert_eq!(window.total_calls, sum);
        for row in &window.databases {
            prop_assert_eq!(row.blocks_read, world.blocks - before.blocks);
        }
        for row in window.relations.iter().flat_map(|(_, rows)| rows) {
            let id = usize::try_from(row.oid).unwrap();
            prop_assert_eq!(row.seq_scans, world.scans[id] - before.scans[id]);
        }
        if let Some(row) = &window.checkpoints {
            prop_assert_eq!(row.timed, world.checkpoints - before.checkpoints);
        }
    }

    #[test]
    fn nothing_is_negative_whatever_the_numbers(
        one in prop::collection::vec((0..6_i64, any::<i64>(), any::<i64>(), any::<f64>()), 0..8),
        two in prop::collection::vec((0..6_i64, any::<i64>(), any::<i64>(), any::<f64>()), 0..8),
        seconds in any::<f64>(),
    ) {
        let look = |rows: &[(i64, i64, i64, f64)]| Look {
            statements: rows.iter().map(|(query_id, calls, rows, ms)| Statement {
                query_id: *query_id,
                calls: *calls,
                rows: *rows,
                total_exec_time_ms: *ms,
                mean_exec_time_ms: *ms,
                stddev_exec_time_ms: *ms,
                ..Statement::default()
            }).collect(),
            databases: rows.iter().map(|(oid, commits, blocks, ms)| Database {
                oid: *oid,
                commits: *commits,
                blocks_hit: *blocks,
                session_time_ms: Some(*ms),
                ..Database::default()
            }).collect(),
            ..Look::default()
        };
        let window = between(&look(&one), &look(&two), seconds);
        for row in &window.statements {
            prop_assert!(row.calls > 0 && row.rows >= 0 && row.total_exec_time_ms >= 0.0);
            prop_assert!(row.mean_exec_time_ms >= 0.0 && row.stddev_exec_time_ms >= 0.0);
            prop_assert!(row.stddev_exec_time_ms.is_finite());
        }
        for row in &window.databases {
            prop_assert!(row.commits >= 0 && row.blocks_hit >= 0 && row.session_time_ms >= Some(0.0));
        }
    }
}

#[test]
fn a_first_sight_has_no_rate() {
    let after = Look {
        statements: vec![Statement { query_id: 1, calls: 100, ..Statement::default() }],
        io: vec![Io { reads: 5, ..Io::default() }],
        wal: Some(Wal { bytes: 5, ..Wal::default() }),
        ..Look::default()
    };
    let window = between(&Look::default(), &after, 10.0);
    assert_eq!(window, Window { seconds: 10.0, ..Window::default() });
}

#[test]
fn levels_are_those_of_the_second_look() {
    let look = |scans, live_rows| Look {
        relations: vec![(
            "app".to_owned(),
            vec![Relation { oid: 1, seq_scans: scans, live_rows, ..Relation::default() }],
        )],
        ..Look::default()
    };
    let window = between(&look(5, 100), &look(8, 90), 1.0);
    let row = &window.relations[0].1[0];
    assert_eq!((row.seq_scans, row.live_rows), (3, 90));
}

#[test]
fn a_key_that_names_two_rows_names_none() {
    let twice = |calls| Statement { query_id: 1, calls, ..Statement::default() };
    let before = Look { statements: vec![twice(1), twice(5)], ..Look::default() };
    let after = Look { statements: vec![twice(9), twice(20)], ..Look::default() };
    assert!(between(&before, &after, 1.0).statements.is_empty());
}
