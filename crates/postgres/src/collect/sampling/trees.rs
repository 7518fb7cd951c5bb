//! Who blocked whom over many looks: trees of waiting sessions by the session at their root.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::pg::window::SampledTree;
use jiff::Timestamp;
use serde::Deserialize;

/// Roots remembered; the ones with the shortest waits are forgotten first.
const ROOTS: usize = 200;
/// Trees told.
const TOLD: usize = 10;

/// One session that waits for a lock or is in the way of one that does.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Involved {
    pub(super) pid: i64,
    user: Option<String>,
    application: String,
    state: Option<String>,
    query_id: Option<i64>,
    backend_started_at: Option<Timestamp>,
    pub(super) query_started_at: Option<Timestamp>,
    /// How long it has waited, where the server knows (14+).
    pub(super) waited_ms: Option<f64>,
    blocked_by: Vec<i64>,
}

/// The trees seen so far.
#[derive(Debug, Default)]
pub(super) struct Trees(BTreeMap<(i64, Option<Timestamp>), SampledTree>);

impl Trees {
    /// Adds one look at the locks; `waited_ms` answers how long a session has waited.
    pub(super) fn look(&mut self, rows: &[Involved], waited_ms: impl Fn(&Involved) -> f64) {
        let by_pid: BTreeMap<i64, &Involved> = rows.iter().map(|row| (row.pid, row)).collect();
        let mut victims: BTreeMap<i64, Vec<&Involved>> = BTreeMap::new();
        for row in rows.iter().filter(|row| !row.blocked_by.is_empty()) {
            for root in roots(row, &by_pid) {
                victims.entry(root).or_default().push(row);
            }
        }
        for (root, waiting) in victims {
            let session = by_pid.get(&root).copied();
            let key = (root, session.and_then(|session| session.backend_started_at));
            let tree =
                self.0.entry(key).or_insert_with(|| SampledTree { root, ..Default::default() });
            tree.looks += 1;
            tree.victims_max =
                tree.victims_max.max(i64::try_from(waiting.len()).unwrap_or(i64::MAX));
            for waiter in waiting {
                tree.longest_ms = tree.longest_ms.max(waited_ms(waiter));
            }
            if let Some(session) = session {
                tree.user.clone_from(&session.user);
                tree.application.clone_from(&session.application);
                tree.state.clone_from(&session.state);
                tree.query_id = session.query_id;
                tree.backend_started_at = session.backend_started_at;
            }
        }
        while self.0.len() > ROOTS {
            let shortest =
                self.0.iter().min_by(|(_, a), (_, b)| a.longest_ms.total_cmp(&b.longest_ms));
            let Some(key) = shortest.map(|(key, _)| *key) else { break };
            self.0.remove(&key);
        }
    }

    /// The trees with the longest waits.
    pub(super) fn longest(self) -> Vec<SampledTree> {
        let mut trees: Vec<SampledTree> = self.0.into_values().collect();
        trees.sort_by(|one, other| {
            other.longest_ms.total_cmp(&one.longest_ms).then(one.root.cmp(&other.root))
        });
        trees.truncate(TOLD);
        trees
    }
}

/// Who a session waits for in the end: those that wait for nobody. In a circle, the smallest process id of it.
fn roots(from: &Involved, by_pid: &BTreeMap<i64, &Involved>) -> BTreeSet<i64> {
    let (mut seen, mut open) = (BTreeSet::from([from.pid]), from.blocked_by.clone());
    let mut found = BTreeSet::new();
    while let Some(pid) = open.pop() {
        if !seen.insert(pid) {
            continue;
        }
        match by_pid.get(&pid) {
            Some(row) if !row.blocked_by.is_empty() => open.extend(&row.blocked_by),
            _ => drop(found.insert(pid)),
        }
    }
    if found.is_empty() { seen.first().copied().into_iter().collect() } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(pid: i64, blocked_by: &[i64]) -> Involved {
        let blocked_by = blocked_by.to_vec();
        Involved { pid, blocked_by, user: Some(format!("user{pid}")), ..Involved::default() }
    }

    fn seen(looks: &[&[Involved]]) -> Vec<(i64, i64, i64)> {
        let mut trees = Trees::default();
        for rows in looks {
            trees.look(rows, |row| row.pid as f64);
        }
        trees.longest().iter().map(|tree| (tree.root, tree.victims_max, tree.looks)).collect()
    }

    #[test]
    fn chains_hang_from_who_waits_for_nobody() {
        let rows = [session(1, &[]), session(2, &[1]), session(3, &[2]), session(8, &[7])];
        assert_eq!(seen(&[&rows, &rows[..2]]), [(7, 1, 1), (1, 2, 2)]);
        assert_eq!(seen(&[&[session(1, &[0])]]), [(0, 1, 1)], "a prepared transaction");
    }

    #[test]
    fn circles_end() {
        let rows = [session(4, &[5]), session(5, &[4]), session(6, &[5])];
        assert_eq!(seen(&[&rows]), [(4, 3, 1)]);
    }

    #[test]
    fn the_root_is_described_as_last_seen() {
        let mut trees = Trees::default();
        let idle = Involved { state: Some("idle in transaction".into()), ..session(1, &[]) };
        trees.look(&[session(1, &[]), session(2, &[1])], |_| 1.0);
        trees.look(&[idle, session(2, &[1])], |_| 2.0);
        let told = trees.longest();
        assert_eq!(told[0].state.as_deref(), Some("idle in transaction"));
        assert_eq!(told[0].user.as_deref(), Some("user1"));
    }

    #[test]
    fn roots_without_number_are_bounded() {
        let mut trees = Trees::default();
        for pid in 1..=1_000 {
            trees.look(&[session(pid, &[pid + 10_000])], |row| row.pid as f64);
        }
        assert_eq!(trees.0.len(), ROOTS);
        assert_eq!(trees.longest()[0].root, 11_000);
    }
}
