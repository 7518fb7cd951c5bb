//! Waits for locks, deadlocks, temporary files.

use std::collections::VecDeque;

use dbvitals_model::log::{Deadlock, DeadlockParty};

use crate::{
    event::{Wait, parties, whole_number},
    moment::Micros,
    names::ByHash,
    record::{Record, text},
    shape::mixer::{fold, number_of},
};

/// Different waits that are kept.
const GROUPS: usize = 2000;
/// Deadlocks told from the beginning and from the end.
const DEADLOCKS: usize = 5;
const STATEMENT: usize = 1000;

/// Waits of one statement for one kind of lock.
#[derive(Debug, Default)]
pub(super) struct WaitSum {
    pub(super) mode: String,
    pub(super) object: String,
    pub(super) waits: i64,
    pub(super) acquired: i64,
    pub(super) total: i64,
    pub(super) longest: i64,
    pub(super) statement: Option<(u64, String)>,
    pub(super) last: Option<Micros>,
    /// Shapes the holders were seen with.
    pub(super) holders: Vec<(u64, i64)>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Waits {
    pub(super) groups: ByHash<WaitSum>,
    pub(super) begun: i64,
    pub(super) acquired: i64,
    pub(super) total: i64,
    pub(super) longest: i64,
    pub(super) deadlocks: i64,
    pub(super) first_deadlocks: Vec<(Option<Micros>, Deadlock)>,
    pub(super) last_deadlocks: VecDeque<(Option<Micros>, Deadlock)>,
    pub(super) temp_files: i64,
    pub(super) temp_bytes: i64,
    pub(super) temp_largest: i64,
}

impl Waits {
    pub(super) fn add(
        &mut self,
        record: &Record<'_>,
        wait: &Wait<'_>,
        statement: Option<u64>,
        holder: Option<u64>,
    ) {
        if wait.is_acquired {
            self.acquired += 1;
            self.total = self.total.saturating_add(wait.micros);
        } else {
            self.begun += 1;
        }
        self.longest = self.longest.max(wait.micros);
        let object = kind_of(wait.object);
        let key =
            fold(fold(number_of(wait.mode), number_of(object.as_bytes())), statement.unwrap_or(0));
        if !self.groups.contains_key(&key) && self.groups.len() >= GROUPS {
            return;
        }
        let sum = self.groups.entry(key).or_insert_with(|| WaitSum {
            mode: text(wait.mode, 60),
            object,
            statement: statement.map(|hash| (hash, text(record.statement, STATEMENT))),
            ..WaitSum::default()
        });
        if wait.is_acquired {
            sum.acquired += 1;
            sum.total = sum.total.saturating_add(wait.micros);
        } else {
            sum.waits += 1;
        }
        sum.longest = sum.longest.max(wait.micros);
        sum.last = record.time.or(sum.last);
        if let Some(holder) = holder {
            match sum.holders.iter().position(|(hash, _)| *hash == holder) {
                Some(place) => sum.holders[place].1 += 1,
                None if sum.holders.len() < 8 => sum.holders.push((holder, 1)),
                None => {}
            }
        }
    }

    pub(super) fn deadlock(&mut self, record: &Record<'_>) {
        self.deadlocks += 1;
        let party = |party: &crate::event::Party<'_>| DeadlockParty {
            pid: party.pid,
            waits_for: text(party.waits_for, 120),
            blocked_by: party.blocked_by,
            statement: (!party.statement.is_empty()).then(|| text(party.statement, STATEMENT)),
        };
        let deadlock = Deadlock {
            at: None,
            database: text(record.database, 120),
            parties: parties(record.detail).iter().map(party).collect(),
            victim: i64::from(record.pid),
        };
        if self.first_deadlocks.len() < DEADLOCKS {
            self.first_deadlocks.push((record.time, deadlock));
            return;
        }
        if self.last_deadlocks.len() == DEADLOCKS {
            self.last_deadlocks.pop_front();
        }
        self.last_deadlocks.push_back((record.time, deadlock));
    }

    pub(super) fn temp_file(&mut self, bytes: i64) {
        self.temp_files += 1;
        self.temp_bytes = self.temp_bytes.saturating_add(bytes);
        self.temp_largest = self.temp_largest.max(bytes);
    }
}

/// The process that holds what another waits for: `Process holding the lock: 123. Wait queue: 456.`
pub(super) fn holder(detail: &[u8]) -> Option<u32> {
    let at = memchr::memmem::find(detail, b" holding the lock: ")?;
    whole_number(&detail[at + 19..]).and_then(|pid| u32::try_from(pid).ok())
}

/// What kind of object: without the numbers that differ each time.
fn kind_of(object: &[u8]) -> String {
    let object = String::from_utf8_lossy(object);
    if object.starts_with("transaction ") {
        return "transaction".to_owned();
    }
    if object.starts_with("virtual transaction ") {
        return "virtual transaction".to_owned();
    }
    let relation = object.find("relation ").map(|at| &object[at..]);
    match relation {
        Some(relation) if object.starts_with("tuple ") => format!("tuple of {relation}"),
        Some(relation) if object.starts_with("page ") => format!("page of {relation}"),
        Some(relation) if object.starts_with("extension ") => format!("extension of {relation}"),
        _ => object.chars().take(80).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_told_without_what_differs_each_time() {
        assert_eq!(kind_of(b"transaction 742"), "transaction");
        assert_eq!(
            kind_of(b"tuple (0,1) of relation 16384 of database 5"),
            "tuple of relation 16384 of database 5"
        );
        assert_eq!(kind_of(b"relation 16384 of database 5"), "relation 16384 of database 5");
    }

    #[test]
    fn the_first_holder_is_read() {
        let detail = b"Processes holding the lock: 12, 13. Wait queue: 14.";
        assert_eq!(holder(detail), Some(12));
        assert_eq!(holder(b"Process holding the lock: 7. Wait queue: 8."), Some(7));
        assert_eq!(holder(b"nothing"), None);
    }
}
