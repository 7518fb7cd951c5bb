//! What was typed, cut into statements.

use std::ops::Range;

use dbvitals_model::statement::StatementSnapshot;
use dbvitals_query::{Refused, Statement, fingerprint, script, trouble};

use crate::{args::query::analyze::Args, output, problem::Problem};

/// Bytes of one statement that is taken apart: the tree of a longer one takes gigabytes.
const LARGEST: usize = 4 << 20;

/// One statement to analyse.
pub(super) struct Given {
    /// The name findings carry: `statement 2`, or `report.sql:14`.
    pub(super) name: String,
    pub(super) text: String,
    /// Where it stands in its source, in bytes.
    pub(super) at: Range<usize>,
    /// `None` where the grammar refuses it.
    pub(super) statement: Option<Statement>,
    pub(super) fingerprint: Option<String>,
    /// Why it is refused, with the place.
    pub(super) refused: Option<String>,
}

impl Given {
    /// What its text tells.
    pub(super) fn seen(&self) -> StatementSnapshot {
        let class = self.statement.as_ref().map(|one| one.classify().class.as_str().to_owned());
        StatementSnapshot {
            text: self.text.clone(),
            at: Some(self.at.clone()),
            fingerprint: self.fingerprint.clone(),
            class,
            refused: self.refused.clone(),
            ..StatementSnapshot::default()
        }
    }

    /// Enough of it to be recognised by.
    pub(super) fn first_words(&self) -> String {
        let words = self.text.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
        let short: String = words.chars().take(60).collect();
        if short.len() < self.text.len() { format!("{short}…") } else { short }
    }
}

/// The statements of the arguments, the files, or standard input.
pub(super) fn read(args: &Args) -> Result<Vec<Given>, Problem> {
    let mut given = Vec::new();
    for text in args.sql.iter().filter(|text| *text != "-") {
        cut(text, None, &mut given);
    }
    for path in &args.file {
        cut(&output::read(path)?, Some(&path.display().to_string()), &mut given);
    }
    let wants_input =
        args.sql.iter().any(|text| text == "-") || (args.sql.is_empty() && args.file.is_empty());
    if wants_input {
        cut(&output::text("standard input", std::io::stdin())?, None, &mut given);
    }
    if given.is_empty() {
        return Err(Problem::usage("there is no statement: nothing but white space and comments")
            .hint("write it as an argument, or name a file with --file"));
    }
    Ok(given)
}

fn cut(source: &str, file: Option<&str>, into: &mut Vec<Given>) {
    for piece in script::split(source) {
        let name = match file {
            Some(file) => {
                format!("{file}:{}", script::position(source, piece.at.start).line)
            }
            None => format!("statement {}", into.len() + 1),
        };
        into.push(one(name, piece.text, piece.at));
    }
}

fn one(name: String, text: &str, at: Range<usize>) -> Given {
    if text.len() > LARGEST {
        let refused = format!(
            "the statement is {} MB long, and its text is looked into up to {} MB: load rows with COPY, and pass long lists as an \
             array in one parameter",
            text.len() >> 20,
            LARGEST >> 20
        );
        let (statement, fingerprint, text) = (None, None, text.to_owned());
        return Given { name, text, at, statement, fingerprint, refused: Some(refused) };
    }
    let (statement, refused) = match Statement::parse(text) {
        Ok(statement) => (Some(statement), None),
        Err(why) => (None, Some(words(&why, text))),
    };
    // What is to be explained is asked about by us: `EXPLAIN` around it would only be in the way.
    if let Some(inside) = statement.as_ref().and_then(Statement::inside) {
        return one(name, &inside, at);
    }
    let fingerprint = fingerprint(text).ok();
    Given { name, text: text.to_owned(), at, statement, fingerprint, refused }
}

/// Why the grammar refuses a text, with the line, the character and a mark below it.
fn words(why: &Refused, text: &str) -> String {
    match trouble(text) {
        Some(at) => format!("line {}, character {}: {why}", at.line, at.column),
        None => why.to_string(),
    }
}
