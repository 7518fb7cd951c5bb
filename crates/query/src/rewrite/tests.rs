//! Each rule fires where its proof holds, and nowhere else.

mod conditions;
mod joins;
mod queries;
mod writes;

use super::*;
use crate::TableName;

/// Tables `t` and `u`: `id` is their key, `n` may be NULL.
struct Small;

impl Catalogue for Small {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        let column = |(name, type_name, is_not_null): (&str, &str, bool)| Column {
            name: name.into(),
            type_name: type_name.into(),
            is_not_null,
        };
        let t = [
            ("id", "integer", true),
            ("n", "integer", false),
            ("m", "integer", true),
            ("s", "smallint", false),
            ("txt", "text", false),
            ("at", "timestamp without time zone", false),
            ("tz", "timestamp with time zone", false),
            ("g", "uuid", false),
        ];
        let u = [("uid", "integer", true), ("t_id", "integer", false), ("k", "integer", true)];
        match table.name.as_str() {
            "t" => Some(t.into_iter().map(column).collect()),
            "u" => Some(u.into_iter().map(column).collect()),
            _ => None,
        }
    }

    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>> {
        match table.name.as_str() {
            "t" => vec![vec!["id".into()]],
            "u" => vec![vec!["uid".into()]],
            _ => Vec::new(),
        }
    }

    fn volatility(&self, function: &str) -> Option<Volatility> {
        match function {
            "random" => Some(Volatility::Volatile),
            "abs" => Some(Volatility::Immutable),
            _ => None,
        }
    }
}

/// The rewrite of one rule: its mark (`=` proved, `?` suggested) and its text.
fn by(rule: &str, text: &str, catalogue: &dyn Catalogue) -> Option<String> {
    let statement = Statement::parse(text).unwrap();
    let found = rewrites(&statement, catalogue).into_iter().find(|it| it.rule == rule)?;
    let mark = match found.guarantee {
        Guarantee::Equivalent { .. } => '=',
        Guarantee::Suggestion { .. } => '?',
    };
    Some(format!("{mark} {}", found.text.unwrap()))
}

/// Rule, statement, what becomes of it; empty where nothing may.
type Case = (&'static str, &'static str, &'static str);

fn cases() -> impl Iterator<Item = &'static Case> {
    conditions::CONDITIONS.iter().chain(queries::QUERIES).chain(joins::JOINS)
}

#[test]
fn rules_fire_where_their_proof_holds_and_nowhere_else() {
    for (rule, text, wanted) in cases() {
        let found = by(rule, text, &Small).unwrap_or_default();
        assert_eq!(&found, wanted, "{rule}: {text}");
    }
    for rule in RULES {
        let fires = cases().any(|case| case.0 == rule.name && !case.2.is_empty());
        assert!(fires || rule.name == "long-list-to-array", "{} is not shown", rule.name);
    }
}

#[test]
fn nothing_is_proved_of_tables_nobody_knows() {
    let proofs = [
        "not-in-to-not-exists",
        "needless-distinct",
        "unused-left-join",
        "cast-of-column",
        "union-to-union-all",
    ];
    for (rule, text, _) in cases().filter(|case| proofs.contains(&case.0)) {
        assert_eq!(by(rule, text, &()), None, "{text}");
    }
}

#[test]
fn long_lists_become_one_parameter() {
    let list: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    let arms = format!(
        "select n from t where n = $1 and id in ({}) union select k from u where k = $2",
        list.join(", ")
    );
    let found = by("long-list-to-array", &arms, &()).unwrap();
    assert_eq!(
        found,
        "? SELECT n FROM t WHERE n = $1 AND id = ANY($3) UNION SELECT k FROM u WHERE k = $2"
    );
    let text = format!("select * from t where n = $1 and id in ({})", list.join(", "));
    let found = by("long-list-to-array", &text, &()).unwrap();
    assert_eq!(found, "? SELECT * FROM t WHERE n = $1 AND id = ANY($2)");
    assert_eq!(by("long-list-to-array", "select * from t where id in (1, 2)", &()), None);
}

#[test]
fn what_was_rewritten_is_not_rewritten_again() {
    for (rule, text, wanted) in cases().filter(|case| !case.2.is_empty()) {
        let again = by(rule, &wanted[2..], &Small);
        assert_eq!(again, None, "{rule}: {text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(select |\\* |count\\(\\*\\) |from t |where |n |= 1 |or |and |not |in \\(|\\) |\\(|left join u on |group by n |having |union |distinct |coalesce\\(txt, ''\\) |at::date |'2024-01-01' |order by 1 |with x as \\(){0,16}") {
        if let Ok(statement) = Statement::parse(&text) {
            for found in rewrites(&statement, &Small) {
                proptest::prop_assert!(Statement::parse(&found.text.unwrap()).is_ok());
            }
        }
    }
}

#[test]
fn what_writes_is_searched_where_it_is_safe() {
    for (rule, text, wanted) in writes::WRITES {
        let found = by(rule, text, &Small).unwrap_or_default();
        assert_eq!(&found, wanted, "{rule}: {text}");
    }
}
