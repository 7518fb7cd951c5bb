//! Statements followed for a while: what was called in between, wherever the extension is installed.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use dbvitals_model::pg::series::Series;
use dbvitals_postgres::{
    Target,
    collect::{Options, Progress, follow},
};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio::runtime::Builder;

/// What followed looks tell of thirty calls that return two rows each.
async fn followed(server: &Postgres, login: &str) -> Series {
    let target = Target::parse(&server.monitor_url(login), &|_| None).unwrap();
    let is_done = AtomicBool::new(false);
    // The next look comes when the work is done.
    let on_progress = |step: Progress<'_>| {
        if matches!(step, Progress::Waiting { .. }) && !is_done.swap(true, Ordering::SeqCst) {
            let work = async {
                let client = server.client("app").await.unwrap();
                for _ in 0..30 {
                    client.simple_query("select id /* mark */ from t").await.unwrap();
                }
            };
            std::thread::scope(|scope| {
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                scope.spawn(move || runtime.block_on(work));
            });
        }
    };
    let every = Duration::from_millis(100);
    let (seen, series) =
        follow(&target, &Options::statements(), every * 5, every, &on_progress).await.unwrap();
    assert_eq!(seen.problems, Vec::<String>::new());
    let cost = seen.cost.iter().find(|cost| cost.collector == "statements_counts").unwrap();
    assert!(cost.rows > 0 && cost.elapsed_ms > 0.0, "{cost:?}");
    series
}

#[tokio::test]
async fn calls_between_two_looks_are_one_interval() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
        server.create_database("app").await.unwrap();
        server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
        server.sql("app", "create table t (id int); insert into t values (1), (2)").await.unwrap();
        for login in ["postgres", "app"] {
            let series = followed(&server, login).await;
            let is_marked =
                |text: &Option<String>| text.as_ref().is_some_and(|it| it.contains("/* mark */"));
            let line = series.lines.iter().find(|line| is_marked(&line.text)).unwrap();
            assert_eq!(line.database.as_deref(), Some("app"), "on {version}");
            assert_eq!(line.calls[0], Some(30), "on {version} from {login}");
            assert_eq!(line.rows.iter().flatten().sum::<i64>(), 60, "on {version}");
            assert_eq!(line.calls.len(), series.seconds.len());
            assert!(series.server_ms > 0.0);
            let ours = series
                .lines
                .iter()
                .any(|it| it.text.as_ref().is_some_and(|text| text.contains("statements_counts")));
            assert!(!ours, "our own looks are no line");
        }
    }
}
