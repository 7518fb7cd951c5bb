//! From the calls of a request to what was asked again and again.

use std::time::Duration;

use super::{Done, Kind, Repeat, Watch, advice::Facts};
use crate::shape::Kind as Does;

/// How near calls per row must be to a whole number.
const TOLERANCE: f64 = 0.05;
/// The least share of the rows that must have been asked for; fewer have nothing to do with the list.
const LEAST_SHARE: f64 = 0.25;

/// Memory that is used again for each request.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    groups: Vec<Group>,
    /// Place of a statement's group, by statement.
    places: Vec<u32>,
    parameters: Vec<u64>,
}

/// The calls of one statement within a request.
#[derive(Debug, Clone, Copy)]
struct Group {
    statement: u32,
    calls: u64,
    rows: u64,
    most_rows: u64,
    micros: u64,
    first: usize,
}

/// A list that a statement may have been called for.
#[derive(Debug, Clone, Copy)]
struct Parent {
    group: Group,
    per_row: f64,
}

const NONE: u32 = u32::MAX;

impl Scratch {
    /// The statements of these calls, in the order they came.
    fn group(&mut self, calls: &[Done], known: usize) {
        self.groups.clear();
        self.places.resize(known, NONE);
        for (at, call) in calls.iter().enumerate() {
            let place = &mut self.places[call.statement as usize];
            if *place == NONE {
                *place = u32::try_from(self.groups.len()).unwrap_or(NONE);
                let statement = call.statement;
                let none =
                    Group { statement, calls: 0, rows: 0, most_rows: 0, micros: 0, first: at };
                self.groups.push(none);
            }
            let group = &mut self.groups[*place as usize];
            group.calls += 1;
            group.rows = group.rows.saturating_add(call.rows);
            group.most_rows = group.most_rows.max(call.rows);
            group.micros += u64::from(call.micros);
        }
        for group in &self.groups {
            self.places[group.statement as usize] = NONE;
        }
    }

    /// How many different parameters a statement had.
    fn distinct(&mut self, calls: &[Done], statement: u32) -> u64 {
        self.parameters.clear();
        let own = calls.iter().filter(|call| call.statement == statement);
        self.parameters.extend(own.map(|call| call.parameters));
        self.parameters.sort_unstable();
        self.parameters.dedup();
        self.parameters.len() as u64
    }
}

impl Watch {
    /// What was asked again and again, the dearest first.
    pub(super) fn repeats(&mut self, calls: &[Done]) -> Vec<Repeat> {
        let least = u64::from(self.limits.least_repeats.max(2));
        if (calls.len() as u64) < least {
            return Vec::new();
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.group(calls, self.statements.len());
        let mut found = Vec::new();
        for place in 0..scratch.groups.len() {
            let group = scratch.groups[place];
            if group.calls < least || self.statements[group.statement as usize].does != Does::Read {
                continue;
            }
            let distinct = scratch.distinct(calls, group.statement);
            if distinct >= least {
                found.push(self.varied(&scratch.groups, calls, group, distinct));
            } else if group.calls - distinct >= least {
                found.push(self.told(Kind::Redundant, group, distinct, group.calls - distinct));
            }
        }
        self.scratch = scratch;
        found.sort_by_key(|it| std::cmp::Reverse((it.lost_time, it.lost)));
        found
    }

    /// A statement that was called with many parameters: for a list, or in a loop of its own.
    fn varied(&mut self, groups: &[Group], calls: &[Done], child: Group, distinct: u64) -> Repeat {
        let parent = self.parent(groups, calls, child);
        let seen = parent.and_then(|parent| {
            let pair = (parent.group.statement, child.statement);
            self.tallies.add(pair, parent.group.rows, child.calls)
        });
        let (Some(parent), Some(seen)) = (parent, seen) else {
            return self.told(Kind::Loop, child, distinct, child.calls - 1);
        };
        let lists = parent.group.calls;
        let mut repeat = self.told(Kind::EachRow, child, distinct, child.calls - lists);
        let list = parent.group.statement as usize;
        repeat.parent = Some(self.statements[list].named.clone());
        repeat.per_row = Some(parent.per_row);
        repeat.per_list = Some(child.calls as f64 / lists as f64);
        repeat.seen = seen;
        self.learn_facts(list);
        let both = (&self.statements[child.statement as usize].facts, &self.statements[list].facts);
        if let (Some(child), Some(list)) = both {
            repeat.joined = child.joined(list);
        }
        repeat
    }

    /// The list that explains the calls best: a whole number of calls for each row before a share of them, and of
    /// equals the one that came last before.
    fn parent(&self, groups: &[Group], calls: &[Done], child: Group) -> Option<Parent> {
        let mut best: Option<(bool, usize, Parent)> = None;
        for group in groups {
            let is_before = group.statement != child.statement && group.first < child.first;
            let is_list = group.most_rows >= 2 && group.calls * 2 <= child.calls;
            let is_read = self.statements[group.statement as usize].does == Does::Read;
            if !(is_before && is_list && is_read) {
                continue;
            }
            let per_row = child.calls as f64 / group.rows as f64;
            let whole = per_row.round();
            let is_whole = whole >= 1.0 && (per_row - whole).abs() <= TOLERANCE * whole;
            let is_share = (LEAST_SHARE..1.0).contains(&per_row);
            if !(is_whole || is_share) || !is_covered(calls, child, *group, whole.max(1.0)) {
                continue;
            }
            let rank = (is_whole, group.first);
            if best.as_ref().is_none_or(|it| (it.0, it.1) < rank) {
                best = Some((is_whole, group.first, Parent { group: *group, per_row }));
            }
        }
        best.map(|(.., parent)| parent)
    }

    fn told(&mut self, kind: Kind, group: Group, distinct: u64, lost: u64) -> Repeat {
        let place = group.statement as usize;
        self.learn_facts(place);
        let known = &self.statements[place];
        let mean = Duration::from_micros(group.micros / group.calls.max(1));
        let times = u32::try_from(lost).unwrap_or(u32::MAX);
        Repeat {
            kind,
            child: known.named.clone(),
            parent: None,
            calls: group.calls,
            distinct,
            per_row: None,
            per_list: None,
            lost,
            lost_time: (mean + self.limits.round_trip).saturating_mul(times),
            seen: 1,
            batched: known
                .facts
                .as_ref()
                .filter(|_| kind != Kind::Redundant)
                .and_then(Facts::batched),
            joined: None,
        }
    }

    fn learn_facts(&mut self, place: usize) {
        let known = &mut self.statements[place];
        if known.facts.is_none() {
            known.facts = Some(Facts::of(known.named.text.as_deref()));
        }
    }
}

/// Whether rows of the list had come whenever the child was called: the list came first, each time.
fn is_covered(calls: &[Done], child: Group, list: Group, per_row: f64) -> bool {
    let (mut left, mut short) = (0.0, 0_u64);
    for call in calls {
        if call.statement == list.statement {
            left += per_row * call.rows as f64;
        } else if call.statement == child.statement {
            if left < 0.5 {
                short += 1;
            } else {
                left -= 1.0;
            }
        }
    }
    short as f64 <= TOLERANCE * child.calls as f64
}
