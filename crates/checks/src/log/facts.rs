//! What several checks of a log share: rates, groups of errors, subjects.

use dbvitals_model::{
    Evidence, Finding, Subject, Unit,
    log::{ErrorGroup, Errors, LogSnapshot, LoggedStatement, NamedCount},
};

use crate::words;

/// Findings told of one habit.
pub const LISTED: usize = 10;
/// Where numbers come from.
pub const SOURCE: &str = "the log";
/// Characters of a statement in a message.
const TEXT: usize = 90;

/// Hours the log covers, at least a quarter: a few lines of one second are no rate.
pub fn hours(log: &LogSnapshot) -> f64 {
    (log.seconds().unwrap_or(0.0) / 3600.0).max(0.25)
}

/// A number of things: `1 deadlock`, `12 deadlocks`.
pub fn things(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", words::count(number as f64), if number == 1 { one } else { many })
}

/// A statement, by its fingerprint: stable however often it is called.
pub fn statement(fingerprint: &str) -> Subject {
    Subject::new("statement", fingerprint)
}

/// A statement in one short line.
pub fn short(text: &str) -> String {
    words::shorten(text, TEXT)
}

/// Adds the text of a statement, and who calls it.
pub fn with_statement(finding: Finding, statement: &LoggedStatement) -> Finding {
    let finding = finding.with(text("statement", &statement.text));
    with_names(with_names(finding, "databases", &statement.databases), "users", &statement.users)
}

/// A text as evidence.
pub fn text(label: &str, text: &str) -> Evidence {
    Evidence::new(label, words::shorten(text, 600), Unit::Text, SOURCE)
}

/// A number as evidence.
pub fn number(label: &str, number: i64) -> Evidence {
    Evidence::new(label, number, Unit::Count, SOURCE)
}

/// Adds the first names of a tally: `app 120, web 7`.
pub fn with_names(finding: Finding, label: &str, names: &[NamedCount]) -> Finding {
    let first: Vec<String> = names
        .iter()
        .take(4)
        .map(|name| format!("{} {}", name.name, words::count(name.count as f64)))
        .collect();
    if first.is_empty() { finding } else { finding.with(text(label, &first.join(", "))) }
}

/// Groups of errors of these classes, most frequent first.
pub fn of_classes<'a>(errors: &'a Errors, classes: &[&str]) -> Vec<&'a ErrorGroup> {
    errors.groups.iter().filter(|group| classes.contains(&group.class.as_str())).collect()
}

/// How many errors the groups hold.
pub fn sum(groups: &[&ErrorGroup]) -> i64 {
    groups.iter().map(|group| group.count).sum()
}

/// Adds what is known of a group of errors.
pub fn with_error(finding: Finding, group: &ErrorGroup) -> Finding {
    let finding = finding.with(text("message", &group.example));
    let finding = match &group.statement {
        Some(statement) => finding.with(text("statement", statement)),
        None => finding,
    };
    let finding = with_names(finding, "databases", &group.databases);
    let finding = with_names(finding, "users", &group.users);
    with_names(finding, "clients", &group.clients)
}
