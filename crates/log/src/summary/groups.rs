//! Statements by shape. The least costly are left out when there are too many, and counted.

use crate::{
    histogram::Histogram,
    moment::Micros,
    names::{ByHash, Tally},
    record::Record,
    summary::Who,
};

/// Bytes of a text that are kept, while there is room for all texts, and afterwards.
const TEXT: usize = 32 * 1024;
const SHORT_TEXT: usize = 512;
/// Bytes of all texts, examples and plans together.
const TEXTS: usize = 48 << 20;
const EXAMPLE: usize = 4096;
const PARAMETERS: usize = 1024;
const PLAN: usize = 32 * 1024;

/// All statements.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) by_hash: ByHash<Box<Group>>,
    /// What was left out.
    pub(super) dropped: DroppedSum,
    room: usize,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct DroppedSum {
    pub(super) statements: i64,
    pub(super) calls: i64,
    pub(super) micros: i64,
    pub(super) parse: i64,
    pub(super) bind: i64,
    pub(super) untimed: i64,
}

/// All executions of one shape.
#[derive(Debug, Default, Clone)]
pub(super) struct Group {
    pub(super) text: Vec<u8>,
    pub(super) calls: i64,
    pub(super) total: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) histogram: Histogram,
    pub(super) untimed: i64,
    pub(super) parse: i64,
    pub(super) bind: i64,
    pub(super) plans: i64,
    pub(super) plan_total: i64,
    pub(super) plan_min: i64,
    pub(super) plan_max: i64,
    pub(super) plan_histogram: Histogram,
    pub(super) plan: Option<(i64, Vec<u8>)>,
    pub(super) errors: i64,
    pub(super) temp_files: i64,
    pub(super) temp_bytes: i64,
    pub(super) lock_waits: i64,
    pub(super) lock_wait: i64,
    pub(super) first: Option<Micros>,
    pub(super) last: Option<Micros>,
    pub(super) databases: Tally,
    pub(super) users: Tally,
    pub(super) applications: Tally,
    pub(super) slowest: Option<Box<Slowest>>,
}

/// The longest execution.
#[derive(Debug, Default, Clone)]
pub(super) struct Slowest {
    pub(super) time: Option<Micros>,
    pub(super) micros: i64,
    pub(super) text: Vec<u8>,
    pub(super) parameters: Vec<u8>,
    pub(super) who: Who,
}

impl Groups {
    /// The statement of a shape, if it was seen.
    pub(super) fn get(&mut self, hash: u64) -> Option<&mut Group> {
        self.by_hash.get_mut(&hash).map(Box::as_mut)
    }

    /// The statement of a shape; its text is kept when it is new.
    #[inline]
    pub(super) fn entry(&mut self, hash: u64, text: &[u8]) -> &mut Group {
        let room = &mut self.room;
        self.by_hash.entry(hash).or_insert_with(|| {
            let limit = if *room < TEXTS { TEXT } else { SHORT_TEXT };
            let text = text[..text.len().min(limit)].to_vec();
            *room += text.len();
            Box::new(Group { text, ..Group::default() })
        })
    }

    /// Leaves out the eighth that took the least time, when there are as many as may be and a further one comes.
    #[inline]
    pub(super) fn make_room(&mut self, limit: usize, hash: u64) {
        if self.by_hash.len() >= limit.max(16) && !self.by_hash.contains_key(&hash) {
            self.leave_out(limit.max(16) / 8);
        }
    }

    #[cold]
    fn leave_out(&mut self, number: usize) {
        let mut costs: Vec<(i64, i64, u64)> =
            self.by_hash.iter().map(|(hash, group)| (group.weight(), group.calls, *hash)).collect();
        costs.select_nth_unstable(number);
        for (_, _, hash) in &costs[..number] {
            if let Some(group) = self.by_hash.remove(hash) {
                self.room = self.room.saturating_sub(group.text.len());
                self.dropped.statements += 1;
                self.dropped.calls += group.calls;
                self.dropped.micros += group.total;
                self.dropped.parse += group.parse;
                self.dropped.bind += group.bind;
                self.dropped.untimed += group.untimed;
            }
        }
    }
}

impl Group {
    fn weight(&self) -> i64 {
        self.total + self.plan_total + self.lock_wait
    }

    /// An execution was seen.
    pub(super) fn seen(&mut self, time: Option<Micros>, who: Who) {
        self.first = self.first.or(time);
        self.last = time.or(self.last);
        self.databases.add(who.database);
        self.users.add(who.user);
        self.applications.add(who.application);
    }

    /// An execution with its duration; without a text where that was logged before.
    #[inline]
    pub(super) fn add(&mut self, record: &Record<'_>, who: Who, text: &[u8], micros: i64) {
        self.min = if self.calls == 0 { micros } else { self.min.min(micros) };
        self.calls += 1;
        self.total += micros;
        self.histogram.add(micros);
        self.seen(record.time, who);
        if self.slowest.is_none() || micros > self.max {
            let text = if text.is_empty() { &self.text[..] } else { text };
            self.slowest = Some(Box::new(Slowest {
                time: record.time,
                micros,
                text: text[..text.len().min(EXAMPLE)].to_vec(),
                parameters: record.detail[..record.detail.len().min(PARAMETERS)].to_vec(),
                who,
            }));
        }
        self.max = self.max.max(micros);
    }

    /// An execution whose plan was logged.
    pub(super) fn planned(&mut self, record: &Record<'_>, who: Who, micros: i64, plan: &[u8]) {
        self.plan_min = if self.plans == 0 { micros } else { self.plan_min.min(micros) };
        self.plan_max = self.plan_max.max(micros);
        self.plans += 1;
        self.plan_total += micros;
        self.plan_histogram.add(micros);
        if self.calls == 0 {
            self.seen(record.time, who);
        }
        if self.plan.as_ref().is_none_or(|(slowest, _)| micros > *slowest) {
            self.plan = Some((micros, plan[..plan.len().min(PLAN)].to_vec()));
        }
    }

    /// Adds the executions of another shape that is the same statement.
    pub(super) fn merge(&mut self, other: Self) {
        self.min = match (self.calls, other.calls) {
            (0, _) => other.min,
            (_, 0) => self.min,
            _ => self.min.min(other.min),
        };
        if other.max > self.max || self.slowest.is_none() {
            self.slowest = other.slowest;
        }
        self.max = self.max.max(other.max);
        self.calls += other.calls;
        self.total += other.total;
        self.histogram.merge(&other.histogram);
        self.untimed += other.untimed;
        self.parse += other.parse;
        self.bind += other.bind;
        self.plan_min = match (self.plans, other.plans) {
            (0, _) => other.plan_min,
            (_, 0) => self.plan_min,
            _ => self.plan_min.min(other.plan_min),
        };
        self.plan_max = self.plan_max.max(other.plan_max);
        self.plans += other.plans;
        self.plan_total += other.plan_total;
        self.plan_histogram.merge(&other.plan_histogram);
        let slower =
            |plan: &Option<(i64, Vec<u8>)>| plan.as_ref().map_or(-1, |(micros, _)| *micros);
        if slower(&other.plan) > slower(&self.plan) {
            self.plan = other.plan;
        }
        self.errors += other.errors;
        self.temp_files += other.temp_files;
        self.temp_bytes += other.temp_bytes;
        self.lock_waits += other.lock_waits;
        self.lock_wait += other.lock_wait;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        self.databases.merge(&other.databases);
        self.users.merge(&other.users);
        self.applications.merge(&other.applications);
    }
}
