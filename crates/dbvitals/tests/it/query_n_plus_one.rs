//! `dbvitals query n-plus-one` beside a small application: its pair is found, what only looks like one is not.

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::{
    run::{begin, dbvitals, end, list, text},
    shop::{Customers, Shop, TABLES},
};

#[tokio::test]
async fn a_pair_is_found_and_a_decoy_is_silent() {
    let server = Postgres::builder(PgVersion::V16).preload("pg_stat_statements").start().unwrap();
    server.sql("postgres", TABLES).await.unwrap();
    let url = format!("shop={}", server.monitor_url("postgres"));
    let arguments =
        ["query", "n-plus-one", &url, "--interval", "40s", "--every", "800ms", "-f", "json"];
    let mut looking = begin(&arguments);
    let mut shop = Shop::open(&server, "postgres").await;
    while looking.try_wait().unwrap().is_none() {
        shop.gust(Customers::EachRow).await;
    }
    let page = end(looking).ended(&[0]).json();
    let [pair] = list(&page, "/pairs") else { panic!("one pair: {page:#}") };
    assert!(text(pair, "/parent_text").contains("from orders"), "{pair:#}");
    assert!(text(pair, "/child_text").contains("from customers"), "{pair:#}");
    let number = |name: &str| pair[name].as_f64().unwrap();
    assert!((number("per_row") - 1.0).abs() <= 0.1, "{pair:#}");
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
