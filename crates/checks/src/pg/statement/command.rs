//! What a statement is, by its first word.

/// The first word in capitals, after white space and comments; empty where there is none.
pub fn keyword(text: &str) -> String {
    let mut rest = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
    loop {
        let after = if let Some(comment) = rest.strip_prefix("--") {
            comment.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            break;
        };
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || c == '(' || c == ';');
    }
    rest.chars().take_while(char::is_ascii_alphabetic).collect::<String>().to_ascii_uppercase()
}

/// Work on whole tables that takes its time by nature: DDL, vacuum, index builds, copies, dumps.
pub fn is_maintenance(text: &str) -> bool {
    matches!(
        keyword(text).as_str(),
        "VACUUM"
            | "ANALYZE"
            | "ANALYSE"
            | "CREATE"
            | "ALTER"
            | "DROP"
            | "REINDEX"
            | "CLUSTER"
            | "REFRESH"
            | "TRUNCATE"
            | "COPY"
            | "CHECKPOINT"
            | "COMMENT"
            | "GRANT"
            | "REVOKE"
            | "EXPLAIN"
            | "SECURITY"
    )
}

/// Begin, commit and the like: as frequent as transactions are.
pub fn is_transaction_control(text: &str) -> bool {
    matches!(
        keyword(text).as_str(),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" | "SAVEPOINT" | "RELEASE"
    )
}

/// Statements whose rows go to the client. A hidden text counts as one.
pub fn is_read(text: Option<&str>) -> bool {
    text.is_none_or(|text| {
        matches!(keyword(text).as_str(), "SELECT" | "WITH" | "TABLE" | "VALUES" | "EXECUTE")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_counts_whatever_stands_before_it() {
        assert_eq!(keyword("  select 1"), "SELECT");
        assert_eq!(keyword("/* app:web */ -- x\n ( SELECT 1)"), "SELECT");
        assert_eq!(keyword("/* never ends"), "");
        assert!(is_maintenance("VACUUM (analyze) orders"));
        assert!(is_maintenance("/* nightly */ copy orders to stdout"));
        assert!(!is_maintenance("vacuumed"));
        assert!(is_transaction_control("COMMIT"));
        assert!(is_read(None) && is_read(Some("with x as (select 1) table x")));
        assert!(!is_read(Some("insert into t select 1")));
    }
}
