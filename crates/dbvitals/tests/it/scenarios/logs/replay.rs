//! A mixed workload on a real server: ten statements that are one for each row of a list, and 42 that are not.

mod decoys;
mod pairs;

use dbvitals_testkit::PgVersion;
use tokio_postgres::Client;

use super::logged::{Logged, message, words};

/// Numbers that look like chance and are the same each time.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let sides = u64::try_from(high - low + 1).unwrap();
        low + i32::try_from((z ^ (z >> 31)) % sides).unwrap()
    }

    fn place(&mut self, places: usize) -> usize {
        usize::try_from(self.between(1, i32::try_from(places).unwrap())).unwrap() - 1
    }
}

/// What a request asks, in one session and in this order.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) on: Session,
    pub(super) statements: Vec<String>,
    /// By the extended protocol, each with one value.
    pub(super) is_prepared: bool,
}

/// Whose session a request uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// The application's own, by number.
    Own(usize),
    /// Any of a pool, another one for each statement.
    Pool,
}

impl Request {
    pub(super) fn on(session: usize, statements: Vec<String>) -> Self {
        Self { on: Session::Own(session), statements, is_prepared: false }
    }

    pub(super) fn pooled(statements: Vec<String>) -> Self {
        Self { on: Session::Pool, statements, is_prepared: false }
    }

    pub(super) fn prepared(self) -> Self {
        Self { is_prepared: true, ..self }
    }
}

/// `BEGIN` and `COMMIT` around statements.
pub(super) fn in_transaction(statements: Vec<String>) -> Vec<String> {
    let mut all = vec!["begin".to_owned()];
    all.extend(statements);
    all.push("commit".to_owned());
    all
}

/// A lookup of one row of a table.
pub(super) fn lookup(table: &str, id: i32) -> String {
    format!("select name from {table} where id = {id}")
}

/// A list of rows of a table.
pub(super) fn list(table: &str, rows: i32) -> String {
    format!("select id, name from {table} order by name limit {rows}")
}

/// Tables that everything is read from.
const TABLES: i32 = 80;
const OWN: usize = 6;
const POOL: usize = 3;
const ROUNDS: i32 = 10;

/// A table for each part of the workload; tenants have one each of the same name.
fn tables() -> String {
    let table = |name: &str| {
        format!(
            "create table {name} (id int primary key, name text, parent int, state int); \
             insert into {name} select g, 'n' || g, g % 7, g % 3 from generate_series(1, 200) g;"
        )
    };
    let mut all: Vec<String> = (0..TABLES).map(|at| table(&format!("t{}", name(at)))).collect();
    for tenant in 0..8 {
        all.push(format!("create schema tenant_{tenant};"));
        all.extend(
            ["bills", "seats", "plans", "notes"].map(|of| table(&format!("tenant_{tenant}.{of}"))),
        );
    }
    all.concat()
}

/// A name without digits, which fingerprints leave out: `aa`, `ab`, …
pub(super) fn name(at: i32) -> String {
    let letter = |number: i32| char::from(b'a' + u8::try_from(number).unwrap());
    format!("{}{}", letter(at / 10), letter(at % 10))
}

/// Runs requests over sessions, some at a time, so that their lines stand between each other in the log.
async fn replay(log: &Logged, requests: Vec<Request>, dice: &mut Dice) {
    let mut own = Vec::new();
    for _ in 0..OWN {
        own.push(log.session().await);
    }
    let mut pool = Vec::new();
    for _ in 0..POOL {
        pool.push(log.session().await);
    }
    let mut lanes: Vec<Vec<(Request, Vec<usize>)>> = (0..OWN).map(|_| Vec::new()).collect();
    for request in requests {
        let places = request.statements.iter().map(|_| dice.place(POOL)).collect();
        let lane = match request.on {
            Session::Own(number) => number % OWN,
            Session::Pool => dice.place(OWN),
        };
        lanes[lane].push((request, places));
    }
    let run = async |number: usize| {
        for (request, places) in &lanes[number] {
            for (statement, place) in request.statements.iter().zip(places) {
                let client = if request.on == Session::Pool { &pool[*place] } else { &own[number] };
                ask(client, statement, request.is_prepared).await;
            }
        }
    };
    tokio::join!(run(0), run(1), run(2), run(3), run(4), run(5));
}

/// One statement, with its last number as a parameter where it is prepared.
async fn ask(client: &Client, statement: &str, is_prepared: bool) {
    match statement.rsplit_once("id = ").filter(|_| is_prepared) {
        Some((before, value)) => {
            let value: i32 = value.parse().unwrap();
            client.query(&format!("{before}id = $1"), &[&value]).await.unwrap();
        }
        None => client.batch_execute(statement).await.unwrap(),
    }
}

/// Requests in an order that looks like chance.
fn shuffle(requests: &mut [Request], dice: &mut Dice) {
    for at in (1..requests.len()).rev() {
        requests.swap(at, dice.place(at + 1));
    }
}

/// What was found, as child and parent, and how many of them are true.
async fn judged(version: PgVersion, settings: &[(&str, &str)]) {
    let log = Logged::of(version, settings).await;
    log.sql(&tables()).await;
    let mut dice = Dice(u64::from(version.major()));
    let mut requests = Vec::new();
    let mut truth = Vec::new();
    for _ in 0..ROUNDS {
        truth = pairs::all(&mut requests, &mut dice);
        decoys::all(&mut requests, &mut dice);
    }
    shuffle(&mut requests, &mut dice);
    replay(&log, requests, &mut dice).await;
    let found = log.look("log-n-plus-one").await;
    let is_of = |text: &str, table: &str| text.split([' ', '.']).any(|word| word == table);
    let is_true = |child: &str, parent: &str| {
        truth.iter().any(|(list, lookup)| is_of(child, lookup) && is_of(parent, list))
    };
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for finding in &found {
        let (child, parent) = (words(finding, "statement"), words(finding, "statement before"));
        let into = if is_true(child, parent) { &mut right } else { &mut wrong };
        into.push(format!("{child} behind {parent}: {}", message(finding)));
    }
    let missed: Vec<_> = truth
        .iter()
        .filter(|(_, lookup)| {
            !found.iter().any(|finding| is_of(words(finding, "statement"), lookup))
        })
        .collect();
    assert_eq!((&wrong, &missed), (&Vec::new(), &Vec::new()), "found {right:#?}");
    assert_eq!((right.len(), truth.len()), (10, 10));
}

#[tokio::test]
async fn pairs_are_told_from_decoys_by_a_log_with_transactions() {
    judged(PgVersion::V18, &[("log_line_prefix", "%m [%p] %c %v %Q %q%u@%d/%a ")]).await;
}

#[tokio::test]
async fn pairs_are_told_from_decoys_by_a_log_without_numbers_of_transactions() {
    judged(PgVersion::V13, &[("log_line_prefix", "%m [%p] %c %q%u@%d/%a ")]).await;
}

#[tokio::test]
async fn pairs_are_told_from_decoys_where_statements_are_logged_without_durations() {
    let settings = [("log_statement", "all"), ("log_min_duration_statement", "-1")];
    judged(PgVersion::V18, &settings).await;
}
