//! Size and growth.

use std::time::Duration;

use dbvitals_model::Severity;

use super::{case::Case, server};

#[tokio::test]
async fn a_table_of_wide_values_is_told() {
    let case = Case::fresh(server(), "pg-toast-heavy-table").await.with("min_size_bytes", 0.0);
    case.sql(
        "create table t (id int, body text);
         alter table t alter column body set storage external;
         insert into t select g, repeat('x', 10000) from generate_series(1, 100) as g",
    )
    .await;
    let found = case.only().await;
    assert_eq!(found.severity, Severity::Info);
    assert!(found.evidence.iter().any(|e| e.label == "columns"));
    case.sql("drop table t").await;
    case.gone().await;
}

#[tokio::test]
async fn growth_shows_while_somebody_inserts() {
    let case = Case::fresh(server(), "pg-growing-table")
        .await
        .with("min_size_bytes", 0.0)
        .with("min_window_seconds", 1.0)
        .watching(Duration::from_secs(2));
    case.sql("create table t (id int); insert into t select generate_series(1, 1000)").await;
    case.sql("analyze t").await;
    let inserting = async {
        loop {
            case.sql("insert into t select generate_series(1, 100)").await;
        }
    };
    let found = tokio::select! {
        found = case.only() => found,
        () = inserting => unreachable!("it inserts for ever"),
    };
    assert!(found.message.contains("public.t grows by"), "{}", found.message);
    case.gone().await;
}
