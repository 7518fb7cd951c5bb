//! A throwaway PostgreSQL under an application's load: ten lookups that are run for each row of a list, and forty that
//! only look so. `mixed_load [18] [SEED] [RATE]`: version, seed, and requests against the usual (1).
//!
//! Prints the URL, then a line for each list and lookup, `pair` or `decoy` and their tables, then an empty line once
//! the load runs. It ends when standard input does.
#![expect(clippy::print_stdout, reason = "a command-line program")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "what is counted here is small and not negative"
)]
#![expect(clippy::unwrap_used, reason = "a load that cannot be made ends at once")]

use std::{env, f64::consts::TAU, io, sync::Arc, time::Duration};

use dbvitals_testkit::{PgVersion, Postgres};
use fastrand::Rng;
use tokio::time::{Instant, sleep_until};
use tokio_postgres::{Client, Statement};

/// Rows of each table.
const ROWS: i32 = 2_000;
/// Sessions that requests share.
const SESSIONS: usize = 6;
/// How long the load keeps its level.
const STEP: Duration = Duration::from_secs(2);

/// How many rows a list shows.
#[derive(Clone, Copy)]
enum Rows {
    Always(i64),
    Between(i64, i64),
    /// Mostly few, sometimes many.
    Tailed,
}

impl Rows {
    fn roll(self, dice: &mut Rng) -> i64 {
        match self {
            Self::Always(rows) => rows,
            Self::Between(low, high) => dice.i64(low..=high),
            Self::Tailed => (3.0 / dice.f64().max(0.02)) as i64,
        }
    }
}

/// What follows a list in its request.
#[derive(Clone, Copy)]
enum Then {
    Nothing,
    EachRow(i64),
    /// The other rows are cached.
    SomeRows(f64),
    Fixed(i64),
    /// All rows are worked on in the next seconds, and then the list is asked for again.
    Batch,
}

/// Lookups that come by themselves.
#[derive(Clone, Copy)]
enum Alone {
    Never,
    /// So many for each usual request, at a rate that stays.
    Steady(f64),
    /// With the load.
    Loaded(f64),
    /// With the load of another application.
    Elsewhere(f64),
}

/// A list, its lookup, and how both are used.
#[derive(Clone, Copy)]
struct Part {
    is_pair: bool,
    list: usize,
    lookup: usize,
    rate: f64,
    rows: Rows,
    then: Then,
    alone: Alone,
}

/// Ten pairs: each row once and twice, lists of one length, heavy tails, rows that are cached, a rare list, a lookup
/// that is also asked for by itself, a lookup of two lists.
fn pairs() -> Vec<Part> {
    let kinds = [
        (20.0, Rows::Between(5, 40), Then::EachRow(1), Alone::Never),
        (15.0, Rows::Always(20), Then::EachRow(1), Alone::Never),
        (20.0, Rows::Between(3, 15), Then::EachRow(2), Alone::Never),
        (25.0, Rows::Tailed, Then::EachRow(1), Alone::Never),
        (20.0, Rows::Between(10, 30), Then::SomeRows(0.7), Alone::Never),
        (2.0, Rows::Between(10, 60), Then::EachRow(1), Alone::Never),
        (20.0, Rows::Between(10, 50), Then::SomeRows(0.4), Alone::Never),
        (30.0, Rows::Between(2, 10), Then::EachRow(1), Alone::Loaded(3.0)),
        (15.0, Rows::Between(5, 25), Then::EachRow(1), Alone::Never),
        (10.0, Rows::Between(10, 40), Then::EachRow(1), Alone::Never),
    ];
    let part = |(at, (rate, rows, then, alone)): (usize, (f64, Rows, Then, Alone))| {
        // The last two lists share a lookup.
        Part { is_pair: true, list: at, lookup: at.min(8), rate, rows, then, alone }
    };
    kinds.into_iter().enumerate().map(part).collect()
}

/// Forty decoys: hot lookups, lookups under the same load, so many in each request, batch workers, tenants asked one
/// by one, pools with a load of their own.
fn decoys(dice: &mut Rng) -> Vec<Part> {
    let part = |number: usize| {
        let rate = 5.0 + 20.0 * dice.f64();
        let (rows, often) = if number.is_multiple_of(2) {
            (Rows::Between(5, 40), 22.5)
        } else {
            (Rows::Always(20), 20.0)
        };
        let (rows, then, alone) = match number {
            0..10 => (rows, Then::Nothing, Alone::Steady(often)),
            10..18 => (rows, Then::Nothing, Alone::Loaded(often)),
            18..24 => (Rows::Between(5, 40), Then::Fixed(dice.i64(2..=6)), Alone::Never),
            24..30 => (Rows::Between(200, 1_000), Then::Batch, Alone::Never),
            30..36 => (Rows::Always(12), Then::Fixed(1), Alone::Never),
            _ => (rows, Then::Nothing, Alone::Elsewhere(often)),
        };
        let at = 10 + number;
        Part { is_pair: false, list: at, lookup: at, rate, rows, then, alone }
    };
    (0..40).map(part).collect()
}

/// A name without digits: `aa`, `ab`, …
fn name(at: usize) -> String {
    let letter = |number: usize| char::from(b'a' + number as u8);
    format!("{}{}", letter(at / 10), letter(at % 10))
}

/// A lookup's table for each number, and a list's that refers to its own and to two others.
fn tables(parts: &[Part]) -> String {
    let lookup = |at: usize| {
        format!(
            "create table c_{0} (id int primary key, name text); \
             insert into c_{0} select g, 'n' || g from generate_series(0, {ROWS} - 1) g;",
            name(at)
        )
    };
    let list = |part: &Part| {
        let other = |step: usize| name((part.lookup * 7 + step * 11) % parts.len());
        format!(
            "create table l_{0} (id int primary key, state int, own int references c_{1}, \
             one int references c_{2}, two int references c_{3}); \
             insert into l_{0} select g, 1, g, g, g from generate_series(0, {ROWS} - 1) g;",
            name(part.list),
            name(part.lookup),
            other(1),
            other(2)
        )
    };
    (0..parts.len()).map(lookup).chain(parts.iter().map(list)).collect()
}

/// What one part asks, over whichever session is next.
#[derive(Clone)]
struct Asks {
    sessions: Vec<(Arc<Client>, Statement, Statement)>,
    next: usize,
}

impl Asks {
    async fn prepare(clients: &[Arc<Client>], part: &Part) -> Self {
        let list = format!(
            "select id, own, one, two from l_{} where state = $1 limit $2",
            name(part.list)
        );
        let lookup = format!("select name from c_{} where id = $1", name(part.lookup));
        let mut sessions = Vec::new();
        for client in clients {
            let (list, lookup) = (client.prepare(&list), client.prepare(&lookup));
            sessions.push((Arc::clone(client), list.await.unwrap(), lookup.await.unwrap()));
        }
        Self { sessions, next: 0 }
    }

    /// A list of so many rows, and then lookups, some time apart.
    fn request(&mut self, rows: Option<i64>, lookups: i64, apart: Duration) {
        self.next += 1;
        let (client, list, lookup) = self.sessions[self.next % self.sessions.len()].clone();
        // The last requests end as the server does.
        tokio::spawn(async move {
            if let Some(rows) = rows {
                client.query(&list, &[&1_i32, &rows]).await?;
            }
            for id in 0..lookups {
                let id = (id % i64::from(ROWS)) as i32;
                client.query(&lookup, &[&id]).await?;
                tokio::time::sleep(apart).await;
            }
            Ok::<_, tokio_postgres::Error>(())
        });
    }
}

/// A load that swings slowly, with gusts: a level for each step.
struct Load {
    seed: u64,
    begun: Instant,
}

impl Load {
    fn now(&self) -> f64 {
        let mut dice = Rng::with_seed(self.seed);
        let (phase, swings) = (dice.f64() * TAU, 1.0 + dice.f64() * 2.0);
        let step = self.begun.elapsed().as_secs() / STEP.as_secs();
        let mut gust = 1.0;
        for _ in 0..=step {
            gust = 0.7 * gust + 0.3 * (0.4 + 1.2 * dice.f64());
        }
        let swing = (phase + swings * TAU * step as f64 / 60.0).sin();
        (1.0 + 0.6 * swing) * gust
    }
}

/// Events by chance, so often a second at a load of 1.
async fn by_chance(rate: f64, load: Option<Load>, mut dice: Rng, mut event: impl FnMut(&mut Rng)) {
    // The most that a load can be; events are thinned to what it is.
    const MOST: f64 = 2.56;
    let mut at = Instant::now();
    loop {
        at += Duration::from_secs_f64(-(1.0 - dice.f64()).ln() / (rate * MOST));
        sleep_until(at).await;
        if dice.f64() * MOST < load.as_ref().map_or(1.0, Load::now) {
            event(&mut dice);
        }
    }
}

async fn run(part: Part, mut requests: Asks, seed: u64, rate: f64) {
    let begun = Instant::now();
    let load = |seed| Some(Load { seed, begun });
    let dice = Rng::with_seed(seed ^ (part.list as u64) << 8);
    let mut alone = requests.clone();
    if let Then::Batch = part.then {
        return batches(part, requests, dice).await;
    }
    let usual = part.rate * rate;
    let by_itself = match part.alone {
        Alone::Never => None,
        Alone::Steady(often) => Some((often * usual, None)),
        Alone::Loaded(often) => Some((often * usual, load(seed))),
        Alone::Elsewhere(often) => Some((often * usual, load(seed + 1_000 + part.list as u64))),
    };
    if let Some((often, load)) = by_itself {
        let dice = Rng::with_seed(seed ^ (part.list as u64) << 16);
        tokio::spawn(by_chance(often, load, dice, move |_| alone.request(None, 1, Duration::ZERO)));
    }
    let request = move |dice: &mut Rng| {
        let rows = part.rows.roll(dice);
        let calls = match part.then {
            Then::Nothing | Then::Batch => 0,
            Then::EachRow(calls) => rows * calls,
            Then::SomeRows(chance) => (0..rows).filter(|_| dice.f64() < chance).count() as i64,
            Then::Fixed(calls) => calls,
        };
        requests.request(Some(rows), calls, Duration::from_millis(dice.u64(0..4)));
    };
    by_chance(usual, load(seed), dice, request).await;
}

/// A worker that takes many rows at once and works on them until the next time.
async fn batches(part: Part, mut asks: Asks, mut dice: Rng) {
    tokio::time::sleep(Duration::from_secs_f64(10.0 * dice.f64())).await;
    loop {
        let (rows, seconds) = (part.rows.roll(&mut dice), 8.0 + 10.0 * dice.f64());
        asks.request(Some(rows), rows, Duration::from_secs_f64(seconds / rows as f64));
        tokio::time::sleep(Duration::from_secs_f64(seconds + dice.f64())).await;
    }
}

#[tokio::main]
async fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let word = |at: usize, usual: &str| words.get(at).map_or(usual, String::as_str).to_owned();
    let seed: u64 = word(1, "1").parse().unwrap();
    let rate: f64 = word(2, "1").parse().unwrap();
    let is_wanted = |it: &PgVersion| it.major().to_string() == word(0, "18");
    let version = PgVersion::ALL.into_iter().find(is_wanted).unwrap();
    let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
    let mut parts = pairs();
    parts.extend(decoys(&mut Rng::with_seed(seed)));
    server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
    server.sql("postgres", &tables(&parts)).await.unwrap();
    server.sql("postgres", "analyze").await.unwrap();
    let mut clients = Vec::new();
    for _ in 0..SESSIONS {
        clients.push(Arc::new(server.client("postgres").await.unwrap()));
    }
    println!("{}", server.monitor_url("postgres"));
    for part in &parts {
        let kind = if part.is_pair { "pair" } else { "decoy" };
        println!("{kind} l_{} c_{}", name(part.list), name(part.lookup));
    }
    let mut asks = Vec::new();
    for part in &parts {
        asks.push(Asks::prepare(&clients, part).await);
    }
    for (part, asks) in parts.into_iter().zip(asks) {
        tokio::spawn(run(part, asks, seed, rate));
    }
    println!();
    // An unreadable standard input is as good as a closed one.
    let wait = tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink()));
    let _ = wait.await;
}
