//! What is sent: the opening of the transaction, the limit before each query, and our tag in it.

use std::time::Duration;

use crate::session::{Facts, Query};

/// By which our own statements are known in the server's views and logs.
const TAG: &str = "/* dbvitals */";

/// The message before each query, and the query itself.
///
/// Where the limits of all queries so far could add up to more than the budget, the server works out what is left of
/// it when the query's turn comes: the transaction's age is what was spent.
pub(super) fn texts(
    queries: &[Query],
    limit: Duration,
    budget: Option<Duration>,
) -> Vec<(String, String)> {
    let mut most = Duration::ZERO;
    let before = |query: &Query| {
        let back = "ROLLBACK TO SAVEPOINT dbvitals";
        most += query.timeout;
        let own = millis(query.timeout);
        let value = match budget.filter(|budget| most > *budget) {
            None if query.timeout == limit => return back.to_owned(),
            None => format!("'{own}'"),
            Some(budget) => {
                let spent = "(extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.now()) * 1000)::int8";
                let left = millis(budget);
                format!("greatest(1, least({own}, {left} - {spent}))::text")
            }
        };
        format!("{back}; SELECT {TAG} pg_catalog.set_config('statement_timeout', {value}, true)")
    };
    let before: Vec<String> = queries.iter().map(before).collect();
    before.into_iter().zip(queries.iter().map(|query| tagged(&query.sql))).collect()
}

/// The text with our tag behind its first word: from 18 on, `pg_stat_statements` drops what stands before that.
pub(crate) fn tagged(sql: &str) -> String {
    let sql = sql.trim_start();
    let comment = if sql.starts_with("/*") { sql.find("*/").map_or(0, |end| end + 2) } else { 0 };
    let (head, rest) = sql.split_at(comment);
    let word = rest.len() - rest.trim_start().trim_start_matches(char::is_alphanumeric).len();
    let (first, rest) = rest.split_at(word);
    format!("{head}{first} {TAG}{rest}")
}

/// The first message: a transaction that can only read, free of whatever is set for the role.
///
/// The role's own limits go first, by statements that look nothing up, so that they hardly ever strike.
pub(super) fn opening(limit: Duration, facts: &Facts) -> String {
    let mut text = "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; ".to_owned();
    if facts.version.major >= 17 {
        text.push_str("SET LOCAL transaction_timeout = 0; ");
    }
    let mut settings = vec![
        ("lock_timeout", "100"),
        ("idle_in_transaction_session_timeout", "60000"),
        ("search_path", "pg_catalog"),
        ("client_min_messages", "error"),
        ("jit", "off"),
        ("max_parallel_workers_per_gather", "0"),
        // A bound, not a demand: catalogues and statement texts are sorted and kept without temporary files.
        ("work_mem", "256MB"),
    ];
    if facts.is_sql_ascii {
        // Otherwise the server fails on stored bytes that are not UTF-8; we replace them ourselves.
        settings.push(("client_encoding", "SQL_ASCII"));
    }
    let call =
        |(name, value): &(&str, &str)| format!("pg_catalog.set_config('{name}', '{value}', true)");
    let mut calls: Vec<String> = settings.iter().map(call).collect();
    if facts.version.major >= 14 {
        // A query whose client is gone, by whatever death, ends soon. Not every platform can tell.
        let call = call(&("client_connection_check_interval", "200"));
        calls.push(format!("CASE WHEN pg_catalog.version() LIKE '%linux%' THEN {call} END"));
    }
    let (millis, calls) = (millis(limit), calls.join(", "));
    text + &format!(
        "SET LOCAL statement_timeout = {millis}; SELECT {TAG} {calls}; SAVEPOINT dbvitals"
    )
}

/// At least one: 0 would mean no limit.
fn millis(limit: Duration) -> u128 {
    limit.as_millis().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sql: &str, millis: u64) -> Query {
        Query { name: "test", sql: sql.into(), timeout: Duration::from_millis(millis) }
    }

    #[test]
    fn a_limit_is_set_only_where_it_differs() {
        let queries = [query("select 1", 500), query("/* dbvitals:two */ select 2", 800)];
        let texts = texts(&queries, Duration::from_millis(500), None);
        assert_eq!(texts[0].0, "ROLLBACK TO SAVEPOINT dbvitals");
        assert!(texts[1].0.ends_with("set_config('statement_timeout', '800', true)"));
        assert_eq!(texts[0].1, "select /* dbvitals */ 1");
        assert_eq!(texts[1].1, "/* dbvitals:two */ select /* dbvitals */ 2");
    }

    #[test]
    fn what_is_left_of_a_budget_is_reckoned_once_it_can_run_out() {
        let queries = [query("select 1", 500), query("select 2", 500), query("select 3", 500)];
        let limit = Duration::from_millis(500);
        let texts = texts(&queries, limit, Some(Duration::from_millis(1200)));
        assert_eq!(texts[1].0, "ROLLBACK TO SAVEPOINT dbvitals");
        assert!(texts[2].0.contains("greatest(1, least(500, 1200 - "), "{}", texts[2].0);
    }

    #[test]
    fn no_limit_is_never_asked_for() {
        assert_eq!(millis(Duration::ZERO), 1);
    }
}
