//! Makes suggestions for mutations of real statements until time is up: `fuzz_suggest SECONDS [SEED]`. A panic is a defect,
//! and so is a text that does not parse.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a command-line program"
)]

#[path = "mutation/bytes.rs"]
mod mutation;
#[path = "../src/suggest/tests/shop.rs"]
mod shop;
#[path = "mutation/words.rs"]
mod words;

use std::{
    collections::BTreeMap,
    env,
    process::ExitCode,
    time::{Duration, Instant},
};

use dbvitals_query::{
    Statement, script,
    suggest::{Facts, of_script, suggestions},
};
use mutation::{Dice, mutated};
use words::reworded;

/// Slowest text that is no defect: they are at most a few hundred kilobytes.
const SLOWEST: Duration = Duration::from_secs(2);

const STATEMENTS: &[&str] = &[
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/suggested.sql")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/rewritten.sql")),
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some(Ok(seconds)) = words.first().map(|word| word.parse()) else {
        eprintln!("usage: fuzz_suggest SECONDS [SEED]");
        return ExitCode::from(2);
    };
    let seed: u64 = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    let pieces = STATEMENTS.iter().flat_map(|text| script::split(text));
    let corpus: Vec<String> = pieces.map(|piece| piece.text.to_owned()).collect();
    run(Duration::from_secs(seconds), seed, &corpus)
}

fn run(limit: Duration, seed: u64, corpus: &[String]) -> ExitCode {
    let mut dice = Dice(seed.max(1));
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|text| text.clone().into_bytes()).collect();
    let shop = shop::database();
    let begun = Instant::now();
    let (mut tries, mut read, mut texts, mut slowest) = (0_u64, 0_u64, 0_u64, Duration::ZERO);
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
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
            let known = Facts::new(Some(&shop), &statement.tables());
            let mut found = suggestions(&text, &statement, &known);
            found.extend(suggestions(&text, &statement, &Facts::default()));
            found.extend(
                of_script(&[(text.as_str(), &statement); 3]).into_iter().map(|(_, one)| one),
            );
            for one in found {
                if let Some(new) = one.text {
                    assert!(Statement::parse(&new).is_ok(), "{}:\n{text}\n{new}", one.rule);
                    texts += 1;
                }
                for fix in one.fix.iter().flat_map(|fix| &fix.statements) {
                    assert!(Statement::parse(fix).is_ok(), "{}:\n{text}\n{fix}", one.rule);
                }
                *rules.entry(one.rule).or_default() += 1;
            }
        }
        slowest = slowest.max(started.elapsed());
        tries += 1;
    }
    println!(
        "seed {seed}: {tries} texts, {read} statements, {texts} written anew, slowest {slowest:?}"
    );
    println!("{rules:?}");
    if slowest > SLOWEST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
