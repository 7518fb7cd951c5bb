//! Runs and what only looks like them.

use super::*;
use crate::shape::shape;

struct Log {
    sequences: Sequences,
    time: Micros,
}

impl Log {
    fn new() -> Self {
        Self { sequences: Sequences::default(), time: 1_000_000_000 }
    }

    fn say(&mut self, pid: u32, transaction: &str, text: &str, gap: Micros) {
        self.time += gap + 1000;
        let record = Record {
            time: Some(self.time),
            pid,
            virtual_xid: transaction.as_bytes(),
            ..Record::default()
        };
        self.sequences.step(At::of(&record), Who::default(), shape(text.as_bytes()), 1000);
    }

    fn pair(&mut self, parent: &str, child: &str) -> Option<Pair> {
        self.sequences.finish();
        let key = (shape(parent.as_bytes()).hash, shape(child.as_bytes()).hash);
        self.sequences.pairs.get(&key).cloned()
    }

    fn pairs(&mut self) -> usize {
        self.sequences.finish();
        self.sequences.pairs.len()
    }
}

const PARENT: &str = "select * from posts";

fn child(id: i64) -> String {
    format!("select * from comments where post = {id}")
}

#[test]
fn children_of_one_transaction_are_a_run() {
    let mut log = Log::new();
    log.say(7, "3/1", PARENT, 0);
    for id in 0..6 {
        log.say(7, "3/1", &child(id), 500);
    }
    let pair = log.pair(PARENT, &child(0)).unwrap();
    assert_eq!((pair.runs, pair.in_transaction, pair.calls, pair.redundant), (1, 1, 6, 0));
    assert_eq!(log.pairs(), 1);
}

#[test]
fn two_children_in_turn_are_two_runs_and_equal_values_are_redundant() {
    let mut log = Log::new();
    log.say(7, "3/1", PARENT, 0);
    for id in 0..5 {
        log.say(7, "3/1", &child(id), 500);
        log.say(7, "3/1", "select * from authors where id = 1", 500);
    }
    assert_eq!(log.pair(PARENT, &child(0)).unwrap().calls, 5);
    let authors = log.pair(PARENT, "select * from authors where id = 1").unwrap();
    assert_eq!(authors.redundant, 4);
}

#[test]
fn decoys_stay_silent() {
    // Four only.
    let mut log = Log::new();
    (0..4).for_each(|id| log.say(7, "3/1", &child(id), 500));
    assert_eq!(log.pairs(), 0);
    // A pause for thought between them.
    let mut log = Log::new();
    (0..9).for_each(|id| log.say(7, "3/1", &child(id), 200_000));
    assert_eq!(log.pairs(), 0);
    // Work for each row, tenant by tenant.
    let mut log = Log::new();
    for id in 0..9 {
        log.say(7, "3/1", "set search_path = 'x'", 500);
        log.say(7, "3/1", &child(id), 500);
    }
    assert_eq!(log.pairs(), 0);
    // Sessions that take turns.
    let mut log = Log::new();
    (0..9).for_each(|id| log.say(7 + u32::try_from(id).unwrap(), "", &child(id), 500));
    assert_eq!(log.pairs(), 0);
}

#[test]
fn runs_over_several_transactions_are_told_as_such() {
    let mut log = Log::new();
    log.say(7, "3/1", PARENT, 0);
    for id in 0..6 {
        log.say(7, &format!("3/{}", id + 2), &child(id), 500);
    }
    let pair = log.pair(PARENT, &child(0)).unwrap();
    assert_eq!((pair.runs, pair.in_transaction), (1, 0));
    // Between BEGIN and COMMIT without ids of transactions.
    let mut log = Log::new();
    log.say(7, "", "begin", 0);
    (0..6).for_each(|id| log.say(7, "", &child(id), 500));
    log.say(7, "", "commit", 0);
    log.sequences.finish();
    assert!(log.sequences.pairs.values().all(|pair| pair.in_transaction == 1));
    assert_eq!(log.pairs(), 1);
}

/// A statement that stands for itself, with a value.
fn read(table: &str, value: i64) -> String {
    format!("select * from {table} where id = {value}")
}

#[test]
fn what_is_asked_for_each_row_in_turn_is_found_without_transactions() {
    let mut log = Log::new();
    for page in 0..3 {
        log.say(7, "3/0", PARENT, 500);
        for id in 0..7 {
            for table in ["authors", "votes", "tags"] {
                log.say(7, "3/0", &read(table, page * 10 + id), 500);
            }
        }
    }
    for table in ["authors", "votes", "tags"] {
        let pair = log.pair(PARENT, &read(table, 0)).unwrap();
        assert_eq!((pair.runs, pair.in_transaction, pair.calls), (3, 0, 21), "{table}");
    }
    assert_eq!(log.pairs(), 3);
}

#[test]
fn what_is_asked_for_each_row_of_a_row_has_that_for_its_parent() {
    for transaction in ["3/9", "3/0"] {
        let mut log = Log::new();
        log.say(7, transaction, PARENT, 500);
        for id in 0..6 {
            log.say(7, transaction, &read("threads", id), 500);
            (0..6).for_each(|at| log.say(7, transaction, &read("answers", id * 10 + at), 500));
        }
        let answers = log.pair(&read("threads", 0), &read("answers", 0)).unwrap();
        assert_eq!(answers.calls, 36, "{transaction}");
    }
}

#[test]
fn a_repository_that_opens_a_transaction_for_each_call_is_seen_through() {
    for knows_transactions in [true, false] {
        let mut log = Log::new();
        for page in 0..3 {
            for at in 0..8 {
                let text =
                    if at == 0 { PARENT.to_owned() } else { read("authors", page * 10 + at) };
                let id = format!("3/{}", page * 10 + at + 1);
                let (within, after) = if knows_transactions { (&*id, "3/0") } else { ("", "") };
                log.say(7, within, "begin", 300);
                log.say(7, within, &text, 300);
                log.say(7, after, "commit", 300);
            }
        }
        let pair = log.pair(PARENT, &read("authors", 0)).unwrap();
        assert_eq!((pair.runs, pair.in_transaction, pair.calls), (3, 0, 21));
    }
}

#[test]
fn statements_without_durations_count_as_well() {
    let mut log = Log::new();
    let texts = (0..9).map(|id| if id == 0 { PARENT.to_owned() } else { read("authors", id) });
    for text in texts {
        log.time += 1000;
        let record = Record { time: Some(log.time), pid: 7, ..Record::default() };
        log.sequences.name(At::of(&record), Who::default(), shape(text.as_bytes()));
    }
    assert_eq!(log.pair(PARENT, &read("authors", 0)).unwrap().calls, 8);
}
