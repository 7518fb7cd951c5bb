//! Rewrites mutations of real statements until time is up: `fuzz_rewrite SECONDS [SEED] [FILE]`. A panic is a defect, and
//! so is a rewrite that does not parse.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

#[path = "mutation/arguments.rs"]
mod arguments;
#[path = "mutation/bytes.rs"]
mod mutation;
#[path = "mutation/statements.rs"]
mod statements;
#[path = "mutation/words.rs"]
mod words;

use std::{collections::BTreeMap, io, process::ExitCode};

use arguments::{Arguments, verdict};
use dbvitals_query::{
    Statement, TableName,
    rewrite::{Catalogue, Column, Guarantee, Volatility, rewrites},
};
use statements::tried;

/// Statements that each rule rewrites, and others.
const STATEMENTS: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/statements/rewritten.sql"));

fn main() -> io::Result<ExitCode> {
    let Some(arguments) = Arguments::read() else {
        eprintln!("usage: fuzz_rewrite SECONDS [SEED] [FILE]");
        return Ok(ExitCode::from(2));
    };
    let (mut proved, mut suggested) = (0_u64, 0_u64);
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    let count = tried(&[STATEMENTS], &arguments, |text, statement| {
        for found in rewrites(statement, &Small) {
            let new = found.text.unwrap_or_default();
            assert!(Statement::parse(&new).is_ok(), "{}:\n{text}\n{new}", found.rule);
            match found.guarantee {
                Guarantee::Equivalent { .. } => proved += 1,
                Guarantee::Suggestion { .. } => suggested += 1,
            }
            *rules.entry(found.rule).or_default() += 1;
        }
    })?;
    println!("{count}, {proved} rewrites called equivalent, {suggested} suggested");
    println!("{rules:?}");
    Ok(verdict(count.slowest))
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
