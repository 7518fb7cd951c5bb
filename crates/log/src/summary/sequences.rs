//! What follows what within a session: statements that are repeated for each row another one gave.

#[cfg(test)]
mod tests;

use crate::{
    moment::Micros,
    names::{ByHash, Tally},
    record::Record,
    shape::{
        Kind, Shape,
        mixer::{fold, number_of},
    },
    summary::Who,
};

/// Sessions that are followed at a time.
const SESSIONS: usize = 8192;
/// Statements of one transaction that are followed.
const SLOTS: usize = 8;
/// Pairs that are kept.
const PAIRS: usize = 5000;
/// From so many on it is a repetition: what tools of applications take as well.
const LEAST: i64 = 5;
/// A longer pause between two statements is somebody thinking.
const PAUSE: Micros = 100_000;

/// A repetition in progress.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    hash: u64,
    parent: u64,
    count: i64,
    first_start: Micros,
    last_end: Micros,
    micros: i64,
    literals: u64,
    /// Executions with the values of the first.
    same: i64,
    /// The transaction it is in; 0: several.
    transaction: u64,
}

#[derive(Debug, Default)]
struct Session {
    who: Who,
    last_end: Micros,
    transaction: u64,
    /// Transactions this session began in words.
    begun: u64,
    last: u64,
    /// A statement that was named and may get a duration.
    named: Option<Shape>,
    /// Statements of this transaction.
    slots: Vec<Run>,
    /// Statements in unbroken sequence, over transactions.
    run: Run,
}

/// A parent, its child, and all their runs.
#[derive(Debug, Default, Clone)]
pub(super) struct Pair {
    pub(super) runs: i64,
    pub(super) in_transaction: i64,
    pub(super) calls: i64,
    pub(super) longest: i64,
    pub(super) micros: i64,
    pub(super) elapsed: i64,
    pub(super) redundant: i64,
    pub(super) databases: Tally,
}

impl Pair {
    /// Adds the runs of another pair that is the same.
    pub(super) fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.in_transaction += other.in_transaction;
        self.calls += other.calls;
        self.longest = self.longest.max(other.longest);
        self.micros += other.micros;
        self.elapsed += other.elapsed;
        self.redundant += other.redundant;
        self.databases.merge(&other.databases);
    }
}

/// All sessions.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    sessions: ByHash<Session>,
    pub(super) pairs: std::collections::HashMap<(u64, u64), Pair>,
    pub(super) dropped: i64,
    /// Whether any record told its process, and any its virtual transaction.
    pub(super) knows_processes: bool,
    pub(super) knows_transactions: bool,
}

/// Sessions by process: a session's id is not known where others speak of it.
fn key(pid: u32) -> u64 {
    fold(u64::from(pid), 1)
}

impl Sequences {
    /// A statement ended.
    #[inline]
    pub(super) fn step(&mut self, record: &Record<'_>, who: Who, shape: Shape, micros: i64) {
        if record.pid == 0 {
            return;
        }
        self.knows_processes = true;
        self.make_room();
        let Self { sessions, pairs, dropped, knows_transactions, .. } = self;
        let session = sessions.entry(key(record.pid)).or_default();
        let mut out = Out { pairs, dropped };
        let end = record.time.unwrap_or(session.last_end);
        let start = end - micros;
        let is_other = session.who != who;
        if is_other || start - session.last_end > PAUSE {
            session.close(&mut out);
            session.who = who;
        }
        let virtual_xid = if record.virtual_xid.is_empty() {
            None
        } else {
            *knows_transactions = true;
            Some(number_of(record.virtual_xid))
        };
        match shape.kind {
            Kind::Begin => {
                session.close(&mut out);
                session.begun = fold(u64::from(record.pid), session.begun.wrapping_add(1)) | 1;
            }
            Kind::End => {
                session.close(&mut out);
                session.begun = 0;
            }
            // What writes or sets something for each row does work of its own: no join would do it.
            Kind::Write | Kind::Other => {
                session.close(&mut out);
                session.last = shape.hash;
            }
            Kind::Read => {
                let transaction = virtual_xid.unwrap_or(session.begun);
                if transaction != session.transaction {
                    session.close_slots(&mut out);
                    session.transaction = transaction;
                }
                session.read(shape, start, end, micros, &mut out);
            }
        }
        session.last_end = end;
    }

    /// A session named a statement that may get a duration later.
    pub(super) fn name(&mut self, pid: u32, shape: Shape) {
        if pid != 0 {
            self.make_room();
            self.sessions.entry(key(pid)).or_default().named = Some(shape);
        }
    }

    /// The statement a session named last, once.
    pub(super) fn take_named(&mut self, pid: u32) -> Option<Shape> {
        self.sessions.get_mut(&key(pid))?.named.take()
    }

    /// The statement a process was last seen with.
    pub(super) fn last_of(&self, pid: u32) -> Option<u64> {
        self.sessions.get(&key(pid)).map(|session| session.last).filter(|last| *last != 0)
    }

    /// A session ended.
    pub(super) fn gone(&mut self, pid: u32) {
        if let Some(mut session) = self.sessions.remove(&key(pid)) {
            session.close(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
        }
    }

    /// All sessions end.
    pub(super) fn finish(&mut self) {
        let mut sessions: Vec<(u64, Session)> = self.sessions.drain().collect();
        sessions.sort_unstable_by_key(|(key, _)| *key);
        for (_, mut session) in sessions {
            session.close(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
        }
    }

    /// Forgets the half that was silent longest, when there are too many.
    fn make_room(&mut self) {
        if self.sessions.len() < SESSIONS {
            return;
        }
        let mut ends: Vec<(Micros, u64)> =
            self.sessions.iter().map(|(key, session)| (session.last_end, *key)).collect();
        ends.sort_unstable();
        for (_, key) in &ends[..SESSIONS / 2] {
            if let Some(mut session) = self.sessions.remove(key) {
                session.close(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
            }
        }
    }
}

struct Out<'a> {
    pairs: &'a mut std::collections::HashMap<(u64, u64), Pair>,
    dropped: &'a mut i64,
}

impl Out<'_> {
    fn give(&mut self, run: &Run, who: Who, in_transaction: bool) {
        if run.count < LEAST {
            return;
        }
        let key = (run.parent, run.hash);
        if self.pairs.len() >= PAIRS && !self.pairs.contains_key(&key) {
            *self.dropped += 1;
            return;
        }
        let pair = self.pairs.entry(key).or_default();
        pair.runs += 1;
        pair.in_transaction += i64::from(in_transaction);
        pair.calls += run.count;
        pair.longest = pair.longest.max(run.count);
        pair.micros += run.micros;
        pair.elapsed += (run.last_end - run.first_start).max(0);
        pair.redundant += run.same;
        pair.databases.add(who.database);
    }
}

impl Run {
    fn begin(shape: Shape, parent: u64, start: Micros, transaction: u64) -> Self {
        Self {
            hash: shape.hash,
            parent,
            first_start: start,
            literals: shape.literals,
            same: -1,
            transaction,
            ..Self::default()
        }
    }

    fn add(&mut self, shape: Shape, end: Micros, micros: i64, transaction: u64) {
        self.count += 1;
        self.micros += micros;
        self.last_end = end;
        self.same += i64::from(shape.literals == self.literals);
        if self.transaction != transaction {
            self.transaction = 0;
        }
    }
}

impl Session {
    fn read(&mut self, shape: Shape, start: Micros, end: Micros, micros: i64, out: &mut Out<'_>) {
        let transaction = self.transaction;
        if self.run.hash != shape.hash {
            self.close_run(out);
            self.run = Run::begin(shape, self.last, start, transaction);
        }
        self.run.add(shape, end, micros, transaction);
        if transaction != 0 {
            let place = self.slots.iter().position(|slot| slot.hash == shape.hash);
            let place = place.or_else(|| {
                (self.slots.len() < SLOTS).then(|| {
                    self.slots.push(Run::begin(shape, self.last, start, transaction));
                    self.slots.len() - 1
                })
            });
            if let Some(place) = place {
                self.slots[place].add(shape, end, micros, transaction);
            }
        }
        self.last = shape.hash;
    }

    fn close(&mut self, out: &mut Out<'_>) {
        self.close_run(out);
        self.close_slots(out);
    }

    /// A run within one transaction is told by its slot.
    fn close_run(&mut self, out: &mut Out<'_>) {
        if self.run.transaction == 0 {
            out.give(&self.run, self.who, false);
        }
        self.run = Run::default();
    }

    fn close_slots(&mut self, out: &mut Out<'_>) {
        for slot in &self.slots {
            out.give(slot, self.who, true);
        }
        self.slots.clear();
    }
}
