//! What follows what within a session: statements that are repeated for each row another one gave.

mod run;
#[cfg(test)]
mod tests;

use self::run::{Read, Run, repeat, take_all, take_over};
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
const SLOTS: usize = 16;
/// Pairs that are kept.
const PAIRS: usize = 5000;
/// From so many on it is a repetition: what tools of applications take as well.
const LEAST: i64 = 5;
/// A longer pause between two statements is somebody thinking.
const PAUSE: Micros = 100_000;

#[derive(Debug, Default)]
struct Session {
    who: Who,
    last_end: Micros,
    transaction: u64,
    /// The transaction this session began in words; 0: none.
    begun: u64,
    /// How many it began so far.
    begins: u64,
    /// The statement seen last.
    last: u64,
    /// The statement that a repetition may be for; 0: none.
    before: u64,
    /// Reads so far.
    reads: u64,
    /// A statement that was named and may get a duration.
    named: Option<Named>,
    /// Reads of this transaction.
    slots: Vec<Run>,
    /// Reads that come again after few others, over transactions.
    loose: Vec<Run>,
}

/// A statement whose text came before its duration, or without one.
#[derive(Debug)]
struct Named {
    at: At,
    who: Who,
    shape: Shape,
}

/// When and where a statement ended.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct At {
    pid: u32,
    time: Option<Micros>,
    /// `None`: outside of a transaction, or not known.
    transaction: Option<u64>,
    knows_transactions: bool,
}

impl At {
    /// Of a record. A transaction that has no number any more is over.
    pub(super) fn of(record: &Record<'_>) -> Self {
        let id = record.virtual_xid;
        let is_within = !id.is_empty() && !id.ends_with(b"/0");
        Self {
            pid: record.pid,
            time: record.time,
            transaction: is_within.then(|| number_of(id)),
            knows_transactions: !id.is_empty(),
        }
    }
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
    pub(super) fn step(&mut self, at: At, who: Who, shape: Shape, micros: i64) {
        if at.pid == 0 {
            return;
        }
        self.knows_processes = true;
        self.knows_transactions |= at.knows_transactions;
        self.make_room();
        let Self { sessions, pairs, dropped, .. } = self;
        let session = sessions.entry(key(at.pid)).or_default();
        session.settle(&mut Out { pairs, dropped });
        session.step(at, who, shape, micros, &mut Out { pairs, dropped });
    }

    /// A session named a statement that may get a duration later. One that was named before and got none has ended.
    pub(super) fn name(&mut self, at: At, who: Who, shape: Shape) {
        if at.pid != 0 {
            self.make_room();
            self.knows_processes = true;
            self.knows_transactions |= at.knows_transactions;
            let Self { sessions, pairs, dropped, .. } = self;
            let session = sessions.entry(key(at.pid)).or_default();
            session.settle(&mut Out { pairs, dropped });
            session.named = Some(Named { at, who, shape });
        }
    }

    /// The statement a session named last, once.
    pub(super) fn take_named(&mut self, pid: u32) -> Option<Shape> {
        self.sessions.get_mut(&key(pid))?.named.take().map(|named| named.shape)
    }

    /// The statement a process was last seen with.
    pub(super) fn last_of(&self, pid: u32) -> Option<u64> {
        self.sessions.get(&key(pid)).map(|session| session.last).filter(|last| *last != 0)
    }

    /// A session ended.
    pub(super) fn gone(&mut self, pid: u32) {
        if let Some(mut session) = self.sessions.remove(&key(pid)) {
            session.end(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
        }
    }

    /// All sessions end.
    pub(super) fn finish(&mut self) {
        let mut sessions: Vec<(u64, Session)> = self.sessions.drain().collect();
        sessions.sort_unstable_by_key(|(key, _)| *key);
        for (_, mut session) in sessions {
            session.end(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
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
                session.end(&mut Out { pairs: &mut self.pairs, dropped: &mut self.dropped });
            }
        }
    }
}

struct Out<'a> {
    pairs: &'a mut std::collections::HashMap<(u64, u64), Pair>,
    dropped: &'a mut i64,
}

impl Out<'_> {
    /// A run within one transaction is told by its slot.
    fn give_loose(&mut self, run: &Run, who: Who) {
        if run.transaction == 0 {
            self.give(run, who, false);
        }
    }

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

impl Session {
    fn step(&mut self, at: At, who: Who, shape: Shape, micros: i64, out: &mut Out<'_>) {
        let end = at.time.unwrap_or(self.last_end);
        let start = end - micros;
        if self.who != who || start - self.last_end > PAUSE {
            self.close(out);
            self.who = who;
            self.before = 0;
        }
        match shape.kind {
            Kind::Begin => {
                self.close_slots(out);
                self.begins += 1;
                self.begun = fold(u64::from(at.pid), self.begins) | 1;
                self.last = shape.hash;
            }
            Kind::End => {
                self.close_slots(out);
                self.begun = 0;
            }
            // What writes or sets something for each row does work of its own: no join would do it.
            Kind::Write | Kind::Other => {
                self.close(out);
                self.last = shape.hash;
                self.before = if shape.kind == Kind::Write { shape.hash } else { 0 };
            }
            Kind::Read => {
                let transaction = at.transaction.unwrap_or(self.begun);
                if transaction != self.transaction {
                    self.close_slots(out);
                    self.transaction = transaction;
                }
                self.read(Read { shape, start, end, micros, transaction }, out);
            }
        }
        self.last_end = end;
    }

    /// What was named last has ended without a duration.
    fn settle(&mut self, out: &mut Out<'_>) {
        if let Some(Named { at, who, shape }) = self.named.take() {
            self.step(at, who, shape, 0, out);
        }
    }

    fn read(&mut self, read: Read, out: &mut Out<'_>) {
        self.reads += 1;
        let (place, hash, who) = (self.reads, read.shape.hash, self.who);
        take_over(&mut self.loose, hash, place, |run| out.give_loose(run, who));
        repeat(&mut self.loose, &read, self.before, place);
        if read.transaction != 0 {
            if self.slots.len() == SLOTS {
                self.slots.retain(|run| run.count >= LEAST || run.is_near(place));
            }
            if self.slots.len() < SLOTS || self.slots.iter().any(|run| run.hash == hash) {
                repeat(&mut self.slots, &read, self.before, place);
            }
        }
        (self.last, self.before) = (hash, hash);
    }

    fn close(&mut self, out: &mut Out<'_>) {
        take_all(&mut self.loose, |run| out.give_loose(run, self.who));
        self.close_slots(out);
    }

    fn close_slots(&mut self, out: &mut Out<'_>) {
        take_all(&mut self.slots, |slot| out.give(slot, self.who, true));
    }

    /// Nothing more will come.
    fn end(&mut self, out: &mut Out<'_>) {
        self.settle(out);
        self.close(out);
    }
}
