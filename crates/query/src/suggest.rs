//! What might be written differently, though the result may change or only a person can tell: suggestions.
//!
//! Beside the provable rewrites ([`crate::rewrite`]). Each rule is a pure function of the parsed statement and of what
//! is known about its tables, which may be nothing. A rule is silent where the schema answers already (the index is
//! there, the table is small), and where the catalogue is needed and absent. A text of the whole statement is given
//! where it follows from this one.

mod always_true;
mod between;
mod case_folded;
mod clock;
mod count;
mod cross_join;
mod distinct_on;
mod either;
mod fact;
mod fan_out;
mod infix_pattern;
mod insert_columns;
mod json_contains;
mod json_field;
mod large_list;
mod look;
mod made;
mod not_in;
mod null;
mod offset;
mod outer_column;
mod padded;
mod query;
mod queue;
mod random;
mod repeated;
mod select_star;
mod undone_join;
mod unlimited;
mod unordered;
mod update_many;
mod walk;
mod whole_write;

use dbvitals_model::{Fix, Severity, statement::Suggestion};

pub use self::fact::{Expected, Facts};
use self::look::Look;
use crate::{Statement, rewrite::whole::is_writable, script};

/// A table, or what a statement yields, is large from so many rows on: below, hardly anything that could be written
/// differently is felt.
pub const LARGE_ROWS: f64 = 10_000.0;

/// One kind of suggestion.
#[derive(Debug)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// How bad it is to leave it so: a wrong result is worse than a slow one.
    pub severity: Severity,
    /// What is meant, as a sentence.
    pub about: &'static str,
    find: fn(&Look<'_>, &mut Vec<Said>),
}

/// What a rule says of one place of a statement.
#[derive(Debug, Clone, Default)]
struct Said {
    /// Bytes from the beginning of the statement; negative where the parser does not tell.
    at: i32,
    why: String,
    instead: String,
    changes: String,
    text: Option<String>,
    fix: Option<Fix>,
    needs: Vec<String>,
}

/// Does nothing: the rule looks at several statements.
fn of_scripts(_: &Look<'_>, _: &mut Vec<Said>) {}

const fn rule(
    name: &'static str,
    severity: Severity,
    about: &'static str,
    find: fn(&Look<'_>, &mut Vec<Said>),
) -> Rule {
    Rule { name, severity, about, find }
}

use Severity::{Info, Warning};

/// Every rule, those first that tell of wrong results.
pub const RULES: &[Rule] = &[
    rule("comparison-with-null", Warning, "A comparison with NULL is never true.", null::find),
    rule(
        "not-in-nullable",
        Warning,
        "NOT IN yields no row at all once its list holds a NULL.",
        not_in::find,
    ),
    rule(
        "column-of-outer-query",
        Warning,
        "The subquery shows a column of the query around it, not one of its own.",
        outer_column::find,
    ),
    rule(
        "or-always-true",
        Warning,
        "Two inequalities joined by OR are true for every value.",
        always_true::find,
    ),
    rule("implicit-cross-join", Warning, "Tables are joined by no condition.", cross_join::find),
    rule(
        "left-join-undone",
        Warning,
        "A condition in WHERE throws away the rows a LEFT JOIN is there to keep.",
        undone_join::find,
    ),
    rule(
        "update-from-many",
        Warning,
        "Several rows may match the one that is updated; which is taken is chance.",
        update_many::find,
    ),
    rule(
        "between-ends-at-midnight",
        Warning,
        "A range of times ends as its last day begins.",
        between::find,
    ),
    rule(
        "timestamp-against-clock",
        Warning,
        "A timestamp without time zone is compared with the clock.",
        clock::find,
    ),
    rule("char-n-comparison", Warning, "character(n) is padded with blanks.", padded::find),
    rule(
        "distinct-on-without-order",
        Warning,
        "DISTINCT ON without ORDER BY keeps whichever row comes first.",
        distinct_on::find,
    ),
    rule("limit-without-order", Warning, "LIMIT without ORDER BY picks any rows.", unordered::find),
    rule("write-without-where", Warning, "Every row is written.", whole_write::find),
    rule(
        "queue-without-skip-locked",
        Warning,
        "Workers of a queue wait for each other's row.",
        queue::find,
    ),
    rule(
        "offset-paging",
        Info,
        "OFFSET reads all the rows it skips, for each page again.",
        offset::find,
    ),
    rule("missing-limit", Info, "All rows of a large result go to the client.", unlimited::find),
    rule(
        "infix-pattern",
        Info,
        "A pattern that does not begin with letters needs a trigram index.",
        infix_pattern::find,
    ),
    rule(
        "case-folded-column",
        Info,
        "An index on a column does not serve lower() of it.",
        case_folded::find,
    ),
    rule(
        "json-field",
        Info,
        "A field of a JSON column is compared without an index.",
        json_field::find,
    ),
    rule(
        "json-containment",
        Info,
        "A JSON column is searched without an index.",
        json_contains::find,
    ),
    rule(
        "or-across-columns",
        Info,
        "OR of different columns needs an index for each.",
        either::find,
    ),
    rule(
        "order-by-random",
        Info,
        "ORDER BY random() reads and sorts all rows to show a few.",
        random::find,
    ),
    rule(
        "distinct-over-join",
        Info,
        "DISTINCT removes the repeats that a join has made.",
        fan_out::find,
    ),
    rule("count-whole-table", Info, "Counting a whole table reads all of it.", count::find),
    rule("large-list", Info, "A long list is written into the text.", large_list::find),
    rule(
        "repeated-lookup",
        Info,
        "One table is read row by row, a statement for each.",
        of_scripts,
    ),
    rule("select-star", Info, "All columns are shown, whichever they are.", select_star::find),
    rule(
        "insert-without-columns",
        Info,
        "The columns to fill are not named.",
        insert_columns::find,
    ),
];

/// All that may be worth writing differently in a statement, wrong results first.
pub fn suggestions(text: &str, statement: &Statement, facts: &Facts<'_>) -> Vec<Suggestion> {
    if !is_writable(statement.root()) {
        return Vec::new();
    }
    let look = walk::look(statement.root(), facts);
    let mut found = Vec::new();
    for rule in RULES {
        let mut said = Vec::new();
        (rule.find)(&look, &mut said);
        found.extend(said.into_iter().map(|said| told(rule, said, text)));
    }
    found
}

/// What is to be said of several statements together: which of them it is about, and what.
pub fn of_script(statements: &[(&str, &Statement)]) -> Vec<(usize, Suggestion)> {
    let rule = RULES.iter().find(|rule| rule.name == "repeated-lookup");
    let tell = |rule: &'static Rule| {
        let found = repeated::find(statements).into_iter();
        found.map(move |(first, said)| (first, told(rule, said, "")))
    };
    rule.into_iter().flat_map(tell).collect()
}

/// The rule of that name.
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.name == name)
}

fn told(rule: &Rule, said: Said, text: &str) -> Suggestion {
    let place = script::position(text, usize::try_from(said.at).unwrap_or_default());
    Suggestion {
        rule: rule.name.to_owned(),
        severity: rule.severity,
        line: place.line,
        column: place.column,
        what: rule.about.to_owned(),
        why: said.why,
        instead: said.instead,
        changes: said.changes,
        text: said.text,
        fix: said.fix,
        needs: said.needs,
    }
}

#[cfg(test)]
mod tests;
