//! Reads mutations of real plans until time is up: `fuzz_plan SECONDS [SEED] [FOLDER]`. A panic is a defect.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

#[path = "mutation/arguments.rs"]
mod arguments;
#[path = "mutation/bytes.rs"]
mod mutation;

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use arguments::{Arguments, verdict};
use dbvitals_query::plan;
use mutation::{Dice, mutated};

fn main() -> ExitCode {
    let Some(arguments) = Arguments::read() else {
        eprintln!("usage: fuzz_plan SECONDS [SEED] [FOLDER]");
        return ExitCode::from(2);
    };
    let here = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans"));
    let mut corpus = Vec::new();
    collect(&arguments.corpus.as_ref().map_or_else(here, PathBuf::from), &mut corpus);
    if corpus.is_empty() {
        eprintln!("no corpus");
        return ExitCode::FAILURE;
    }
    run(&arguments, &corpus)
}

fn run(Arguments { limit, seed, .. }: &Arguments, corpus: &[Vec<u8>]) -> ExitCode {
    let mut dice = Dice(*seed);
    let begun = Instant::now();
    let (mut tries, mut plans, mut refused, mut slowest) = (0_u64, 0_u64, 0_u64, Duration::ZERO);
    while begun.elapsed() < *limit {
        let text = mutated(&mut dice, corpus);
        let text = String::from_utf8_lossy(&text);
        let started = Instant::now();
        match plan::read(&text) {
            Ok(found) => {
                for plan in &found {
                    let account = plan.account();
                    assert_eq!(account.shares.len(), plan.nodes.len());
                    assert!(account.shares.iter().all(|share| (0.0..=1.0).contains(&share.ratio)));
                }
                plans += found.len() as u64;
            }
            Err(_) => refused += 1,
        }
        slowest = slowest.max(started.elapsed());
        tries += 1;
    }
    println!(
        "seed {seed}: {tries} texts, {plans} plans read, {refused} refused, slowest {slowest:?}"
    );
    verdict(slowest)
}

fn collect(folder: &Path, into: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if let Ok(bytes) = fs::read(&path) {
            into.push(bytes);
        }
    }
}
