//! What the predicate of a partial index says of single columns.

/// What one condition of a predicate says of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// All its values are null.
    Absent,
    /// None is null.
    Present,
    /// All its values are the same.
    OneValue,
    /// The column itself is true, or false: one value.
    Boolean,
}

/// What a predicate, as the server writes it, says of a column, by its quoted name. Only conditions joined by
/// `AND` bind; of anything else nothing is said.
pub(super) fn says(predicate: &str, column: &str) -> Option<Says> {
    conditions(predicate).into_iter().filter_map(|condition| one(condition, column)).max_by_key(
        |says| match says {
            Says::Absent => 3,
            Says::OneValue | Says::Boolean => 2,
            Says::Present => 1,
        },
    )
}

fn one(condition: &str, column: &str) -> Option<Says> {
    let bare = bare(condition);
    if bare == column {
        return Some(Says::Boolean);
    }
    if let Some(rest) = bare.strip_prefix("NOT ") {
        return (self::bare(rest) == column).then_some(Says::Boolean);
    }
    // `(note)::text = 'x'::text` tests the column, too.
    let rest = match bare.strip_prefix(&format!("({column})::")) {
        Some(cast) => cast.split_once(' ')?.1,
        None => bare.strip_prefix(column)?.strip_prefix(' ')?,
    };
    let (operator, operand) = rest.split_once(' ')?;
    match operator {
        "IS" if operand == "NULL" => Some(Says::Absent),
        "IS" if operand == "NOT NULL" => Some(Says::Present),
        "=" if operand.starts_with("ANY") => Some(Says::Present),
        "=" => Some(Says::OneValue),
        "<" | "<=" | ">" | ">=" | "<>" | "~~" | "~" => Some(Says::Present),
        _ => None,
    }
}

/// The conditions joined by `AND` at the top.
fn conditions(predicate: &str) -> Vec<&str> {
    let text = bare(predicate);
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut start) = (0_i32, false, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ' ' if !quoted && depth == 0 => {
                let rest = text.get(at..).unwrap_or_default();
                if rest.starts_with(" OR ") {
                    return Vec::new();
                }
                if rest.starts_with(" AND ") {
                    parts.push(text.get(start..at).unwrap_or_default());
                    start = at + " AND ".len();
                }
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Without the parentheses around the whole.
fn bare(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        let mut depth = 0_i32;
        let closes_early = inner.chars().any(|letter| {
            depth += match letter {
                '(' => 1,
                ')' => -1,
                _ => 0,
            };
            depth < 0
        });
        if closes_early {
            break;
        }
        text = inner.trim();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_conditions_speak_of_their_column() {
        for (predicate, expected) in [
            ("(note IS NULL)", Some(Says::Absent)),
            ("(note IS NOT NULL)", Some(Says::Present)),
            ("(note = 'open'::text)", Some(Says::OneValue)),
            ("((note)::text = 'open'::text)", Some(Says::OneValue)),
            ("((note)::text = ANY ('{a,b}'::text[]))", Some(Says::Present)),
            ("note", Some(Says::Boolean)),
            ("(NOT note)", Some(Says::Boolean)),
            ("(note > 5)", Some(Says::Present)),
            ("(note_id = 5)", None),
            ("(lower(note) = 'a'::text)", None),
            ("", None),
        ] {
            assert_eq!(says(predicate, "note"), expected, "{predicate}");
        }
    }

    #[test]
    fn only_what_is_joined_by_and_binds() {
        let both = "((kind = 3) AND (note IS NULL) AND ((x > 1) OR (y = 2)))";
        assert_eq!(says(both, "kind"), Some(Says::OneValue));
        assert_eq!(says(both, "note"), Some(Says::Absent));
        assert_eq!(says(both, "y"), None);
        assert_eq!(says("((kind = 3) OR (note IS NULL))", "kind"), None);
        assert_eq!(says("(note = 'a AND (b'::text)", "note"), Some(Says::OneValue));
        assert_eq!(says("((note IS NOT NULL) AND (note = 1))", "note"), Some(Says::OneValue));
    }
}
