//! Two looks at a server that works in between.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use dbvitals_postgres::{
    Target,
    collect::{Options, Progress, collect},
};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio::runtime::Builder;

#[tokio::test]
async fn what_happens_in_between_is_counted() {
    for version in PgVersion::ALL {
        let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
        server.create_database("app").await.unwrap();
        server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
        server.sql("app", "create table t (id int); insert into t values (1), (2)").await.unwrap();
        read_often(&server, 5).await;
        server.sql("app", "create table other ()").await.unwrap();
        // Creating a database made checkpoints until 14, told late like every counter there.
        let before = if version.major() < 15 { 2 } else { 0 };
        settled(&server, version, 5, before).await;

        let target = Target::parse(&server.monitor_url("postgres"), &|_| None).unwrap();
        let options = Options { window: Some(Duration::from_secs(2)), ..Options::default() };
        let is_done = AtomicBool::new(false);
        // The window stays open until the work is done.
        let on_progress = |step: Progress<'_>| {
            if matches!(step, Progress::Waiting { .. }) && !is_done.swap(true, Ordering::SeqCst) {
                let work = async {
                    read_often(&server, 30).await;
                    let gone = "select count(*) = 0 from pg_stat_activity where datname = 'app'";
                    server.wait_until("postgres", gone).await.unwrap();
                    server.sql("postgres", "checkpoint").await.unwrap();
                    settled(&server, version, 35, before + 1).await;
                };
                std::thread::scope(|scope| {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    scope.spawn(move || runtime.block_on(work));
                });
            }
        };
        let seen = collect(&target, &options, &on_progress).await;
        let seen = seen.unwrap();
        assert_eq!(seen.problems, Vec::<String>::new());
        let window = seen.snapshot.window.value().unwrap();
        assert!(window.seconds >= 2.0, "{}", window.seconds);
        let counted = window
            .statements
            .iter()
            .find(|row| row.text.as_ref().is_some_and(|text| text.contains("/* mark */")))
            .unwrap();
        assert_eq!((counted.calls, counted.rows), (30, 60), "on {version}");
        assert_eq!(window.series, None, "too short to be cut into intervals");
        assert!(window.total_calls >= 30 && window.total_exec_time_ms > 0.0);
        let checkpoints = window.checkpoints.as_ref().unwrap();
        assert_eq!((checkpoints.requested, checkpoints.timed), (1, 0), "on {version}");
        let app = window.databases.iter().find(|row| row.name == "app").unwrap();
        assert!(app.commits >= 30, "{}", app.commits);
        let (_, relations) = window.relations.iter().find(|(name, _)| name == "app").unwrap();
        let t = relations.iter().find(|row| row.name == "t").unwrap();
        assert_eq!((t.seq_scans, t.seq_rows_read, t.inserts), (30, 60, 0));
        let sampled = window.sampled.as_ref().unwrap();
        assert!(sampled.looks >= 1 && sampled.failed == 0 && sampled.lock_waits.waits == 0);
        assert_eq!(sampled.trees, []);
        assert_eq!(window.wal.is_some(), version.major() >= 14);
    }
}

/// Over a connection that ends with it: a session tells its counters at the latest then.
async fn read_often(server: &Postgres, times: usize) {
    let client = server.client("app").await.unwrap();
    for _ in 0..times {
        client.simple_query("select id /* mark */ from t").await.unwrap();
    }
}

/// Waits until the server's statistics tell of that many scans and of at least that many checkpoints.
async fn settled(server: &Postgres, version: PgVersion, scans: u32, checkpoints: u32) {
    let told = format!("select seq_scan >= {scans} from pg_stat_all_tables where relname = 't'");
    server.wait_until("app", &told).await.unwrap();
    let (view, column) = if version.major() >= 17 {
        ("pg_stat_checkpointer", "num_requested")
    } else {
        ("pg_stat_bgwriter", "checkpoints_req")
    };
    let told = format!("select {column} >= {checkpoints} from {view}");
    server.wait_until("postgres", &told).await.unwrap();
}
