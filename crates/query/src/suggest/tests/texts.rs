//! What is to be written instead.

use super::*;

fn one(text: &str) -> Suggestion {
    let statement = Statement::parse(text).unwrap();
    let shop = shop::database();
    let facts = Facts::new(Some(&shop), &statement.tables());
    suggestions(text, &statement, &facts)
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{text}: silence"))
}

/// Statements, and what is to be written in their place.
const WRITTEN: &[(&str, &str)] = &[
    ("select id from orders where note = null", "SELECT id FROM orders WHERE note IS NULL"),
    ("select id from orders where null <> note", "SELECT id FROM orders WHERE note IS NOT NULL"),
    (
        "select id from orders where id in (1, null)",
        "SELECT id FROM orders WHERE id IN (1) OR id IS NULL",
    ),
    (
        "select id from orders where id not in (1, null)",
        "SELECT id FROM orders WHERE id NOT IN (1)",
    ),
    (
        "select id from orders where id <> 1 or id <> 2",
        "SELECT id FROM orders WHERE id <> 1 AND id <> 2",
    ),
    (
        "select count(*) from customers c left join orders o on o.customer_id = c.id where o.status = 'open' and c.id > 7",
        "SELECT count(*) FROM customers c LEFT JOIN orders o ON o.customer_id = c.id AND o.status = 'open' WHERE c.id > 7",
    ),
    (
        "select count(*) from orders where placed_at between '2024-01-01' and '2024-01-31'",
        "SELECT count(*) FROM orders WHERE placed_at >= '2024-01-01' AND placed_at < '2024-01-31'::date + 1",
    ),
    (
        "select count(*) from orders where placed_at > now() - interval '1 day'",
        "SELECT count(*) FROM orders WHERE placed_at > now() AT TIME ZONE 'UTC' - '1 day'::interval",
    ),
    ("select id, note from orders limit 10", "SELECT id, note FROM orders ORDER BY id LIMIT 10"),
    (
        "select id from orders where status = 'new' order by id limit 1 for update",
        "SELECT id FROM orders WHERE status = 'new' ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED",
    ),
    (
        "select id from orders where customer_id > $1 order by placed_at desc limit 20 offset $2",
        "SELECT id FROM orders WHERE customer_id > $1 AND (orders.placed_at, orders.id) < ($2, $3) \
         ORDER BY orders.placed_at DESC, orders.id DESC LIMIT 20",
    ),
    (
        "select id from orders o order by placed_at desc, id limit $1 offset $2",
        "SELECT id FROM orders o WHERE o.placed_at < $2 OR (o.placed_at = $2 AND o.id > $3) \
         ORDER BY o.placed_at DESC, o.id LIMIT $1",
    ),
    ("select id, note from orders", "SELECT id, note FROM orders ORDER BY id LIMIT 100"),
    (
        "select count(*) from customers where payload ->> 'kind' = 'x'",
        "SELECT count(*) FROM customers WHERE payload @> '{\"kind\": \"x\"}'",
    ),
    (
        "select id from orders order by random() limit 5",
        "SELECT id FROM orders TABLESAMPLE system(0.250) ORDER BY random() LIMIT 5",
    ),
    (
        "select distinct c.id, c.name from customers c join orders o on o.customer_id = c.id where o.status = 'open' and c.id > 5",
        "SELECT c.id, c.name FROM customers c WHERE c.id > 5 AND EXISTS (SELECT 1 FROM orders o WHERE o.status = 'open' \
         AND o.customer_id = c.id)",
    ),
    (
        "select distinct name from customers c join orders o on o.customer_id = c.id",
        "SELECT DISTINCT name FROM customers c WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer_id = c.id)",
    ),
    (
        "select count(*) from orders",
        "SELECT reltuples::bigint AS estimate FROM pg_class WHERE oid = 'public.orders'::regclass",
    ),
    (
        "insert into lines values (1, 2, 'x')",
        "INSERT INTO lines (order_id, n, sku) VALUES (1, 2, 'x')",
    ),
    (
        "select o.*, c.name from orders o join customers c on c.id = o.customer_id where o.customer_id = 5",
        "SELECT o.id, o.customer_id, o.status, o.placed_at, o.seen_at, o.day, o.note, o.code, o.payload, o.tags, c.name \
         FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.customer_id = 5",
    ),
];

#[test]
fn texts_are_written_anew() {
    let mut wrong = Vec::new();
    for (text, wanted) in WRITTEN {
        let found = one(text).text.unwrap_or_default();
        if found != *wanted {
            wrong.push(format!("{text}\n  wanted {wanted}\n  found  {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_page_says_what_its_order_lacks() {
    for (text, wanted) in [
        ("select at from events_1 order by at offset $1", "needs a unique key"),
        ("select at from events_1 offset $1", "needs ORDER BY"),
        ("select id from orders order by note, id offset $1", "note may be NULL"),
        ("select id from orders order by placed_at nulls first, id offset $1", "NULLS FIRST"),
    ] {
        let found = one(text);
        assert_eq!((found.rule.as_str(), found.text), ("offset-paging", None), "{text}");
        assert!(found.instead.contains(wanted), "{}", found.instead);
    }
}

#[test]
fn fixes_name_their_lock_and_their_undo() {
    let fix = |text: &str| one(text).fix.unwrap();
    let trigram = fix("select count(*) from orders where note like '%broken%'");
    assert_eq!(
        trigram.statements,
        [
            "CREATE EXTENSION IF NOT EXISTS pg_trgm;",
            "CREATE INDEX CONCURRENTLY orders_note_trgm_idx ON public.orders USING gin (note gin_trgm_ops);"
        ]
    );
    assert_eq!(trigram.undo, ["DROP INDEX CONCURRENTLY public.orders_note_trgm_idx;"]);
    assert_eq!(trigram.lock, "ShareUpdateExclusiveLock");
    for (text, wanted) in [
        (
            "select count(*) from orders o where lower(o.note) = 'x'",
            "orders_note_lower_idx ON public.orders (lower(note));",
        ),
        (
            "select count(*) from orders where (payload ->> 'n')::int > 5",
            "orders_payload_n_idx ON public.orders (((payload ->> 'n')::int));",
        ),
        (
            "select count(*) from orders where payload @> '{}'::jsonb",
            "orders_payload_idx ON public.orders USING gin (payload jsonb_path_ops);",
        ),
        (
            "select count(*) from orders where customer_id = 5 or note = 'x'",
            "orders_note_idx ON public.orders (note);",
        ),
        ("select count(*) from orders where code::text = 'AB'", "ALTER COLUMN code TYPE text;"),
    ] {
        let fix = fix(text);
        assert!(fix.statements[0].ends_with(wanted), "{:?}", fix.statements);
    }
}

#[test]
fn places_are_those_of_the_text() {
    let found = one("select id\nfrom orders\nwhere note = null");
    assert_eq!((found.line, found.column), (3, 12));
    assert_eq!(found.severity, Warning);
}

#[test]
fn numbers_are_told() {
    let nulls =
        one("select count(*) from orders where id not in (select referrer_id from customers)");
    assert!(nulls.why.contains("about 25,000 of 50,000 rows"), "{}", nulls.why);
    let product = one("select count(*) from orders, customers");
    assert!(product.why.contains("200,000 × 50,000 = 10,000,000,000 rows"), "{}", product.why);
}
