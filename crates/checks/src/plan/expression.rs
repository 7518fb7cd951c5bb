//! Conditions as the server writes them, looked at just closely enough to name columns. What is not understood is
//! left alone: a wrong column is worse than none.

use dbvitals_model::{Fix, plan::Node};

use super::seen::CANDIDATE;
use crate::sql;

/// One condition on one column: `(status = 'new'::text)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) column: String,
    pub(super) operator: String,
}

/// The conditions that all have to hold: the parts between `AND` at the top.
pub(super) fn conjuncts(text: &str) -> Vec<&str> {
    let text = unwrapped(text);
    let mut parts = Vec::new();
    let mut start = 0;
    for at in top_level(text, " AND ") {
        parts.push(text[start..at].trim());
        start = at + " AND ".len();
    }
    parts.push(text[start..].trim());
    parts
}

/// The column and operator of a condition that compares one column with something that is none.
pub(super) fn term(text: &str) -> Option<Term> {
    let (left, operator) = compared(text)?;
    column(left).map(|column| Term { column, operator: operator.to_owned() })
}

/// A column that is compared in another type: `((id)::numeric = 42.0)` is `id` and `numeric`.
pub(super) fn cast_column(text: &str) -> Option<(String, String)> {
    let (left, _) = compared(text)?;
    let (inner, cast) = left.trim().rsplit_once("::")?;
    let inner = inner.trim();
    if !inner.starts_with('(') || !inner.ends_with(')') || cast.contains(['(', ')']) {
        return None;
    }
    let name = unwrapped(inner);
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    is_name(name).then(|| (name.to_owned(), cast.to_owned()))
}

/// A function of a column.
pub(super) struct Call {
    pub(super) function: String,
    pub(super) text: String,
}

/// The function of a column whose result is compared with a constant: `(lower(email) = 'x'::text)`.
pub(super) fn called(text: &str) -> Option<Call> {
    let left = compared(text)?.0.trim();
    let open = left.find('(')?;
    let function = &left[..open];
    let is_function =
        !function.is_empty() && function.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_function || !left.ends_with(')') || !mentions_column(&left[open..]) {
        return None;
    }
    Some(Call { function: function.to_owned(), text: left.to_owned() })
}

/// The left side and the operator of a comparison whose right side names no column.
fn compared(text: &str) -> Option<(&str, &'static str)> {
    let text = unwrapped(text);
    for operator in [" = ", " < ", " > ", " <= ", " >= ", " ~~ "] {
        let Some(at) = top_level(text, operator).next() else { continue };
        let (left, right) = (&text[..at], &text[at + operator.len()..]);
        return (!mentions_column(right)).then(|| (left, operator.trim()));
    }
    None
}

/// A bare column, perhaps with the alias of its table, perhaps read as text: `o.status`, `(status)::text`.
fn column(text: &str) -> Option<String> {
    let text = text.trim();
    let text = match text.strip_suffix("::text") {
        Some(inner) => unwrapped(inner.trim()),
        None => text,
    };
    let name = text.rsplit_once('.').map_or(text, |(_, name)| name);
    if let Some(inner) = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(inner.replace("\"\"", "\""));
    }
    is_name(name).then(|| name.to_owned())
}

fn is_name(text: &str) -> bool {
    let first = text.chars().next().is_some_and(|c| c.is_ascii_lowercase() || c == '_');
    first && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

/// Whether something other than constants, parameters and their types stands there.
fn mentions_column(text: &str) -> bool {
    let text = without_constants(text);
    let words =
        text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '"' | ':')));
    words.filter(|word| !word.is_empty()).any(|word| {
        let known = [
            "ANY",
            "ARRAY",
            "NULL",
            "true",
            "false",
            "InitPlan",
            "now",
            "with",
            "without",
            "time",
            "zone",
            "varying",
            "precision",
        ];
        let constant =
            word.starts_with(['$', ':']) || word.starts_with(|c: char| c.is_ascii_digit());
        let calls = word.starts_with("CURRENT_") || word.starts_with(".col");
        !(constant || calls || known.contains(&word))
    })
}

/// The text without what stands in single quotes.
pub(super) fn without_constants(text: &str) -> String {
    text.split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

/// Without the brackets around the whole.
fn unwrapped(text: &str) -> &str {
    let mut text = text.trim();
    while text.starts_with('(') && closes_at_end(text) {
        text = text[1..text.len() - 1].trim();
    }
    text
}

fn closes_at_end(text: &str) -> bool {
    let mut depth = 0_i64;
    for (at, c) in outside_quotes(text) {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1 == text.len();
        }
    }
    false
}

/// Where a word stands outside of brackets and quotes.
fn top_level<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let mut depth = 0_i64;
    outside_quotes(text).filter_map(move |(at, c)| {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        (depth == 0 && text[at..].starts_with(word)).then_some(at)
    })
}

fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let mut open = None;
    text.char_indices().filter(move |(_, c)| match open {
        Some(quote) => {
            if *c == quote {
                open = None;
            }
            false
        }
        None if matches!(c, '\'' | '"') => {
            open = Some(*c);
            false
        }
        None => true,
    })
}

/// Columns for an index that answers a condition: those compared for equality, then one of a range.
pub(super) fn index_columns(condition: &str) -> Vec<String> {
    let terms: Vec<Term> = conjuncts(condition).into_iter().filter_map(term).collect();
    let mut columns: Vec<String> = Vec::new();
    let mut add = |column: &String| {
        if columns.len() < 4 && !columns.contains(column) {
            columns.push(column.clone());
        }
    };
    terms.iter().filter(|term| term.operator == "=").for_each(|term| add(&term.column));
    let range = |term: &&Term| matches!(term.operator.as_str(), "<" | ">" | "<=" | ">=");
    if let Some(term) = terms.iter().find(range) {
        add(&term.column);
    }
    columns
}

/// The table of a node as a statement names it.
pub(super) fn table_of(node: &Node) -> Option<String> {
    let relation = node.relation.as_ref()?;
    Some(match &node.schema {
        Some(schema) => sql::qualified(schema, relation),
        None => sql::ident(relation),
    })
}

/// `CREATE INDEX CONCURRENTLY` of a node's table over these columns.
pub(super) fn create_index(node: &Node, columns: &[String]) -> Option<Fix> {
    if columns.is_empty() {
        return None;
    }
    let keys: Vec<String> = columns.iter().map(|column| sql::ident(column)).collect();
    create_index_on(node, &columns.join("_"), &keys.join(", "))
}

/// The same over any expressions, which the name of the index is made of.
pub(super) fn create_index_on(node: &Node, hint: &str, keys: &str) -> Option<Fix> {
    let table = table_of(node)?;
    let relation = node.relation.as_ref()?;
    let mut name = format!("{relation}_{hint}_idx");
    if name.len() > 60 {
        name = name.chars().take(56).collect::<String>() + "_idx";
    }
    let dropped = match &node.schema {
        Some(schema) => sql::qualified(schema, &name),
        None => sql::ident(&name),
    };
    let create = format!("CREATE INDEX CONCURRENTLY {} ON {table} ({keys});", sql::ident(&name));
    Some(
        Fix::new(CANDIDATE, [create])
            .locking(
                "ShareUpdateExclusiveLock",
                format!("other DDL and VACUUM on {table} while it is built"),
            )
            .undone_by([format!("DROP INDEX CONCURRENTLY {dropped};")]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_from_plain_comparisons_only() {
        let all = "((note ~~ '%x AND y%'::text) AND (o.total > 990) AND ((status)::text = 'a''b'::text) AND (k = $1))";
        assert_eq!(conjuncts(all).len(), 4);
        assert_eq!(index_columns(all), ["status", "k", "total"]);
        for none in [
            "(lower(email) = 'x'::text)",
            "(a = b)",
            "((a = 1) OR (b = 2))",
            "(NOT (hashed SubPlan 1))",
            "(a <> 1)",
            "((a)::numeric = 1.0)",
            "",
            "((((",
        ] {
            assert_eq!(index_columns(none), [""; 0], "{none}");
        }
        assert_eq!(index_columns("(\"Col 'x'\" = 5)"), ["Col 'x'"]);
        assert_eq!(index_columns("(a = ANY ('{1,2}'::integer[]))"), ["a"]);
        assert_eq!(
            index_columns("(created >= '2024-01-01 00:00:00+00'::timestamp with time zone)"),
            ["created"]
        );
    }

    #[test]
    fn an_index_has_a_name_and_a_way_back() {
        let mut node = Node::new("Seq Scan");
        node.relation = Some("Orders".to_owned());
        node.schema = Some("app".to_owned());
        let fix = create_index(&node, &["status".to_owned()]).unwrap();
        assert_eq!(
            fix.statements,
            ["CREATE INDEX CONCURRENTLY \"Orders_status_idx\" ON app.\"Orders\" (status);"]
        );
        assert_eq!(fix.undo, ["DROP INDEX CONCURRENTLY app.\"Orders_status_idx\";"]);
        assert!(create_index(&node, &[]).is_none());
    }
}
