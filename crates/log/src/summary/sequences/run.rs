//! A statement that comes again, and what it comes again for.

use crate::{moment::Micros, shape::Shape};

/// Of two executions of a repetition outside of a transaction, the later is at most the so-manieth read after the other:
/// what else is asked for each row.
const NEAR: u64 = 4;

/// A read that ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Read {
    pub(super) shape: Shape,
    pub(super) start: Micros,
    pub(super) end: Micros,
    pub(super) micros: i64,
    /// The transaction it is in; 0: not known, or its own.
    pub(super) transaction: u64,
}

/// A repetition in progress.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Run {
    pub(super) hash: u64,
    pub(super) parent: u64,
    pub(super) count: i64,
    pub(super) first_start: Micros,
    pub(super) last_end: Micros,
    pub(super) micros: i64,
    literals: u64,
    /// Executions with the values of the first.
    pub(super) same: i64,
    /// The transaction it is in; 0: several.
    pub(super) transaction: u64,
    /// The read of the session it was last.
    last: u64,
}

impl Run {
    fn begin(read: &Read, parent: u64) -> Self {
        Self {
            hash: read.shape.hash,
            parent,
            first_start: read.start,
            literals: read.shape.literals,
            same: -1,
            transaction: read.transaction,
            ..Self::default()
        }
    }

    fn add(&mut self, read: &Read, place: u64) {
        self.count += 1;
        self.micros += read.micros;
        self.last_end = read.end;
        self.same += i64::from(read.shape.literals == self.literals);
        self.last = place;
        if self.transaction != read.transaction {
            self.transaction = 0;
        }
    }

    /// Whether it may still go on at a read of its session.
    pub(super) fn is_near(&self, place: u64) -> bool {
        place - self.last <= NEAR
    }

    /// Whether it is over at a read of its session: it is too long ago, or what it is for comes again and has rows of its
    /// own. What came as often as that did so far is no child of it: both are asked for each row of something.
    fn is_over(&self, hash: u64, place: u64, times: i64) -> bool {
        place - self.last > NEAR || (self.parent == hash && self.count > times)
    }
}

/// Counts a read to its run; the first begins one behind what was before.
pub(super) fn repeat(runs: &mut Vec<Run>, read: &Read, before: u64, place: u64) {
    let known = runs.iter().position(|run| run.hash == read.shape.hash);
    let known = known.unwrap_or_else(|| {
        runs.push(Run::begin(read, before));
        runs.len() - 1
    });
    runs[known].add(read, place);
}

/// Takes out the runs that are over at a read.
pub(super) fn take_over(runs: &mut Vec<Run>, hash: u64, place: u64, mut give: impl FnMut(&Run)) {
    let elder = runs.iter().find(|run| run.hash == hash && place - run.last <= NEAR);
    let times = elder.map_or(0, |elder| elder.count);
    let mut at = 0;
    while at < runs.len() {
        if runs[at].is_over(hash, place, times) {
            let run = runs.remove(at);
            hand_over(&mut runs[at..], &run);
            give(&run);
        } else {
            at += 1;
        }
    }
}

/// Takes out all runs.
pub(super) fn take_all(runs: &mut Vec<Run>, mut give: impl FnMut(&Run)) {
    for at in 0..runs.len() {
        let run = runs[at];
        hand_over(&mut runs[at + 1..], &run);
        give(&run);
    }
    runs.clear();
}

/// What came behind each of a repetition, no more often than that itself, is for the same as the repetition.
fn hand_over(later: &mut [Run], run: &Run) {
    if run.count < 2 {
        return;
    }
    for other in later.iter_mut().filter(|other| other.parent == run.hash) {
        if other.count <= run.count {
            other.parent = run.parent;
        }
    }
}
