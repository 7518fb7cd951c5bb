//! Who waits for whom, and who waits for each other.

use serde_json::Value;

use super::logged::{Logged, VERSIONS, evidence, list_of_evidence, message, words};
use crate::run::text;

const TABLE: &str = "create table accounts (id int primary key, sum int); insert into accounts values (1, 0), (2, 0)";

/// Two transfers at once; `first` and `second` tell the accounts each takes in turn.
async fn transfers(log: &Logged, first: [i32; 2], second: [i32; 2]) -> usize {
    let take = |id: i32| format!("update accounts set sum = sum + 1 where id = {id}");
    let (one, two) = (log.session().await, log.session().await);
    one.batch_execute(&format!("begin; {}", take(first[0]))).await.unwrap();
    let two_begins = format!("begin; {}", take(second[0]));
    let (one_ends, two_ends) = (take(first[1]), take(second[1]));
    if first[0] == second[0] {
        // In one order the second waits for the first to end.
        let waits = async {
            log.until("count(*) = 1 from pg_stat_activity where wait_event_type = 'Lock'").await;
            one.batch_execute(&format!("{one_ends}; commit")).await
        };
        let (second, first) = tokio::join!(two.batch_execute(&two_begins), waits);
        first.and(second).unwrap();
        two.batch_execute(&format!("{two_ends}; commit")).await.unwrap();
        return 0;
    }
    two.batch_execute(&two_begins).await.unwrap();
    let waits = one.batch_execute(&one_ends);
    let follows = async {
        log.until("count(*) = 1 from pg_stat_activity where wait_event_type = 'Lock'").await;
        two.batch_execute(&two_ends).await
    };
    let (one_failed, two_failed) = tokio::join!(waits, follows);
    usize::from(one_failed.is_err()) + usize::from(two_failed.is_err())
}

#[tokio::test]
async fn deadlocks_are_told_with_both_parties_until_all_lock_in_one_order() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql(TABLE).await;
        for _ in 0..5 {
            assert_eq!(transfers(&log, [1, 2], [2, 1]).await, 1, "one is the victim");
        }
        let found = log.found("log-deadlock").await;
        assert_eq!((message(&found), text(&found, "/severity")), ("5 deadlocks", "warning"));
        let parties: Vec<&Value> = list_of_evidence(&found, "process ");
        assert_eq!(parties.len(), 2, "{found:#}");
        for account in [1, 2] {
            let said = format!("update accounts set sum = sum + 1 where id = {account}");
            assert!(parties.iter().any(|party| party["value"] == said), "{found:#}");
        }
        assert_eq!(transfers(&log, [1, 2], [1, 2]).await, 0);
        log.gone("log-deadlock").await;
    }
}

const SALE: &str = "update accounts set sum = sum - 5 where id = 1";

/// A sale that asks another service while it holds the account, or before it takes it; others want the account meanwhile.
async fn sales(log: &Logged, holds: bool) {
    for round in 1..=5 {
        let (seller, other) = (log.session().await, log.session().await);
        if holds {
            seller.batch_execute(&format!("begin; {SALE}")).await.unwrap();
            let service = async {
                log.until_logged("still waiting for ShareLock on transaction", round).await;
                seller.batch_execute("commit").await
            };
            let (sold, wanted) = tokio::join!(service, other.batch_execute(SALE));
            sold.and(wanted).unwrap();
        } else {
            seller.batch_execute("select pg_sleep(0.1)").await.unwrap();
            seller.batch_execute(&format!("begin; {SALE}; commit")).await.unwrap();
            other.batch_execute(SALE).await.unwrap();
        }
    }
}

#[tokio::test]
async fn waits_for_a_lock_are_told_with_the_holder_until_it_is_held_briefly() {
    for version in VERSIONS {
        let log = Logged::of(version, &[]).await;
        log.sql(TABLE).await;
        sales(&log, true).await;
        let found = log.found("log-lock-wait").await;
        let said = message(&found);
        assert!(said.starts_with("5 waits of up to "), "{said}");
        assert!(said.contains("ShareLock on transaction: update accounts set sum"), "{said}");
        assert_eq!(evidence(&found, "waits that ended with the lock"), 5.0, "{found:#}");
        let holder = words(&found, "last statement of the holder");
        assert!(holder.contains("update accounts set sum = sum - ?"), "{found:#}");
        sales(&log, false).await;
        log.gone("log-lock-wait").await;
    }
}
