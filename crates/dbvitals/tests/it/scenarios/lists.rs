//! One statement for each row of a list, while an application works.

use std::time::Duration;

use dbvitals_model::{Finding, Measure, Reason, Severity};
use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::{DATABASE, Trial};
use crate::shop::{Customers, Shop, TABLES};

/// Long enough for twice as many looks as it takes to judge, on a busy machine as well.
const WINDOW: Duration = Duration::from_secs(90);

/// What is found in a window in which the shop works.
async fn found(trial: &Trial, shop: &mut Shop, customers: Customers) -> Vec<Finding> {
    let mut finding = Box::pin(trial.findings());
    loop {
        tokio::select! {
            findings = &mut finding => return findings,
            () = shop.gust(customers) => {}
        }
    }
}

async fn one_lookup_per_row_is_found_until_it_is_one_statement(version: PgVersion) {
    let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
    let trial = Trial::of("pg-n-plus-one-suspect", server).await;
    trial.sql(TABLES).await;
    let mut shop = Shop::open(&trial.server, DATABASE).await;
    shop.gust(Customers::EachRow).await;
    let skipped = trial.skipped().await;
    assert_eq!(skipped.class, Reason::NotAsked, "counters of one look are not judged");
    assert!(skipped.remedy.unwrap().contains("dbvitals query n-plus-one"));

    let trial = trial.window(WINDOW);
    let found_now = found(&trial, &mut shop, Customers::EachRow).await;
    let [one] = found_now.as_slice() else { panic!("{version:?}: one pair: {found_now:#?}") };
    assert_eq!(one.severity, Severity::Warning);
    assert!(one.message.contains("(select name from customers where id = $1)"), "{one:#?}");
    let each = one.evidence.iter().find(|it| it.label == "calls for each row of the list");
    let Measure::Number(each) = each.unwrap().value else { panic!("{one:#?}") };
    // Work half done when a look came may take some from it.
    assert!((each - 1.0).abs() <= 0.1, "{one:#?}");
    assert!(one.recommendation.contains("customers WHERE id = ANY ($1)"), "{one:#?}");
    assert!(one.impact.as_ref().is_some_and(|it| it.contains("fewer calls")), "{one:#?}");

    let found_now = found(&trial, &mut shop, Customers::Together).await;
    assert_eq!(found_now, [], "{version:?}");
}

#[tokio::test]
async fn a_page_that_asks_for_each_row_asks_once_in_the_end() {
    let (oldest, newest) = (PgVersion::OLDEST, PgVersion::NEWEST);
    tokio::join!(
        one_lookup_per_row_is_found_until_it_is_one_statement(oldest),
        one_lookup_per_row_is_found_until_it_is_one_statement(newest),
    );
}
