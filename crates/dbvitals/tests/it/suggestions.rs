//! Suggestions of `dbvitals query analyze`: each is shown, what is to be written runs, and fixes are taken up.

use dbvitals_query::suggest::RULES;
use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::dbvitals;

const SHOP: &str = "create table customers (id int primary key, name text not null, email text, referrer_id int);
    create table orders (id bigint primary key, customer_id int not null, status text, placed_at timestamp not null,
        day date, note text, code char(8), payload jsonb);
    create index orders_customer_idx on orders (customer_id);
    create table ticks (n int not null);
    insert into customers select g, 'n' || g, 'e' || g || '@x.org', nullif(g % 3, 0) from generate_series(1, 5000) g;
    insert into orders select g, g % 5000 + 1, 's' || g % 4, timestamp '2026-01-01' - g * interval '1 minute',
        date '2026-01-01' - g % 1000, md5(g::text) || md5((g + 1)::text), 'C' || g % 99,
        jsonb_build_object('kind', 'k' || g, 'more', md5(g::text)) from generate_series(1, 40000) g;
    insert into ticks select g from generate_series(1, 120000) g";

/// Of each rule a statement it speaks of.
const SHOWN: &[(&str, &str)] = &[
    ("comparison-with-null", "select id from orders where note = null and customer_id = 1"),
    (
        "not-in-nullable",
        "select count(*) from orders where customer_id not in (select referrer_id from customers)",
    ),
    (
        "column-of-outer-query",
        "select count(*) from orders where customer_id in (select customer_id from customers)",
    ),
    ("or-always-true", "select count(*) from orders where status <> 's1' or status <> 's2'"),
    (
        "implicit-cross-join",
        "select count(*) from orders o, customers c where o.id > 5 and c.name <> 'x'",
    ),
    (
        "left-join-undone",
        "select count(*) from customers c left join orders o on o.customer_id = c.id where o.status = 's1'",
    ),
    (
        "update-from-many",
        "update customers c set name = o.note from orders o where o.customer_id = c.id",
    ),
    (
        "between-ends-at-midnight",
        "select count(*) from orders where placed_at between '2025-12-01' and '2025-12-31'",
    ),
    (
        "timestamp-against-clock",
        "select count(*) from orders where placed_at > now() - interval '1 day'",
    ),
    ("char-n-comparison", "select count(*) from orders where code::text = 'C7'"),
    (
        "distinct-on-without-order",
        "select distinct on (customer_id) customer_id, status from orders",
    ),
    ("limit-without-order", "select id, note from orders limit 10"),
    ("write-without-where", "delete from orders"),
    (
        "queue-without-skip-locked",
        "select id from orders where status = 's1' order by id limit 1 for update",
    ),
    ("offset-paging", "select id from orders order by placed_at desc limit 20 offset 20000"),
    ("missing-limit", "select id, note from orders"),
    ("infix-pattern", "select count(*) from orders where note like '%a1b2c3d4%'"),
    ("case-folded-column", "select count(*) from orders where lower(note) = 'x'"),
    ("json-field", "select count(*) from orders where payload ->> 'kind' = 'k77'"),
    ("json-containment", "select count(*) from orders where payload @> '{\"kind\": \"k77\"}'"),
    ("or-across-columns", "select count(*) from orders where customer_id = 5 or note = 'x'"),
    ("order-by-random", "select id from orders order by random() limit 5"),
    (
        "distinct-over-join",
        "select distinct c.id, c.name from customers c join orders o on o.customer_id = c.id where o.status = 's1'",
    ),
    ("count-whole-table", "select count(*) from ticks"),
    ("select-star", "select * from orders where customer_id = 5"),
    ("insert-without-columns", "insert into ticks values (1)"),
];

async fn shop(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version).start().unwrap();
    server.sql("postgres", SHOP).await.unwrap();
    server.sql("postgres", "vacuum analyze").await.unwrap();
    server
}

/// The statements of a report, as JSON.
fn analysed(server: &Postgres, text: &str) -> Vec<Value> {
    let url = server.superuser_url("postgres");
    let ran = dbvitals(&["query", "analyze", "-q", "-t", &url, "--format", "json", text]);
    let report = ran.ended(&[0, 1]).json();
    report["statements"].as_array().unwrap().clone()
}

fn suggestions(statement: &Value) -> Vec<Value> {
    statement["suggestions"].as_array().cloned().unwrap_or_default()
}

fn of_rule(statement: &Value, rule: &str) -> Option<Value> {
    suggestions(statement).into_iter().find(|one| one["rule"] == rule)
}

#[tokio::test]
async fn each_rule_speaks_and_its_text_is_understood() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let server = shop(version).await;
        let texts: Vec<&str> = SHOWN.iter().map(|(_, text)| *text).collect();
        let statements = analysed(&server, &texts.join(";\n"));
        assert_eq!(statements.len(), SHOWN.len());
        for ((rule, text), statement) in SHOWN.iter().zip(&statements) {
            assert!(of_rule(statement, rule).is_some(), "{version}: {rule} is silent on {text}");
            for one in suggestions(statement) {
                if let Some(better) = one["text"].as_str() {
                    let prepared = format!("prepare p as {better}; deallocate p");
                    let taken = server.sql("postgres", &prepared).await;
                    assert!(taken.is_ok(), "{version}: {better}: {taken:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_fix_is_taken_up_and_then_nothing_is_said() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let server = shop(version).await;
        for rule in [
            "infix-pattern",
            "case-folded-column",
            "json-containment",
            "json-field",
            "or-across-columns",
        ] {
            let (_, text) = SHOWN.iter().find(|(name, _)| *name == rule).unwrap();
            let before = analysed(&server, text);
            let told = of_rule(&before[0], rule).unwrap_or_else(|| panic!("{version}: {rule}"));
            for statement in told["fix"]["statements"].as_array().unwrap() {
                server.sql("postgres", statement.as_str().unwrap()).await.unwrap();
            }
            server.sql("postgres", "vacuum analyze orders").await.unwrap();
            let after = analysed(&server, text);
            assert_eq!(of_rule(&after[0], rule), None, "{version}");
            let undo = told["fix"]["undo"][0].as_str().unwrap();
            let index = undo.trim_end_matches(';').rsplit('.').next().unwrap();
            let plan = after[0]["plans"][0]["steps"].to_string();
            assert!(plan.contains(index), "{version}: {rule}: {index} is not in {plan}");
            server.sql("postgres", undo).await.unwrap();
            assert!(
                of_rule(&analysed(&server, text)[0], rule).is_some(),
                "{version}: {rule} undone"
            );
        }
    }
}

#[tokio::test]
async fn what_is_to_be_written_means_what_is_said() {
    let server = shop(PgVersion::V16).await;
    let better = |text: &str, rule: &str| {
        let told = of_rule(&analysed(&server, text)[0], rule).unwrap();
        told["text"].as_str().unwrap().to_owned()
    };
    let count = async |text: &str| server.scalar("postgres", text).await.unwrap();
    let (_, not_in) = SHOWN[1];
    assert_eq!(count(not_in).await, "0");
    assert_ne!(count(&better(not_in, "not-in-nullable")).await, "0");
    let at_midnight =
        "select count(*) from orders where placed_at between '2025-12-01' and '2025-12-31'";
    let whole =
        "select count(*) from orders where placed_at::date between '2025-12-01' and '2025-12-31'";
    assert_ne!(count(at_midnight).await, count(whole).await);
    let better_range = better(at_midnight, "between-ends-at-midnight");
    assert_eq!(count(&better_range).await, count(whole).await);
    let distinct = SHOWN.iter().find(|(rule, _)| *rule == "distinct-over-join").unwrap().1;
    let exists = better(distinct, "distinct-over-join");
    let rows = |text: &str| format!("select count(*) || ' ' || sum(id) from ({text}) x");
    assert_eq!(count(&rows(distinct)).await, count(&rows(&exists)).await);
    // The page behind a row is the page that OFFSET would have skipped to.
    let page = "select id from orders order by placed_at desc limit 20 offset 20000";
    let behind = better(page, "offset-paging");
    let last = "select placed_at || ',' || id from orders order by placed_at desc, id desc limit 1 offset 19999";
    let last = count(last).await;
    let (at, id) = last.split_once(',').unwrap();
    let behind = behind.replace("$1", &format!("'{at}'")).replace("$2", id);
    assert_eq!(count(&rows(page)).await, count(&rows(&behind)).await);
}

#[test]
fn every_rule_is_documented_and_shown() {
    let page = include_str!("../../../../docs/guide/suggestions.md");
    let elsewhere = ["large-list", "repeated-lookup"];
    for rule in RULES {
        assert!(page.contains(&format!("| `{}` |", rule.name)), "{}", rule.name);
        let is_shown = SHOWN.iter().any(|(name, _)| *name == rule.name);
        assert!(is_shown || elsewhere.contains(&rule.name), "{}", rule.name);
    }
}

#[test]
fn texts_alone_are_judged_without_a_server() {
    let script = "delete from t; select a from t where b = null; select a from t where id = 1; \
        select a from t where id = 2; select a from t where id = 3; selec 1";
    let ran = dbvitals(&["query", "analyze", "-q", "--offline", "--format", "json", script]);
    let report = ran.ended(&[0]).json();
    let statements = report["statements"].as_array().unwrap();
    let rules: Vec<Vec<String>> = statements
        .iter()
        .map(|one| {
            suggestions(one).iter().map(|s| s["rule"].as_str().unwrap().to_owned()).collect()
        })
        .collect();
    assert_eq!(rules[0], ["write-without-where"]);
    assert_eq!(rules[1], ["comparison-with-null"]);
    assert_eq!(rules[2], ["repeated-lookup"]);
    assert!(rules[3].is_empty() && rules[4].is_empty() && rules[5].is_empty());
    assert!(statements[5]["refused"].as_str().unwrap().contains("line 1, character 1"));
    let text = dbvitals(&["query", "analyze", "--offline", "select a from t where lower(b) = $1"]);
    let text = text.ended(&[0]).out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("suggestion: case-folded-column, info, line 1"), "{text}");
    assert!(text.contains("Not checked: whether there is an index on lower(b)"), "{text}");
    assert_eq!(text.matches("no server was asked").count(), 1, "{text}");
    assert!(!text.contains("COVERAGE") && !text.contains("no findings"), "{text}");
    let both = dbvitals(&["query", "analyze", "--offline", "--analyze", "select 1"]).ended(&[2]);
    assert!(both.err.contains("--offline"), "{}", both.err);
}
