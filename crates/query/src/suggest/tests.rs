//! Every rule speaks, and is silent where it should be.

mod odd;
mod offline;
mod shop;
mod texts;

use super::*;
use crate::Statement;

/// The names of the rules that speak of a statement, with a server's catalogue.
fn rules(text: &str) -> String {
    let statement = Statement::parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
    let shop = shop::database();
    let mut facts = Facts::new(Some(&shop), &statement.tables());
    facts.version = Some(16);
    names(&suggestions(text, &statement, &facts))
}

fn names(found: &[Suggestion]) -> String {
    let names: Vec<&str> = found.iter().map(|one| one.rule.as_str()).collect();
    names.join(" ")
}

/// What speaks, and of what; the empty word is silence.
const CASES: &[(&str, &str)] = &[
    // Comparisons with NULL.
    ("comparison-with-null", "select id from orders where note = null and customer_id = 1"),
    ("comparison-with-null", "select id from orders where note <> null and customer_id = 1"),
    ("comparison-with-null", "delete from orders where id in (1, null)"),
    ("comparison-with-null", "select count(*) from orders where id not in (1, 2, null)"),
    ("", "select id from orders where note is null and customer_id = 1"),
    ("", "update orders set note = null where id = 1"),
    ("", "select coalesce(note, null) from orders where id = 1"),
    ("", "insert into orders (id, note) values (1, null)"),
    // NOT IN.
    (
        "not-in-nullable",
        "select id from orders where id not in (select referrer_id from customers) limit all",
    ),
    (
        "not-in-nullable",
        "select count(*) from customers where referrer_id not in (select id from orders)",
    ),
    ("", "select count(*) from orders where id not in (select id from customers)"),
    (
        "",
        "select count(*) from orders where id not in (select referrer_id from customers where referrer_id is not null)",
    ),
    (
        "",
        "select count(*) from orders where id not in (select coalesce(referrer_id, 0) from customers)",
    ),
    ("", "select count(*) from orders where id not in (1, 2)"),
    (
        "not-in-nullable",
        "select count(*) from orders where id not in (select c.id from lines l left join customers c on c.id = l.n)",
    ),
    // A column of the query around it.
    (
        "column-of-outer-query",
        "select count(*) from orders where customer_id in (select customer_id from customers)",
    ),
    ("", "select count(*) from orders where customer_id in (select id from customers)"),
    (
        "",
        "select count(*) from orders o where exists (select 1 from customers where id = customer_id)",
    ),
    // Always true.
    ("or-always-true", "select count(*) from orders where status <> 'a' or status <> 'b'"),
    ("", "select count(*) from orders where status <> 'a' and status <> 'b'"),
    ("", "select count(*) from orders where status <> 'a' or note <> 'b'"),
    // Cross joins.
    ("implicit-cross-join", "select count(*) from orders, customers"),
    (
        "implicit-cross-join",
        "select count(*) from orders o, customers c where o.id > 5 and c.name = 'x'",
    ),
    (
        "implicit-cross-join",
        "select count(*) from orders o join customers c on o.id = o.customer_id",
    ),
    ("implicit-cross-join", "delete from orders using customers where customers.name = 'x'"),
    ("", "select count(*) from orders o, customers c where o.customer_id = c.id"),
    ("", "select count(*) from orders cross join customers"),
    ("", "select count(*) from orders o join customers c on true"),
    ("", "select count(*) from orders, generate_series(1, 3)"),
    ("", "select count(*) from orders, (values (1), (2)) v(n)"),
    ("", "select count(*) from orders, (select max(id) as top from customers) m"),
    (
        "",
        "with c as (select avg(id) as mean from customers) select count(*) from orders, c where orders.id > c.mean",
    ),
    (
        "",
        "select count(*) from orders o, lateral (select 1 from customers c where c.id = o.customer_id) x",
    ),
    ("", "select count(*) from orders o, customers c where o.note > 'x' and c.id = 7"),
    ("", "select count(*) from settings a, settings b"),
    ("", "select count(*) from orders o natural join customers c"),
    (
        "",
        "select count(*) from orders o, lines l, customers c where o.id = l.order_id and c.id = o.customer_id",
    ),
    (
        "",
        "select count(*) from orders o, customers c where exists (select 1 from lines l where l.order_id = o.id and l.n = c.id)",
    ),
    // LEFT JOIN undone.
    (
        "left-join-undone",
        "select count(*) from customers c left join orders o on o.customer_id = c.id where o.status = 'open'",
    ),
    (
        "",
        "select count(*) from customers c left join orders o on o.customer_id = c.id where o.id is null",
    ),
    (
        "",
        "select count(*) from customers c left join orders o on o.customer_id = c.id and o.status = 'open'",
    ),
    (
        "",
        "select count(*) from customers c left join orders o on o.customer_id = c.id where o.status = 'x' or o.id is null",
    ),
    (
        "",
        "select count(*) from customers c left join orders o on o.customer_id = c.id where c.name = 'x'",
    ),
    // UPDATE … FROM.
    (
        "update-from-many",
        "update customers c set name = o.note from orders o where o.customer_id = c.id",
    ),
    ("", "update orders o set note = c.name from customers c where c.id = o.customer_id"),
    ("", "update customers c set name = 'x' from orders o where o.customer_id = c.id"),
    // Ranges of times.
    (
        "between-ends-at-midnight",
        "select count(*) from orders where placed_at between '2024-01-01' and '2024-01-31'",
    ),
    (
        "between-ends-at-midnight",
        "select count(*) from orders where placed_at >= '2024-01-01' and placed_at <= '2024-01-31'",
    ),
    (
        "between-ends-at-midnight",
        "select count(*) from orders where placed_at between '2024-01-01' and '2024-01-31 23:59:59'",
    ),
    (
        "",
        "select count(*) from orders where placed_at >= '2024-01-01' and placed_at < '2024-02-01'",
    ),
    ("", "select count(*) from orders where day between '2024-01-01' and '2024-01-31'"),
    ("", "select count(*) from orders where placed_at between $1 and $2"),
    (
        "",
        "select count(*) from orders where placed_at between '2024-01-01 08:00' and '2024-01-01 18:00'",
    ),
    // The clock.
    (
        "timestamp-against-clock",
        "select count(*) from orders where placed_at > now() - interval '1 day'",
    ),
    ("timestamp-against-clock", "select count(*) from orders where current_timestamp < placed_at"),
    ("", "select count(*) from orders where seen_at > now() - interval '1 day'"),
    ("", "select count(*) from orders where placed_at > localtimestamp"),
    ("", "select count(*) from orders where placed_at > (now() at time zone 'UTC')"),
    ("", "select count(*) from orders where placed_at > now()::timestamp - interval '1 day'"),
    // character(n).
    ("char-n-comparison", "select count(*) from orders where code like 'A_B'"),
    ("char-n-comparison", "select count(*) from orders where code::text = 'AB'"),
    ("char-n-comparison", "select count(*) from orders o join customers c on c.name = o.code"),
    ("", "select count(*) from orders where code = 'AB'"),
    ("", "select count(*) from orders where code like 'AB%'"),
    // DISTINCT ON.
    (
        "distinct-on-without-order",
        "select distinct on (customer_id) customer_id, status from orders",
    ),
    (
        "",
        "select distinct on (customer_id) customer_id, status from orders order by customer_id, placed_at desc",
    ),
    ("", "select distinct customer_id from orders"),
    // LIMIT without ORDER BY.
    ("limit-without-order", "select id, note from orders limit 10"),
    ("limit-without-order", "select note from orders where customer_id = $1 limit $2"),
    ("", "select note from orders where id = 5 limit 1"),
    ("", "select id from orders order by id limit 10"),
    ("", "select 1 from orders where customer_id = 5 limit 1"),
    ("", "select count(*) from orders where customer_id = 5 limit 1"),
    (
        "",
        "select id from customers c where exists (select note from orders o where o.customer_id = c.id limit 1) and id = 5",
    ),
    ("", "select id, note from (select id, note from orders order by id) o limit 10"),
    ("", "delete from orders where id in (select id from orders where status = 'done' limit 1000)"),
    ("", "select * from generate_series(1, 1000) limit 10"),
    // Writes without WHERE.
    ("write-without-where", "update orders set status = 'x'"),
    ("write-without-where", "delete from orders"),
    ("", "delete from orders where true"),
    ("", "update orders set status = 'x' where id = 1"),
    ("", "update orders o set note = c.name from customers c where c.id = o.customer_id"),
    // Queues.
    (
        "queue-without-skip-locked",
        "select id from orders where status = 'new' order by id limit 1 for update",
    ),
    (
        "queue-without-skip-locked",
        "update orders set status = 'x' where id = (select id from orders where status = 'new' order by id limit 1 for update)",
    ),
    ("", "select id from orders where status = 'new' order by id limit 1 for update skip locked"),
    ("", "select id from orders where status = 'new' order by id limit 1 for update nowait"),
    ("", "select id from orders where id = $1 limit 1 for update"),
    ("", "select id from orders where status = 'new' order by id limit 1 for share"),
    // Pages.
    ("offset-paging", "select id from orders order by id limit 20 offset 100000"),
    ("offset-paging", "select id from orders order by placed_at desc, id desc limit $1 offset $2"),
    ("offset-paging", "select id from orders limit 20 offset $1"),
    ("", "select id from orders order by id limit 20 offset 40"),
    ("", "select id from orders order by id limit 20"),
    ("", "select name from settings order by name limit 20 offset $1"),
    // Large results.
    ("missing-limit", "select id, note from orders"),
    ("missing-limit", "select id, note from orders order by id"),
    ("", "select id, note from orders where id = 5"),
    ("", "select name from settings"),
    ("", "select status, count(*) from orders group by status"),
    ("", "select id, note from orders where customer_id = 5"),
    ("", "copy (select id, note from orders) to stdout"),
    ("", "declare c cursor for select id, note from orders"),
    // Patterns.
    ("infix-pattern", "select count(*) from orders where note like '%broken%'"),
    ("infix-pattern", "select count(*) from orders where note ilike 'broken%'"),
    ("infix-pattern", "select count(*) from orders where note like '%' || $1 || '%'"),
    ("infix-pattern", "select count(*) from orders where lower(note) like '%broken%'"),
    ("infix-pattern", "select count(*) from orders where note ~ 'broken'"),
    ("", "select count(*) from orders where note like '%ab%'"),
    ("", "select count(*) from orders where note like 'broken%'"),
    ("", "select count(*) from orders where note !~~ '%broken%'"),
    ("", "select count(*) from orders where note like '%broken%' and customer_id = 5"),
    ("", "select count(*) from customers where name like '%broken%'"),
    ("", "select count(*) from customers where name ilike $1"),
    ("", "select count(*) from settings where name like '%broken%'"),
    // Folded columns.
    ("case-folded-column", "select count(*) from orders where lower(note) = 'x'"),
    ("case-folded-column", "select count(*) from orders o where upper(o.note) in ($1, $2)"),
    ("", "select count(*) from customers where lower(email) = $1"),
    ("", "select count(*) from orders where lower(note) = 'x' and id = 5"),
    ("", "select count(*) from settings where lower(name) = 'x'"),
    ("", "select lower(note) from orders where customer_id = 1"),
    // JSON.
    ("json-field", "select count(*) from orders where payload ->> 'kind' = 'x'"),
    ("json-field", "select count(*) from orders where (payload -> 'a' ->> 'n')::int > 5"),
    ("json-field", "select count(*) from customers where payload ->> 'kind' = 'x'"),
    ("", "select count(*) from orders where payload ->> 'ref' = 'x'"),
    ("", "select count(*) from orders where (payload ->> 'at')::timestamptz > now()"),
    ("", "select payload ->> 'kind' from orders where id = 5"),
    ("json-containment", "select count(*) from orders where payload @> '{\"kind\": \"x\"}'"),
    ("json-containment", "select count(*) from orders where payload ? 'kind'"),
    ("", "select count(*) from customers where payload @> '{\"kind\": \"x\"}'"),
    ("json-containment", "select count(*) from customers where payload ? 'kind'"),
    ("", "select count(*) from orders where tags @> '{a}'"),
    // OR.
    ("or-across-columns", "select count(*) from orders where customer_id = 5 or note = 'x'"),
    ("", "select count(*) from orders where customer_id = 5 or id = 7"),
    ("", "select count(*) from orders where note = 'x' or note = 'y'"),
    (
        "",
        "select count(*) from orders where (note = 'x' or day = '2024-01-01') and customer_id = 5",
    ),
    ("", "select count(*) from orders where status = 'x' or note = 'y'"),
    (
        "",
        "select count(*) from orders o join customers c on c.id = o.customer_id where o.note = 'x' or c.name = 'x'",
    ),
    // Random rows.
    ("order-by-random", "select id from orders order by random() limit 5"),
    ("", "select name from settings order by random() limit 5"),
    ("", "select id from orders where customer_id = 5 order by random() limit 5"),
    // DISTINCT over a join.
    (
        "distinct-over-join",
        "select distinct c.id, c.name from customers c join orders o on o.customer_id = c.id where o.status = 'open'",
    ),
    ("", "select distinct o.status from orders o join customers c on c.id = o.customer_id"),
    ("", "select distinct c.name, o.status from customers c join orders o on o.customer_id = c.id"),
    ("", "select distinct c.id from customers c left join orders o on o.customer_id = c.id"),
    // Counting.
    ("count-whole-table", "select count(*) from orders"),
    ("count-whole-table", "select count(1) from events"),
    ("", "select count(*) from orders where status = 'open'"),
    ("", "select count(note) from orders"),
    ("", "select count(*) from settings"),
    ("", "select count(distinct id) from orders"),
    // Stars.
    ("select-star", "select * from orders where customer_id = 5"),
    (
        "select-star",
        "select o.* from orders o join customers c on c.id = o.customer_id where c.name = 'x' and o.customer_id = 7",
    ),
    (
        "",
        "select c.id from customers c where exists (select * from orders o where o.customer_id = c.id) and c.id = 5",
    ),
    ("", "with x as (select id from orders where id = 5) select * from x"),
    ("", "select * from (values (1), (2)) v"),
    ("", "select * from settings"),
    ("", "select * from lines where order_id = 5"),
    ("", "select count(*) from (select * from orders where id = 5) o"),
    ("", "select * from customers where id = 5"),
    ("select-star", "insert into lines (order_id, n, sku) select * from settings"),
    // INSERT.
    ("insert-without-columns", "insert into lines values (1, 2, 'x')"),
    ("", "insert into lines (order_id, n) values (1, 2)"),
    ("", "insert into lines default values"),
    // Views, tables of the system: nothing is known, so nothing is said of size.
    ("", "select count(*) from pg_class where relname ilike '%abc%' or relkind = 'x'"),
];

#[test]
fn rules_speak_where_they_should_and_nowhere_else() {
    let mut wrong = Vec::new();
    for (wanted, text) in CASES {
        let found = rules(text);
        if found != *wanted {
            wrong.push(format!("{text}\n    wanted {wanted:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_rule_is_shown_by_a_case() {
    let elsewhere = ["large-list", "repeated-lookup"];
    for rule in RULES.iter().filter(|rule| !elsewhere.contains(&rule.name)) {
        assert!(CASES.iter().any(|(name, _)| *name == rule.name), "{} has no case", rule.name);
    }
    let mut names: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn a_long_list_is_told_once() {
    let list = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let text = |n| format!("select id from orders where id in ({}) order by id limit 5", list(n));
    assert_eq!(rules(&text(101)), "large-list");
    assert_eq!(rules(&text(100)), "");
}

#[test]
fn what_the_planner_expects_counts_more_than_the_table() {
    let text = "select id, note from orders where customer_id = 5";
    let statement = Statement::parse(text).unwrap();
    let shop = shop::database();
    let mut facts = Facts::new(Some(&shop), &statement.tables());
    facts.expected = Some(Expected { rows: 40_000.0, width: 50.0 });
    let found = suggestions(text, &statement, &facts);
    assert_eq!(names(&found), "missing-limit");
    assert!(found[0].why.contains("40,000 rows, 1.9 MB"), "{}", found[0].why);
}
