//! A PostgreSQL server that tells both what can be seen and what truly happened.

use jiff::Timestamp;

use super::event::{Event, STATEMENTS, TABLES};
use crate::{
    Section,
    pg::{
        DatabaseSnapshot, PgSnapshot,
        database::Database,
        relation::Relation,
        schema::Sequence,
        statement::{Statement, Statements},
    },
};

/// What truly happened, however much of it the server forgot.
#[derive(Debug, Clone, Default)]
pub(super) struct Truth {
    pub(super) commits: i64,
    pub(super) calls: [i64; STATEMENTS],
    pub(super) scans: [i64; TABLES],
    pub(super) xids: i64,
    pub(super) drawn: i64,
    /// The quickest and the slowest call.
    pub(super) fastest: [f64; STATEMENTS],
    pub(super) slowest: [f64; STATEMENTS],
}

#[derive(Debug, Clone)]
pub(super) struct World {
    pub(super) clock: i64,
    /// Entries of statements carry the time they began (17+).
    has_since: bool,
    pub(super) pg: PgSnapshot,
    pub(super) truth: Truth,
}

impl World {
    pub(super) fn new(has_since: bool) -> Self {
        let mut pg = PgSnapshot::default();
        pg.server.system_identifier = Some(7);
        pg.by_database = vec![DatabaseSnapshot { name: "app".into(), ..Default::default() }];
        let sequence = Sequence { last_value: Some(0), increment: 1, ..Sequence::default() };
        pg.by_database[0].sequences = Section::collected(vec![sequence]);
        let template = Database { oid: 1, name: "template0".into(), ..Database::default() };
        pg.databases = Section::collected(vec![template]);
        let mut world = Self { clock: 0, has_since, pg, truth: Truth::default() };
        world.truth.fastest = [f64::INFINITY; STATEMENTS];
        world.start(false);
        world
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_000_000 + self.clock).unwrap()
    }

    fn databases(&mut self) -> &mut Vec<Database> {
        value(&mut self.pg.databases)
    }

    fn tables(&mut self) -> &mut Vec<Relation> {
        value(&mut self.pg.by_database[0].relations)
    }

    fn statements(&mut self) -> &mut Statements {
        value(&mut self.pg.statements)
    }

    /// A server begins, with its statistics or without.
    fn start(&mut self, keeps_statistics: bool) {
        self.pg.server.started_at = Some(self.now());
        if !keeps_statistics {
            self.pg.statements = Section::collected(Statements::default());
            self.forget(Some(self.now()));
        }
    }

    /// The database's statistics begin anew.
    fn forget(&mut self, reset: Option<Timestamp>) {
        let ages: Vec<i64> = self.pg.by_database[0].relations.value().map_or_else(
            || vec![0; TABLES],
            |rows| rows.iter().map(|row| row.frozen_xid_age.unwrap_or(0)).collect(),
        );
        let old = self.databases().iter().find(|row| row.name == "app").cloned();
        let (oid, age) = old.map_or((5, 0), |row| (row.oid, row.frozen_xid_age));
        let row = Database {
            oid,
            name: "app".into(),
            stats_reset: reset,
            frozen_xid_age: age,
            ..Database::default()
        };
        self.databases().retain(|row| row.name != "app");
        self.databases().push(row);
        let tables = ages.iter().zip(0..).map(|(age, oid)| Relation {
            oid,
            frozen_xid_age: Some(*age),
            ..Relation::default()
        });
        self.pg.by_database[0].relations = Section::collected(tables.collect());
    }

    fn app(&mut self) -> &mut Database {
        self.databases().iter_mut().find(|row| row.name == "app").unwrap()
    }

    pub(super) fn apply(&mut self, event: &Event) {
        self.clock += 1;
        self.pg.server.now = self.now();
        match event {
            Event::Commit(times) => {
                self.app().commits = self.app().commits.wrapping_add(*times);
                self.truth.commits += times;
            }
            Event::Run(statement, calls, ms) => self.run(*statement, *calls, *ms),
            Event::Scan(table, times) => {
                self.tables()[*table].seq_scans += times;
                self.truth.scans[*table] += times;
            }
            Event::Burn(ids) => {
                self.databases().iter_mut().for_each(|row| row.frozen_xid_age += ids);
                for row in self.tables() {
                    row.frozen_xid_age = row.frozen_xid_age.map(|age| age + ids);
                }
                self.truth.xids += ids;
            }
            Event::Draw(values) => {
                let sequence = &mut value(&mut self.pg.by_database[0].sequences)[0];
                sequence.last_value = sequence.last_value.map(|last| last + values);
                self.truth.drawn += values;
            }
            Event::SetSequenceBack => {
                value(&mut self.pg.by_database[0].sequences)[0].last_value = Some(0);
            }
            Event::Freeze(table) => self.tables()[*table].frozen_xid_age = Some(0),
            Event::FreezeEverything => {
                self.databases().iter_mut().for_each(|row| row.frozen_xid_age = 0);
                self.tables().iter_mut().for_each(|row| row.frozen_xid_age = Some(0));
            }
            Event::ResetDatabase => self.forget(Some(self.now())),
            Event::ResetTable(table) => self.tables()[*table].seq_scans = 0,
            Event::ResetStatements => {
                let since = Some(self.now());
                *self.statements() = Statements { since, ..Statements::default() };
            }
            Event::Evict(statement) => {
                let id = i64::try_from(*statement).unwrap();
                self.statements().leaders.retain(|row| row.query_id != id);
            }
            Event::Crash => {
                let since = self.statements().since;
                *self.statements() = Statements { since, ..Statements::default() };
                let reset = self.app().stats_reset;
                self.forget(reset);
            }
            Event::Restart => self.start(true),
            Event::FailOver => {
                self.start(false);
                // It has been up for long, and has answered others.
                let started_at = Timestamp::from_second(500_000 + self.clock).ok();
                self.pg.server.started_at = started_at;
                self.app().commits = 1_000_000;
                self.tables()[0].seq_scans = 1_000_000;
                let now = self.now();
                self.app().stats_reset = Some(now);
            }
            Event::Recreate => {
                let (now, oid) = (self.now(), self.app().oid + 1);
                self.forget(Some(now));
                self.app().oid = oid;
            }
            Event::Wrap => self.app().commits = i64::MIN,
        }
    }

    fn run(&mut self, statement: usize, calls: i64, ms: f64) {
        let id = i64::try_from(statement).unwrap();
        let since = Some(self.now()).filter(|_| self.has_since);
        let leaders = &mut self.statements().leaders;
        if !leaders.iter().any(|row| row.query_id == id) {
            leaders.push(Statement {
                query_id: id,
                stats_since: since,
                min_exec_time_ms: f64::INFINITY,
                ..Statement::default()
            });
        }
        let row = leaders.iter_mut().find(|row| row.query_id == id).unwrap();
        row.calls += calls;
        row.total_exec_time_ms += ms * calls as f64;
        row.mean_exec_time_ms = row.total_exec_time_ms / row.calls as f64;
        row.min_exec_time_ms = row.min_exec_time_ms.min(ms);
        row.max_exec_time_ms = row.max_exec_time_ms.max(ms);
        let truth = &mut self.truth;
        truth.calls[statement] += calls;
        truth.fastest[statement] = truth.fastest[statement].min(ms);
        truth.slowest[statement] = truth.slowest[statement].max(ms);
    }
}

fn value<T: Default>(section: &mut Section<T>) -> &mut T {
    if section.value().is_none() {
        *section = Section::collected(T::default());
    }
    match section {
        Section::Collected(collected) => &mut collected.value,
        Section::Unavailable(_) => unreachable!("just collected"),
    }
}
