//! Who waits for whom: sessions that wait for locks, grouped below the one they all wait for.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::pg::activity::{LockWait, Session};

use super::session;
use crate::{view::PgView, words};

/// Everybody who waits for one session, directly or through others.
#[derive(Debug)]
pub struct Tree<'a> {
    /// Process id of the root; 0 for a prepared transaction, which has no process.
    pub root: i64,
    /// Its session, where it is visible.
    pub session: Option<&'a Session>,
    /// Sessions that wait.
    pub blocked: usize,
    /// The longest of their waits, in seconds.
    pub longest_seconds: f64,
    /// One line per session, each below the one it waits for.
    pub text: String,
}

/// The forest of waiting sessions. Autovacuum gives way by itself and our own sessions give up soon:
/// neither is blocked.
struct Forest<'a> {
    pg: PgView<'a>,
    sessions: BTreeMap<i64, &'a Session>,
    waits: BTreeMap<i64, &'a LockWait>,
    /// Waiting session and the one it waits for.
    parents: BTreeMap<i64, i64>,
}

/// The trees of waiting sessions, by process id of their root.
pub fn trees<'a>(pg: &PgView<'a>, sessions: &'a [Session], waits: &'a [LockWait]) -> Vec<Tree<'a>> {
    let waiting: BTreeMap<i64, &Session> = sessions
        .iter()
        .filter(|s| !s.blocked_by.is_empty() && s.backend_type != "autovacuum worker")
        .filter(|s| !session::is_own(pg, s.pid))
        .map(|s| (s.pid, s))
        .collect();
    let parents = waiting
        .iter()
        .filter_map(|(pid, s)| {
            // Rather the one that holds the lock than one that queues before it.
            let parent = s.blocked_by.iter().min_by_key(|by| (waiting.contains_key(by), **by))?;
            Some((*pid, *parent))
        })
        .collect();
    let forest = Forest {
        pg: *pg,
        sessions: sessions.iter().map(|s| (s.pid, s)).collect(),
        waits: waits.iter().map(|wait| (wait.pid, wait)).collect(),
        parents,
    };
    let roots: BTreeSet<i64> = forest.parents.keys().map(|pid| forest.root_of(*pid)).collect();
    roots
        .into_iter()
        .filter(|root| !session::is_own(pg, *root))
        .map(|root| forest.tree(root))
        .collect()
}

impl<'a> Forest<'a> {
    /// The end of the chain of waits; in a circle, the smallest process id of the circle.
    fn root_of(&self, pid: i64) -> i64 {
        let mut chain = vec![pid];
        let mut at = pid;
        while let Some(parent) = self.parents.get(&at) {
            if let Some(start) = chain.iter().position(|seen| seen == parent) {
                return chain.iter().skip(start).copied().min().unwrap_or(at);
            }
            chain.push(*parent);
            at = *parent;
        }
        at
    }

    fn tree(&self, root: i64) -> Tree<'a> {
        let mut tree = Tree {
            root,
            session: self.sessions.get(&root).copied(),
            blocked: 0,
            longest_seconds: 0.0,
            text: self.root_line(root),
        };
        self.grow(&mut tree, root, 1);
        tree
    }

    /// Adds the sessions that wait for `pid`, and theirs below them.
    fn grow(&self, tree: &mut Tree<'a>, pid: i64, depth: usize) {
        let root = tree.root;
        for (child, _) in self.parents.iter().filter(|(child, by)| **by == pid && **child != root) {
            let Some(waiter) = self.sessions.get(child) else { continue };
            let seconds = self.seconds(waiter);
            tree.blocked += 1;
            tree.longest_seconds = tree.longest_seconds.max(seconds);
            let indent = "  ".repeat(depth);
            let wanted = self.wanted(*child);
            let line = format!(
                "\n{indent}{} waits for {wanted} for {}: {}",
                session::label(waiter),
                words::seconds(seconds),
                words::shorten(&waiter.query, 80)
            );
            tree.text.push_str(&line);
            self.grow(tree, *child, depth + 1);
        }
    }

    /// Seconds a session has waited: since the wait began (14 on), or since its statement did.
    fn seconds(&self, waiter: &Session) -> f64 {
        let began = self.waits.get(&waiter.pid).and_then(|wait| wait.waiting_since);
        self.pg.seconds_since(began.or(waiter.query_started_at)).unwrap_or(0.0)
    }

    /// The lock a session waits for: `AccessExclusiveLock on public.orders`.
    fn wanted(&self, pid: i64) -> String {
        let Some(wait) = self.waits.get(&pid) else { return "a lock".to_owned() };
        match (&wait.relation, wait.relation_oid) {
            (Some(relation), _) => format!("{} on {relation}", wait.mode),
            (None, Some(oid)) => format!("{} on relation {oid}", wait.mode),
            (None, None) => format!("{} on a {}", wait.mode, wait.lock_type),
        }
    }

    fn root_line(&self, root: i64) -> String {
        let Some(holder) = self.sessions.get(&root) else {
            return if root == 0 {
                "a prepared transaction".to_owned()
            } else {
                format!("session {root}")
            };
        };
        format!(
            "{}, {}: {}",
            session::label(holder),
            holder.state.as_deref().unwrap_or("state unknown"),
            words::shorten(&holder.query, 80)
        )
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, TargetSnapshot};

    use super::*;
    use crate::{
        testing::{self, ago},
        view::Reads,
    };

    fn session(pid: i64, blocked_by: &[i64]) -> Session {
        Session {
            pid,
            user: Some("web".into()),
            backend_type: "client backend".into(),
            state: Some("active".into()),
            query: format!("statement {pid}"),
            query_started_at: ago(pid),
            blocked_by: blocked_by.to_vec(),
            ..Session::default()
        }
    }

    fn shape(sessions: &[Session], waits: &[LockWait]) -> Vec<(i64, usize, String)> {
        let snapshot: Snapshot = testing::pg(|pg| pg.server.own_pids = vec![99]);
        let target: &TargetSnapshot = &snapshot.targets[0];
        let reads = Reads::default();
        let view = PgView::of(&snapshot, target, &reads).unwrap();
        let shape = |tree: Tree<'_>| (tree.root, tree.blocked, tree.text);
        trees(&view, sessions, waits).into_iter().map(shape).collect()
    }

    #[test]
    fn a_chain_hangs_from_the_session_that_waits_for_nobody() {
        let lock = LockWait {
            pid: 2,
            mode: "AccessExclusiveLock".into(),
            relation: Some("public.orders".into()),
            waiting_since: ago(70),
            ..LockWait::default()
        };
        let sessions = [session(1, &[]), session(2, &[1]), session(3, &[2])];
        let found = shape(&sessions, &[lock]);
        assert_eq!(
            found,
            [(
                1,
                2,
                "session 1 (web), active: statement 1\
                 \n  session 2 (web) waits for AccessExclusiveLock on public.orders for 70 s: statement 2\
                 \n    session 3 (web) waits for a lock for 3 s: statement 3"
                    .to_owned()
            )]
        );
    }

    #[test]
    fn one_who_waits_for_two_hangs_below_the_holder() {
        let sessions = [session(5, &[]), session(2, &[5]), session(3, &[2, 5])];
        assert_eq!(shape(&sessions, &[])[0].1, 2);
        assert_eq!(shape(&sessions, &[]).len(), 1);
    }

    #[test]
    fn circles_prepared_transactions_and_strangers_have_roots() {
        let circle = [session(1, &[2]), session(2, &[3]), session(3, &[2])];
        assert_eq!(shape(&circle, &[])[0].0, 2);
        assert_eq!(shape(&circle, &[])[0].1, 2);
        assert_eq!(
            shape(&[session(1, &[0])], &[])[0].2.lines().next(),
            Some("a prepared transaction")
        );
        assert_eq!(shape(&[session(1, &[77])], &[])[0].0, 77);
    }

    #[test]
    fn autovacuum_and_our_own_are_neither_blocked_nor_to_blame() {
        let autovacuum = Session { backend_type: "autovacuum worker".into(), ..session(1, &[2]) };
        assert!(shape(&[autovacuum, session(2, &[])], &[]).is_empty());
        assert!(shape(&[session(99, &[2]), session(2, &[])], &[]).is_empty());
        assert!(shape(&[session(1, &[99])], &[]).is_empty());
    }
}
