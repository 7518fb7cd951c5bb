//! Makes suggestions for mutations of real statements until time is up: `fuzz_suggest SECONDS [SEED] [FILE]`. A panic is a
//! defect, and so is a text that does not parse.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a command-line program"
)]

#[path = "mutation/arguments.rs"]
mod arguments;
#[path = "mutation/bytes.rs"]
mod mutation;
#[path = "../src/suggest/tests/shop.rs"]
mod shop;
#[path = "mutation/statements.rs"]
mod statements;
#[path = "mutation/words.rs"]
mod words;

use std::{collections::BTreeMap, io, process::ExitCode};

use arguments::{Arguments, verdict};
use dbvitals_query::{
    Statement,
    suggest::{Facts, of_script, suggestions},
};
use statements::tried;

const STATEMENTS: &[&str] = &[
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/suggested.sql")),
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/rewritten.sql")),
];

fn main() -> io::Result<ExitCode> {
    let Some(arguments) = Arguments::read() else {
        eprintln!("usage: fuzz_suggest SECONDS [SEED] [FILE]");
        return Ok(ExitCode::from(2));
    };
    let shop = shop::database();
    let mut texts = 0_u64;
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    let count = tried(STATEMENTS, &arguments, |text, statement| {
        let known = Facts::new(Some(&shop), &statement.tables());
        let mut found = suggestions(text, statement, &known);
        found.extend(suggestions(text, statement, &Facts::default()));
        found.extend(of_script(&[(text, statement); 3]).into_iter().map(|(_, one)| one));
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
    })?;
    println!("{count}, {texts} written anew");
    println!("{rules:?}");
    Ok(verdict(count.slowest))
}
