//! Conditions as the server writes them, looked at just closely enough to name columns. What is not understood is
//! left alone: a wrong column is worse than none.

use dbvitals_model::plan::Node;

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

/// The column of a node's own table and the operator of a condition that compares it with what is known before the
/// table is read: a constant, or a column of another table.
fn term(node: &Node, text: &str) -> Option<Term> {
    if let Some((left, operator)) = compared(text) {
        return column(left).map(|column| Term { column, operator: operator.to_owned() });
    }
    let own = format!("{}.", node.alias.as_ref().or(node.relation.as_ref())?);
    let (left, operator, right) = sides(text)?;
    let is_own = |side: &str| side.trim_start_matches('(').starts_with(&own);
    let names_own = |side: &str| {
        side.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '"')))
            .any(|word| word.starts_with(&own))
    };
    let (side, operator) = if is_own(left) && !names_own(right) {
        (left, operator)
    } else if is_own(right) && !names_own(left) {
        (right, turned(operator))
    } else {
        return None;
    };
    column(side).map(|column| Term { column, operator: operator.to_owned() })
}

/// The operator with its sides changed.
fn turned(operator: &str) -> &str {
    match operator {
        "<" => ">",
        ">" => "<",
        "<=" => ">=",
        ">=" => "<=",
        other => other,
    }
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

/// A function of a column, which stands there without its table.
pub(super) struct Call {
    pub(super) function: String,
    pub(super) text: String,
}

/// The function of a column whose result is compared with a constant: `(lower(email) = 'x'::text)`.
pub(super) fn called(text: &str) -> Option<Call> {
    let left = compared(text)?.0.trim();
    let open = left.find('(')?;
    let function = left[..open].trim_matches('"');
    let is_function =
        !function.is_empty() && function.chars().all(|c| c.is_alphanumeric() || c == '_');
    if !is_function || !left.ends_with(')') || !mentions_column(&left[open..]) {
        return None;
    }
    Some(Call { function: function.to_owned(), text: unqualified(left) })
}

/// The left side and the operator of a comparison whose right side names no column.
fn compared(text: &str) -> Option<(&str, &'static str)> {
    let (left, operator, right) = sides(text)?;
    (!mentions_column(right)).then_some((left, operator))
}

/// Whether it is an equality of plain columns of two tables.
pub(super) fn ties(text: &str) -> bool {
    let table = |side: &str| Some(side.trim().rsplit_once('.')?.0.to_owned());
    sides(text).is_some_and(|(left, operator, right)| {
        let plain = |side: &str| !side.contains("::") && column(side).is_some();
        operator == "=" && plain(left) && plain(right) && table(left) != table(right)
    })
}

/// Whether every arm of a condition is a `LIKE` whose pattern begins with something fixed.
pub(super) fn is_prefix_pattern(text: &str) -> bool {
    let text = unwrapped(text);
    let ends = top_level(text, " OR ").chain([text.len()]);
    let mut start = 0;
    for end in ends.collect::<Vec<_>>() {
        let arm = unwrapped(&text[start..end]);
        let pattern = sides(arm).filter(|(left, op, _)| *op == "~~" && column(left).is_some());
        let Some((_, _, pattern)) = pattern else { return false };
        let fixed = pattern.strip_prefix('\'').and_then(|it| it.chars().next());
        if fixed.is_none_or(|c| matches!(c, '%' | '_' | '\'')) {
            return false;
        }
        start = (end + " OR ".len()).min(text.len());
    }
    true
}

/// Both sides of a comparison, and its operator between them.
fn sides(text: &str) -> Option<(&str, &'static str, &str)> {
    let text = unwrapped(text);
    [" = ", " < ", " > ", " <= ", " >= ", " ~~ "].into_iter().find_map(|operator| {
        let at = top_level(text, operator).next()?;
        Some((&text[..at], operator.trim(), &text[at + operator.len()..]))
    })
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
            "current_setting",
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

/// A condition with its columns bare: `(d.tenant = 7)` is `tenant = 7`. Only names are looked at, not constants.
pub(super) fn unqualified(text: &str) -> String {
    let text = unwrapped(text);
    let mut out = String::with_capacity(text.len());
    for (place, part) in text.split('\'').enumerate() {
        if place > 0 {
            out.push('\'');
        }
        if place % 2 == 1 {
            out.push_str(part);
            continue;
        }
        let mut word = String::new();
        for c in part.chars() {
            match c {
                '.' if is_name(&word) => word.clear(),
                _ if c.is_alphanumeric() || matches!(c, '_' | '$') => word.push(c),
                _ => {
                    out.push_str(&word);
                    word.clear();
                    out.push(c);
                }
            }
        }
        out.push_str(&word);
    }
    out
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

/// Columns of a node's table for an index that answers a condition: those compared for equality, then one of a range.
pub(super) fn index_columns(node: &Node, condition: &str) -> Vec<String> {
    let terms: Vec<Term> =
        conjuncts(condition).into_iter().filter_map(|it| term(node, it)).collect();
    let mut columns: Vec<String> = Vec::new();
    let equal = terms.iter().filter(|term| term.operator == "=");
    equal.for_each(|term| add_to(&mut columns, &term.column));
    let range = |term: &&Term| matches!(term.operator.as_str(), "<" | ">" | "<=" | ">=");
    let is_bounded = |term: &Term| {
        let same = |it: &&Term| it.column == term.column && range(it);
        let below = |it: &Term| it.operator.starts_with('<');
        terms.iter().filter(same).any(|it| below(it) != below(term))
    };
    // A range with one end, among other conditions, may hold for every row.
    let is_alone = conjuncts(condition).len() == 1 || !columns.is_empty();
    let ranges: Vec<&Term> = terms.iter().filter(range).collect();
    let best = ranges.iter().find(|term| is_bounded(term));
    if let Some(term) = best.or(ranges.first().filter(|_| is_alone)) {
        add_to(&mut columns, &term.column);
    }
    columns
}

fn add_to(columns: &mut Vec<String>, column: &str) {
    if columns.len() < 4 && !columns.iter().any(|it| it == column) {
        columns.push(column.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_from_plain_comparisons_only() {
        let all = "((note ~~ '%x AND y%'::text) AND (o.total > 990) AND ((status)::text = 'a''b'::text) AND (k = $1))";
        let node = Node::new("Seq Scan");
        let index_columns = |condition| index_columns(&node, condition);
        assert_eq!(conjuncts(all).len(), 4);
        assert_eq!(index_columns(all), ["status", "k", "total"]);
        assert_eq!(index_columns("((a < 9) AND (b >= 1) AND (b < 7))"), ["b"]);
        for none in [
            "((size >= 1) AND (((brand = 'x'::text) AND (size <= 5)) OR (brand = 'y'::text)))",
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
    fn what_is_tied_to_a_row_of_another_table_can_be_looked_up() {
        let mut node = Node::new("Seq Scan");
        node.relation = Some("lines".to_owned());
        node.alias = Some("l".to_owned());
        let of = |condition| index_columns(&node, condition);
        assert_eq!(
            of(
                "((l.shipped >= '1994-01-01'::date) AND (p.part = l.part) AND (l.supplier = p.supplier))"
            ),
            ["part", "supplier", "shipped"]
        );
        assert_eq!(of("(p.shipped > l.ordered)"), ["ordered"]);
        for none in ["(l.shipped > l.ordered)", "(p.a = p.b)", "(l.a = (p.b + l.c))", "(a = b)"] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn columns_lose_their_table_and_constants_stay() {
        assert_eq!(unqualified("(d.tenant = app.own(d.k, 1.5))"), "tenant = own(k, 1.5)");
        assert_eq!(unqualified("(d.note = 'd.x it''s y.z'::text)"), "note = 'd.x it''s y.z'::text");
        assert_eq!(
            called("(lower((u.email)::text) = 'x'::text)").unwrap().text,
            "lower((email)::text)"
        );
    }
}
