//! Reads mutations of real plans until time is up: `fuzz_plan SECONDS [SEED] [FOLDER]`. A panic is a defect.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use dbvitals_query::plan;

/// Slowest reading that is no defect: inputs are at most a few hundred kilobytes.
const SLOWEST: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let Some(Ok(seconds)) = words.first().map(|word| word.parse()) else {
        eprintln!("usage: fuzz_plan SECONDS [SEED] [FOLDER]");
        return ExitCode::from(2);
    };
    let seed = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(1);
    let here = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans"));
    let mut corpus = Vec::new();
    collect(&words.get(2).map_or(here, PathBuf::from), &mut corpus);
    if corpus.is_empty() {
        eprintln!("no corpus");
        return ExitCode::FAILURE;
    }
    run(Duration::from_secs(seconds), seed, &corpus)
}

fn run(limit: Duration, seed: u64, corpus: &[Vec<u8>]) -> ExitCode {
    let mut dice = Dice(seed.max(1));
    let begun = Instant::now();
    let (mut tries, mut plans, mut refused, mut slowest) = (0_u64, 0_u64, 0_u64, Duration::ZERO);
    while begun.elapsed() < limit {
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
    if slowest > SLOWEST { ExitCode::FAILURE } else { ExitCode::SUCCESS }
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

/// Xorshift: the same seed gives the same run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// A piece of a plan with bytes changed, pieces removed, doubled, moved and taken from other plans.
fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut text = piece(dice, corpus, 6_000);
    for _ in 0..=dice.below(12) {
        let at = dice.below(text.len() + 1);
        match dice.below(7) {
            0 if at < text.len() => text[at] = u8::try_from(dice.below(256)).unwrap_or(0),
            1 if at < text.len() => {
                const TELLING: &[u8] = b"{}[]\"':,()<>/&;-+| \n\t\\$0019.e";
                text[at] = TELLING[dice.below(TELLING.len())];
            }
            2 => {
                let end = (at + dice.below(60)).min(text.len());
                text.drain(at..end);
            }
            3 => {
                let end = (at + dice.below(300)).min(text.len());
                let again = text[at..end].repeat(1 + dice.below(40));
                text.splice(at..at, again);
            }
            4 => {
                let other = piece(dice, corpus, 500);
                text.splice(at..at, other);
            }
            5 => text.truncate(at),
            _ => {
                let end = (at + dice.below(200)).min(text.len());
                let part: Vec<u8> = text.drain(at..end).collect();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, part);
            }
        }
    }
    text
}

fn piece(dice: &mut Dice, corpus: &[Vec<u8>], longest: usize) -> Vec<u8> {
    let whole = &corpus[dice.below(corpus.len())];
    let from = dice.below(whole.len());
    // Whole documents are met often enough only when pieces begin at a line.
    let from = whole[..from].iter().rposition(|c| *c == b'\n').map_or(0, |end| end + 1);
    let end = (from + dice.below(longest)).min(whole.len());
    whole[from..end].to_vec()
}
