//! Statements made by mutation of real ones, until time is up.

use std::{
    fmt, fs, io,
    time::{Duration, Instant},
};

use dbvitals_query::{Statement, script};

use super::{
    arguments::Arguments,
    mutation::{Dice, mutated},
    words::reworded,
};

/// How many there were.
#[derive(Debug, Default)]
pub(crate) struct Count {
    /// Where chance began.
    seed: u64,
    /// Texts that were tried.
    texts: u64,
    /// Those that are statements.
    statements: u64,
    /// The longest time for one.
    pub(crate) slowest: Duration,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, texts, statements, slowest } = self;
        write!(f, "seed {seed}: {texts} texts, {statements} statements, slowest {slowest:?}")
    }
}

/// Hands on what is made of the statements of the file that was named, else of `scripts`, and still is one.
pub(crate) fn tried(
    scripts: &[&str],
    Arguments { limit, seed, corpus }: &Arguments,
    mut look: impl FnMut(&str, &Statement),
) -> io::Result<Count> {
    let given = corpus.as_ref().map(fs::read_to_string).transpose()?;
    let given = given.as_deref().map(|text| vec![text]);
    let pieces = given.as_deref().unwrap_or(scripts).iter().flat_map(|text| script::split(text));
    let corpus: Vec<String> = pieces.map(|piece| piece.text.to_owned()).collect();
    let bytes: Vec<Vec<u8>> = corpus.iter().map(|text| text.clone().into_bytes()).collect();
    let mut dice = Dice(*seed);
    let mut count = Count { seed: *seed, ..Count::default() };
    let begun = Instant::now();
    while begun.elapsed() < *limit {
        // Most mutations of words still are statements; few of bytes are.
        let text = if dice.below(8) == 0 {
            String::from_utf8_lossy(&mutated(&mut dice, &bytes)).into_owned()
        } else {
            reworded(&mut dice, &corpus)
        };
        let started = Instant::now();
        if let Ok(statement) = Statement::parse(&text) {
            count.statements += 1;
            look(&text, &statement);
        }
        count.slowest = count.slowest.max(started.elapsed());
        count.texts += 1;
    }
    Ok(count)
}
