//! Whether a statement's text compares a column of a table by range. Words are compared, nothing is parsed:
//! enough to say that a column is asked for by range, not to say how a plan would use it.

/// Whether the text names the table and compares the column with `<`, `>`, or `BETWEEN`.
pub fn filters_by_range(text: &str, table: &str, column: &str) -> bool {
    let words = words(text);
    let named = words.iter().any(|word| is_name(word, table));
    named
        && words.iter().enumerate().any(|(at, word)| {
            let next = words.get(at + 1).map_or("", String::as_str);
            let before = at.checked_sub(1).and_then(|at| words.get(at)).map_or("", String::as_str);
            let compares = |word: &str| matches!(word, "<" | ">" | "<=" | ">=");
            is_name(word, column) && (compares(next) || compares(before) || next == "between")
        })
}

/// The word is the name, or ends in it behind a qualifier.
fn is_name(word: &str, name: &str) -> bool {
    let lower = name.to_lowercase();
    word.rsplit('.').next().is_some_and(|last| last == lower)
}

/// Names with their qualifiers, operators, everything else one character at a time; lowercase, unquoted.
fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut kind = ' ';
    for c in text.chars().filter(|c| *c != '"') {
        let now = match c {
            c if c.is_alphanumeric() || matches!(c, '_' | '.' | '$') => 'a',
            '<' | '>' | '=' | '!' => '<',
            c if c.is_whitespace() => ' ',
            _ => ',',
        };
        match found.last_mut() {
            Some(last) if now == kind && matches!(now, 'a' | '<') => last.extend(c.to_lowercase()),
            _ if now == ' ' => {}
            _ => found.push(c.to_lowercase().collect()),
        }
        kind = now;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_comparisons_on_either_side() {
        for text in [
            "select * from orders where placed_at > $1",
            "SELECT count(*) FROM app.\"orders\" o WHERE o.placed_at>=$1 AND o.placed_at<$2",
            "delete from orders where $1 > placed_at",
            "select 1 from orders where placed_at between $1 and $2",
        ] {
            assert!(filters_by_range(text, "orders", "placed_at"), "{text}");
        }
    }

    #[test]
    fn other_tables_columns_and_operators_do_not_count() {
        for text in [
            "select placed_at from orders where id > $1",
            "select * from orders where placed_at = $1",
            "select * from orders where placed_at <> $1",
            "select * from old_orders where placed_at > $1",
            "",
        ] {
            assert!(!filters_by_range(text, "orders", "placed_at"), "{text}");
        }
    }
}
