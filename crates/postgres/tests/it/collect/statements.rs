//! `pg_stat_statements`: leaders with their texts, none of our own, no temporary file.

use std::fmt::Write as _;

use dbvitals_model::{Reason, pg::statement::Statement};
use dbvitals_postgres::collect::Options;
use dbvitals_testkit::{PgVersion, Postgres};

use super::{collected, snapshot};

fn server(version: PgVersion) -> Postgres {
    Postgres::builder(version).preload("pg_stat_statements").start().unwrap()
}

fn with_text<'a>(leaders: &'a [Statement], part: &str) -> Option<&'a Statement> {
    leaders.iter().find(|row| row.text.as_ref().is_some_and(|text| text.contains(part)))
}

#[tokio::test]
async fn leaders_have_their_texts_and_none_is_ours() {
    for version in PgVersion::ALL {
        let server = server(version);
        server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
        server
            .sql("postgres", "create table t as select g as id from generate_series(1, 1000) g")
            .await
            .unwrap();
        for _ in 0..20 {
            server.rows("postgres", "select id /* the point */ from t where id = 7").await.unwrap();
        }
        server.sql("postgres", "create role app password 'hunter2'").await.unwrap();
        let url = server.monitor_url("postgres");
        for _ in 0..3 {
            snapshot(&url).await;
        }
        let seen = snapshot(&url).await;
        let statements = seen.statements.value().unwrap();
        let point = with_text(&statements.leaders, "the point").unwrap();
        assert_eq!((point.calls, point.rows), (20, 20));
        assert!(point.text.as_ref().unwrap().contains("id = $1"));
        assert_eq!(
            (point.user.as_deref(), point.database.as_deref()),
            (Some("postgres"), Some("postgres"))
        );
        let role = with_text(&statements.leaders, "create role app").unwrap();
        assert!(!role.text.as_ref().unwrap().contains("hunter2"));
        assert!(with_text(&statements.leaders, "dbvitals").is_none());
        for row in &statements.leaders {
            let text = row.text.as_deref().unwrap();
            let is_bare = ["COMMIT", "SET LOCAL"].iter().any(|word| text.starts_with(word));
            let is_ours = row.user.as_deref() == Some("monitor") && !is_bare;
            assert!(!is_ours, "{text} on {version}");
        }
        let status = seen.statements_status.value().unwrap();
        assert!(status.entries > Some(0) && status.max_entries == Some(5000));
        assert_eq!(status.deallocations.is_some(), version.major() >= 14);
    }
}

#[tokio::test]
async fn reading_large_texts_writes_no_temporary_file() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = server(version);
        server.sql("postgres", "create extension pg_stat_statements").await.unwrap();
        let mut text = String::new();
        for number in 0..1500 {
            let padding = "x".repeat(60);
            let columns: String = (0..60).fold(String::new(), |mut list, place| {
                let _ = write!(list, ", c{} as \"{padding}{place}\"", (number + place) % 40);
                list
            });
            let names: Vec<String> = (0..40).map(|place| format!("c{place}")).collect();
            let values: Vec<String> = (0..40).map(|place| place.to_string()).collect();
            let (names, values) = (names.join(","), values.join(","));
            let (first, second) = (number % 40, number / 40);
            let _ = writeln!(
                text,
                "select c{first} + c{second}{columns} from (values ({values})) as t({names}) where c{second} <> c{first};"
            );
        }
        server.sql("postgres", &text).await.unwrap();
        let size = server
            .scalar("postgres", "select sum(length(query)) > 5000000 from pg_stat_statements")
            .await
            .unwrap();
        assert_eq!(size, "t", "more than fits into the default work_mem");
        let written = "select coalesce(sum(temp_files), 0) from pg_stat_database";
        let before = server.scalar("postgres", written).await.unwrap();
        let seen = snapshot(&server.monitor_url("postgres")).await;
        assert!(seen.statements.value().unwrap().entries > 1000);
        // Statistics of a session are sent when it ends at the latest.
        let gone = "select count(*) = 0 from pg_stat_activity where application_name = 'dbvitals'";
        server.wait_until("postgres", gone).await.unwrap();
        assert_eq!(server.scalar("postgres", written).await.unwrap(), before);
    }
}

#[tokio::test]
async fn an_extension_older_than_its_server_is_read_by_its_own_columns() {
    let server = server(PgVersion::V17);
    server.sql("postgres", "create schema \"st\"\"ats\"; create extension pg_stat_statements schema \"st\"\"ats\" version '1.8'").await.unwrap();
    let seen = snapshot(&server.monitor_url("postgres")).await;
    let why = seen.statements.get().unwrap_err();
    let remedy = "GRANT USAGE ON SCHEMA \"st\"\"ats\" TO \"monitor\";";
    assert_eq!((why.reason, why.remedy.as_deref()), (Reason::Permission, Some(remedy)));
    server.sql("postgres", remedy).await.unwrap();
    let seen = snapshot(&server.monitor_url("postgres")).await;
    assert!(!seen.statements.get().unwrap().leaders.is_empty());
    let status = seen.statements_status.value().unwrap();
    assert_eq!(
        (status.extension_version.as_deref(), status.available_version.as_deref()),
        (Some("1.8"), Some("1.11"))
    );
    assert_eq!((status.schema.as_deref(), status.deallocations), (Some("st\"ats"), None));

    server
        .sql(
            "postgres",
            "drop extension pg_stat_statements; create extension pg_stat_statements version '1.7'",
        )
        .await
        .unwrap();
    let seen = snapshot(&server.monitor_url("postgres")).await;
    let why = seen.statements.get().unwrap_err();
    assert_eq!(
        (why.reason, why.remedy.as_deref()),
        (Reason::Version, Some("ALTER EXTENSION pg_stat_statements UPDATE;"))
    );
}

#[tokio::test]
async fn an_extension_in_another_database_is_found() {
    let server = server(PgVersion::V15);
    let seen = snapshot(&server.monitor_url("postgres")).await;
    let why = seen.statements.get().unwrap_err();
    assert_eq!(
        (why.reason, why.remedy.as_deref()),
        (Reason::Extension, Some("CREATE EXTENSION pg_stat_statements;"))
    );
    for name in ["aa", "bb"] {
        server.create_database(name).await.unwrap();
    }
    server.sql("bb", "create extension pg_stat_statements").await.unwrap();
    let seen = collected(&server.monitor_url("postgres"), &Options::default()).await.snapshot;
    assert_eq!(seen.statements_status.value().unwrap().installed_in.as_deref(), Some("bb"));
    assert!(seen.statements.value().unwrap().entries > 0);
}
