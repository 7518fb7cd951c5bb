//! `dbvitals query n-plus-one` beside a small application: its pair is found, what only looks like one is not.

use std::time::Duration;

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{begin, dbvitals, end, list, text};

const TABLES: &str = "\
create extension pg_stat_statements; \
create table customers (id int primary key, name text); \
create table orders (id int primary key, customer_id int not null references customers); \
create table suppliers (id int primary key, name text); \
create table products (id int primary key, supplier_id int not null references suppliers); \
insert into customers select g, 'c' from generate_series(1, 1000) g; \
insert into suppliers select g, 's' from generate_series(1, 1000) g; \
insert into orders select g, g % 1000 + 1 from generate_series(1, 5000) g; \
insert into products select g, g % 1000 + 1 from generate_series(1, 5000) g; \
analyze";

/// Numbers that look like chance and are the same each time.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

#[tokio::test]
async fn a_pair_is_found_and_a_decoy_is_silent() {
    let server = Postgres::builder(PgVersion::V16).preload("pg_stat_statements").start().unwrap();
    server.sql("postgres", TABLES).await.unwrap();
    let url = format!("shop={}", server.monitor_url("postgres"));
    let arguments =
        ["query", "n-plus-one", &url, "--interval", "20s", "--every", "400ms", "-f", "json"];
    let mut looking = begin(&arguments);
    let client = server.client("postgres").await.unwrap();
    let orders = client.prepare("select id, customer_id from orders limit $1").await.unwrap();
    let customer = client.prepare("select name from customers where id = $1").await.unwrap();
    let products = client.prepare("select id, supplier_id from products limit $1").await.unwrap();
    let supplier = client.prepare("select name from suppliers where id = $1").await.unwrap();
    let mut state = 7;
    while looking.try_wait().unwrap().is_none() {
        // A gust of pages: each lists orders and asks for each one's customer.
        for _ in 0..=next(&mut state) % 8 {
            let length = i64::try_from(5 + next(&mut state) % 30).unwrap();
            for row in client.query(&orders, &[&length]).await.unwrap() {
                client.query(&customer, &[&row.get::<_, i32>(1)]).await.unwrap();
            }
        }
        // Products are listed under the same load; suppliers are asked for by somebody else, about as often.
        for _ in 0..=next(&mut state) % 8 {
            let length = i64::try_from(5 + next(&mut state) % 30).unwrap();
            client.query(&products, &[&length]).await.unwrap();
        }
        for _ in 0..next(&mut state) % 150 {
            client.query(&supplier, &[&1_i32]).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(next(&mut state) % 250)).await;
    }
    let page = end(looking).ended(&[0]).json();
    let [pair] = list(&page, "/pairs") else { panic!("one pair: {page:#}") };
    assert!(text(pair, "/parent_text").contains("from orders"), "{pair:#}");
    assert!(text(pair, "/child_text").contains("from customers"), "{pair:#}");
    let number = |name: &str| pair[name].as_f64().unwrap();
    assert!((number("per_row") - 1.0).abs() <= 0.05, "{pair:#}");
    assert!(number("lost_requests_per_hour") > 0.0 && number("repeats") > 5.0, "{pair:#}");
    assert_eq!(text(pair, "/batched"), "SELECT … FROM customers WHERE id = ANY ($1)");
    assert!(text(pair, "/joined").contains("orders.customer_id"), "{pair:#}");
}

#[test]
fn too_short_a_look_says_so_and_no_extension_is_told() {
    let server = Postgres::builder(PgVersion::V18).start().unwrap();
    let url = server.monitor_url("postgres");
    let arguments = ["query", "n-plus-one", &url, "--interval", "1s", "-f", "json"];
    let page = dbvitals(&arguments).ended(&[3]).json();
    assert!(text(&page, "/missing/0/remedy").contains("shared_preload_libraries"), "{page:#}");
    assert_eq!(list(&page, "/pairs"), [] as [Value; 0]);
    dbvitals(&["query", "n-plus-one", &url, "--every", "1ms"]).ended(&[2]);
}
