//! Each rule fires where its proof holds, and nowhere else.

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
const CASES: &[(&str, &str, &str)] = &[
    (
        "count-to-exists",
        "select * from t where (select count(*) from u where u.t_id = t.id) > 0",
        "= SELECT * FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)",
    ),
    (
        "count-to-exists",
        "select 1 > (select count(*) from u)",
        "= SELECT NOT EXISTS (SELECT 1 FROM u)",
    ),
    ("count-to-exists", "select * from t where (select count(*) from u) > 1", ""),
    ("count-to-exists", "select * from t where (select count(n) from t) > 0", ""),
    (
        "count-to-exists",
        "select * from t where (select count(*) from u where random() < 1) > 0",
        "",
    ),
    ("count-to-exists", "select * from t where (select count(*) from u group by k) > 0", ""),
    (
        "not-in-to-not-exists",
        "select * from t where id not in (select k from u where k > 1)",
        "= SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE k > 1 AND u.k = t.id)",
    ),
    (
        "not-in-to-not-exists",
        "select * from t where id not in (select t_id from u)",
        "? SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.t_id = t.id)",
    ),
    (
        "not-in-to-not-exists",
        "select * from t where n not in (select k from u)",
        "? SELECT * FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.k = t.n)",
    ),
    (
        "not-in-to-not-exists",
        "select * from u left join t on t.id = u.t_id where t.id not in (select k from u as x)",
        "? SELECT * FROM u LEFT JOIN t ON t.id = u.t_id WHERE NOT EXISTS (SELECT 1 FROM u x WHERE x.k = t.id)",
    ),
    ("not-in-to-not-exists", "select * from t where id not in (select id from t)", ""),
    ("not-in-to-not-exists", "select * from t where id not in (select k from u limit 1)", ""),
    (
        "or-to-in",
        "select * from t where n = 1 or 2 = n or n = 3",
        "= SELECT * FROM t WHERE n IN (1, 2, 3)",
    ),
    ("or-to-in", "select * from t where n = 1 or m = 2", ""),
    ("or-to-in", "select * from t where n = 1 or n = '2'", ""),
    ("or-to-in", "select * from t where n = 1 or n > 2", ""),
    (
        "union-to-union-all",
        "select 'a' as kind, id from t union select 'b', uid from u",
        "= SELECT 'a' AS kind, id FROM t UNION ALL SELECT 'b', uid FROM u",
    ),
    ("union-to-union-all", "select 'a' as kind, n from t union select 'b', uid from u", ""),
    ("union-to-union-all", "select id from t union select uid from u", ""),
    ("union-to-union-all", "select '1' as kind, id from t union select '01', uid from u", ""),
    ("needless-distinct", "select distinct id, n from t", "= SELECT id, n FROM t"),
    (
        "needless-distinct",
        "select distinct * from t join u on t.id = u.t_id",
        "= SELECT * FROM t JOIN u ON t.id = u.t_id",
    ),
    ("needless-distinct", "select distinct t.id from t join u on t.id = u.t_id", ""),
    ("needless-distinct", "select distinct n from t", ""),
    ("needless-distinct", "select distinct t.id, u.uid from u left join t on t.id = u.t_id", ""),
    (
        "subquery-order",
        "select * from t where id in (select k from u order by k)",
        "= SELECT * FROM t WHERE id IN (SELECT k FROM u)",
    ),
    (
        "subquery-order",
        "select count(*) from (select * from t order by n) x",
        "= SELECT count(*) FROM (SELECT * FROM t) x",
    ),
    ("subquery-order", "select array_agg(n) from (select * from t order by n) x", ""),
    ("subquery-order", "select * from (select * from t order by n) x", ""),
    ("subquery-order", "select * from t where id in (select k from u order by k limit 1)", ""),
    (
        "having-to-where",
        "select n, count(*) from t where m > 0 group by n having n > 1 and count(*) > 2",
        "= SELECT n, count(*) FROM t WHERE m > 0 AND n > 1 GROUP BY n HAVING count(*) > 2",
    ),
    ("having-to-where", "select n from t group by rollup (n) having n > 1", ""),
    ("having-to-where", "select count(*) from t having count(*) > 1", ""),
    (
        "unused-left-join",
        "select u.k from u left join t on t.id = u.t_id where u.k > 1",
        "= SELECT u.k FROM u WHERE u.k > 1",
    ),
    ("unused-left-join", "select u.k, t.n from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select u.k, n from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select * from u left join t on t.id = u.t_id", ""),
    ("unused-left-join", "select u.k from u left join t on t.n = u.t_id", ""),
    ("unused-left-join", "select u.k from u join t on t.id = u.t_id", ""),
    (
        "function-of-time-to-range",
        "select * from t where at::date = '2024-02-28'",
        "= SELECT * FROM t WHERE at >= '2024-02-28'::timestamp AND at < '2024-02-29'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where date_trunc('month', at) <= '2024-12-01'",
        "= SELECT * FROM t WHERE at < '2025-01-01'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where extract(year from at) = 2024",
        "= SELECT * FROM t WHERE at >= '2024-01-01'::timestamp AND at < '2025-01-01'::timestamp",
    ),
    (
        "function-of-time-to-range",
        "select * from t where tz::date = '2024-02-28'",
        "? SELECT * FROM t WHERE tz >= '2024-02-28'::timestamptz AND tz < '2024-02-29'::timestamptz",
    ),
    (
        "function-of-time-to-range",
        "select * from t where date_trunc('month', at) = '2024-12-02'",
        "",
    ),
    (
        "arithmetic-to-constant-side",
        "select * from t where s + 1 < 5",
        "= SELECT * FROM t WHERE s < 4",
    ),
    (
        "arithmetic-to-constant-side",
        "select * from t where n - 1 = 5",
        "? SELECT * FROM t WHERE n = 6",
    ),
    ("arithmetic-to-constant-side", "select * from t where n + 1 = -2147483648", ""),
    (
        "cast-of-column",
        "select * from t where id::text = '7'",
        "= SELECT * FROM t WHERE id = '7'::int",
    ),
    ("cast-of-column", "select * from t where id::text = '007'", ""),
    ("cast-of-column", "select * from t where id::text > '7'", ""),
    (
        "coalesce-in-condition",
        "select * from t where coalesce(txt, '') = '' and n = 1",
        "= SELECT * FROM t WHERE (txt IS NULL OR txt = '') AND n = 1",
    ),
    ("coalesce-in-condition", "select * from t where coalesce(txt, '') = 'x'", ""),
    (
        "condition-always-true",
        "select * from t where true and n = 1",
        "= SELECT * FROM t WHERE n = 1",
    ),
    ("condition-always-true", "select * from t where 1 = 1", "= SELECT * FROM t"),
    ("condition-always-true", "delete from t where true", ""),
];

#[test]
fn rules_fire_where_their_proof_holds_and_nowhere_else() {
    for (rule, text, wanted) in CASES {
        let found = by(rule, text, &Small).unwrap_or_default();
        assert_eq!(&found, wanted, "{rule}: {text}");
    }
    for rule in RULES {
        let fires = CASES.iter().any(|case| case.0 == rule.name && !case.2.is_empty());
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
    for (rule, text, _) in CASES.iter().filter(|case| proofs.contains(&case.0)) {
        assert_eq!(by(rule, text, &()), None, "{text}");
    }
}

#[test]
fn long_lists_become_one_parameter() {
    let list: Vec<String> = (0..150).map(|n| n.to_string()).collect();
    let text = format!("select * from t where n = $1 and id in ({})", list.join(", "));
    let found = by("long-list-to-array", &text, &()).unwrap();
    assert_eq!(found, "? SELECT * FROM t WHERE n = $1 AND id = ANY($2)");
    assert_eq!(by("long-list-to-array", "select * from t where id in (1, 2)", &()), None);
}

#[test]
fn what_was_rewritten_is_not_rewritten_again() {
    for (rule, text, wanted) in CASES.iter().filter(|case| !case.2.is_empty()) {
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
