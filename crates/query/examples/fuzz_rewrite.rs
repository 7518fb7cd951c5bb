//! Rewrites mutations of real statements until time is up: `fuzz_rewrite SECONDS [SEED] [FILE]`. A panic is a defect, and
//! so is a rewrite that does not parse.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

#[path = "mutation/bytes.rs"]
mod mutation;
#[path = "mutation/words.rs"]
mod words;

use std::{
    collections::BTreeMap,
    env, fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use dbvitals_query::{
    Statement, TableName,
    rewrite::{Catalogue, Column, Guarantee, Volatility, rewrites},
    script,
};
use mutation::{Dice, mutated};
use words::reworded;

/// Slowest text that is no defect: they are at most a few hundred kilobytes.
const SLOWEST: Duration = Duration::from_secs(2);

/// Statements that each rule rewrites, and others.
const STATEMENTS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/rewritten.sql"));

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some(Ok(seconds)) = words.first().map(|word| word.parse()) else {
        eprintln!("usage: fuzz_rewrite SECONDS [SEED] [FILE]");
        return ExitCode::from(2);
    };
    let seed = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    let corpus = match words.get(2).map(fs::read_to_string) {
        None => STATEMENTS.to_owned(),
        Some(Ok(text)) => text,
        Some(Err(error)) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let corpus: Vec<String> =
        script::split(&corpus).iter().map(|piece| piece.text.to_owned()).collect();
    run(Duration::from_secs(seconds), seed, &corpus)
}

fn run(limit: Duration, seed: u64, corpus: &[String]) -> ExitCode {
    let mut dice = Dice(seed.max(1));
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|text| text.clone().into_bytes()).collect();
    let begun = Instant::now();
    let (mut tries, mut read, mut slowest) = (0_u64, 0_u64, Duration::ZERO);
    let (mut proved, mut suggested) = (0_u64, 0_u64);
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    while begun.elapsed() < limit {
        // Most mutations of words still are statements; few of bytes are.
        let text = if dice.below(8) == 0 {
            String::from_utf8_lossy(&mutated(&mut dice, &bytes)).into_owned()
        } else {
            reworded(&mut dice, corpus)
        };
        let started = Instant::now();
        if let Ok(statement) = Statement::parse(&text) {
            read += 1;
            for found in rewrites(&statement, &Small) {
                let new = found.text.unwrap_or_default();
                assert!(Statement::parse(&new).is_ok(), "{}:\n{text}\n{new}", found.rule);
                match found.guarantee {
                    Guarantee::Equivalent { .. } => proved += 1,
                    Guarantee::Suggestion { .. } => suggested += 1,
                }
                *rules.entry(found.rule).or_default() += 1;
            }
        }
        slowest = slowest.max(started.elapsed());
        tries += 1;
    }
    println!(
        "seed {seed}: {tries} texts, {read} statements, {proved} rewrites called equivalent, {suggested} suggested, \
         slowest {slowest:?}"
    );
    println!("{rules:?}");
    if slowest > SLOWEST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Two tables: `id` and `uid` are their keys.
struct Small;

impl Catalogue for Small {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        let columns: &[(&str, &str, bool)] = match table.name.as_str() {
            "t" => &[
                ("id", "integer", true),
                ("n", "integer", false),
                ("m", "integer", true),
                ("s", "smallint", false),
                ("txt", "text", false),
                ("at", "timestamp without time zone", false),
                ("tz", "timestamp with time zone", false),
                ("g", "uuid", false),
            ],
            "u" => &[("uid", "integer", true), ("t_id", "integer", false), ("k", "integer", true)],
            _ => return None,
        };
        let column = |(name, type_name, is_not_null): &(&str, &str, bool)| Column {
            name: (*name).to_owned(),
            type_name: (*type_name).to_owned(),
            is_not_null: *is_not_null,
        };
        Some(columns.iter().map(column).collect())
    }

    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>> {
        let key = if table.name == "t" { "id" } else { "uid" };
        vec![vec![key.to_owned()]]
    }

    fn volatility(&self, function: &str) -> Option<Volatility> {
        (function == "random").then_some(Volatility::Volatile)
    }
}
