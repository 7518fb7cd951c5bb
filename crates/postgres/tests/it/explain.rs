//! Planning and executing one statement: the same answers on every version, and nothing left behind.

use std::time::Duration;

use dbvitals_postgres::explain::{Execution, Explained, Explaining, Planned, Under, WantedColumn};
use dbvitals_testkit::{PgBouncer, PgVersion, Postgres, shared};

use crate::support::{session, until_no_session};

fn wanted(text: &str) -> Explaining<'_> {
    Explaining {
        text,
        parameters: 0,
        values: None,
        role: None,
        under: Under::default(),
        execution: Execution::No,
        timeout: Duration::from_secs(20),
    }
}

async fn filled(server: &Postgres) -> String {
    let database = server.fresh_database("explain").await.unwrap();
    let fill = "create table t (id int primary key, kind text not null, at timestamptz);
        insert into t select g, case when g % 100 = 0 then 'rare' else 'common' end, timestamptz '2026-01-01' + g * interval '1 hour'
          from generate_series(1, 10000) g;
        create index on t (kind)";
    server.sql(&database, fill).await.unwrap();
    server.sql(&database, "analyze t").await.unwrap();
    database
}

async fn asked(server: &Postgres, database: &str, wanted: &Explaining<'_>) -> Explained {
    session(&server.superuser_url(database)).await.explain(wanted).await.unwrap()
}

fn node(plan: Option<&Planned>) -> serde_json::Value {
    let text = plan.unwrap().as_ref().unwrap();
    let plans: serde_json::Value = serde_json::from_str(text).unwrap();
    plans[0]["Plan"].clone()
}

#[tokio::test]
async fn a_statement_without_parameters_is_planned_and_measured() {
    for version in [PgVersion::V13, PgVersion::V15, PgVersion::V18] {
        let server = shared(version).unwrap();
        let database = filled(server).await;
        let told = asked(server, &database, &wanted("select * from t where id = 5")).await;
        assert_eq!(node(told.generic.as_ref())["Node Type"], "Index Scan");
        assert!(told.measured.is_none() && told.custom.is_none());
        let text = "select count(*) from t where kind = 'common'";
        let measured = Explaining { execution: Execution::Reading, ..wanted(text) };
        let told = asked(server, &database, &measured).await;
        assert!(node(told.measured.as_ref())["Actual Rows"].as_f64().unwrap() > 0.0);
    }
}

#[tokio::test]
async fn parameters_are_planned_for_none_and_for_some() {
    for version in [PgVersion::V13, PgVersion::V15, PgVersion::V16, PgVersion::V18] {
        let server = shared(version).unwrap();
        let database = filled(server).await;
        let rare = [Some("rare".to_owned()), Some("2020-01-01".to_owned())];
        let text = "select * from t where kind = $1 and at > $2";
        let told = asked(
            server,
            &database,
            &Explaining {
                parameters: 2,
                values: Some(&rare),
                execution: Execution::Reading,
                ..wanted(text)
            },
        )
        .await;
        assert_eq!(told.types, ["text", "timestamp with time zone"]);
        assert!(
            node(told.generic.as_ref()).to_string().contains("$1"),
            "{version}: {:?}",
            told.generic
        );
        assert!(node(told.custom.as_ref()).to_string().contains("'rare'"));
        assert_eq!(node(told.measured.as_ref())["Actual Rows"].as_f64(), Some(100.0));
    }
}

#[tokio::test]
async fn what_is_refused_is_told_and_harms_nothing_else() {
    let server = shared(PgVersion::V15).unwrap();
    let database = filled(server).await;
    let mut session = session(&server.superuser_url(&database)).await;
    for (text, state, at) in [
        ("select * from nowhere", "42P01", Some(14)),
        ("select 'é', nothing from t", "42703", Some(12)),
        ("vacuum t", "42601", Some(0)),
        ("select 1; select 2", "42601", None),
        ("select 1; commit; drop table t", "42601", None),
    ] {
        let told = session.explain(&wanted(text)).await.unwrap();
        let refused = told.generic.unwrap().unwrap_err();
        assert_eq!((refused.error.sqlstate(), refused.at), (Some(state), at), "{text}");
    }
    // Executing what writes is refused by the server itself, unless it was asked for; then it is taken back.
    let text = "delete from t";
    let reading = Explaining { execution: Execution::Reading, ..wanted(text) };
    let told = session.explain(&reading).await.unwrap();
    assert_eq!(told.measured.unwrap().unwrap_err().error.sqlstate(), Some("25006"));
    let writing = Explaining { execution: Execution::Writing, ..wanted(text) };
    assert!(session.explain(&writing).await.unwrap().measured.unwrap().is_ok());
    let left = server.scalar(&database, "select count(*) from t").await.unwrap();
    assert_eq!(left, "10000");
}

#[tokio::test]
async fn what_takes_too_long_ends_on_the_server_too() {
    let server = shared(PgVersion::V16).unwrap();
    let database = filled(server).await;
    let mut session = session(&server.superuser_url(&database)).await;
    let slow = Explaining {
        execution: Execution::Reading,
        timeout: Duration::from_millis(200),
        ..wanted("select pg_sleep(3000)")
    };
    let told = session.explain(&slow).await.unwrap();
    assert!(told.generic.unwrap().is_ok());
    assert!(told.measured.unwrap().unwrap_err().error.is_timeout());
    assert!(session.explain(&wanted("select 1")).await.unwrap().generic.unwrap().is_ok());
}

#[tokio::test]
async fn dropping_it_cancels_what_runs() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let mut session = session(&server.superuser_url("postgres")).await;
    let running = tokio::spawn(async move {
        let slow = Explaining {
            execution: Execution::Reading,
            timeout: Duration::from_mins(50),
            ..wanted("select pg_sleep(2999)")
        };
        session.explain(&slow).await.map(drop)
    });
    let sleeps = "select count(*) = 1 from pg_stat_activity where query like '%pg_sleep(2999)' and state = 'active' \
                  and query like 'EXPLAIN (ANALYZE%'";
    server.wait_until("postgres", sleeps).await.unwrap();
    running.abort();
    until_no_session(&server).await;
}

#[tokio::test]
async fn the_role_asked_for_brings_its_settings_and_its_policies() {
    let server = shared(PgVersion::V15).unwrap();
    let database = filled(server).await;
    let set_up = format!(
        "create role explain_reader; alter role explain_reader in database {database} set enable_indexscan = off;
         alter role explain_reader set enable_bitmapscan = off; grant select on t to explain_reader;
         alter table t enable row level security; create policy own on t using (kind <> 'rare')"
    );
    server.sql(&database, &set_up).await.unwrap();
    let text = "select * from t where id = 5";
    let own = asked(server, &database, &wanted(text)).await;
    assert_eq!(node(own.generic.as_ref())["Node Type"], "Index Scan");
    let reader = Explaining { role: Some("explain_reader"), ..wanted(text) };
    let other = node(asked(server, &database, &reader).await.generic.as_ref());
    assert_eq!(other["Node Type"], "Seq Scan");
    assert!(other["Filter"].as_str().unwrap().contains("rare"), "{other}");
    let nobody = Explaining { role: Some("nobody\"here"), ..wanted(text) };
    let mut session = session(&server.superuser_url(&database)).await;
    assert_eq!(session.explain(&nobody).await.unwrap_err().sqlstate(), Some("22023"));
    assert!(session.explain(&wanted(text)).await.unwrap().generic.unwrap().is_ok());
}

#[tokio::test]
async fn a_pooler_gets_its_session_back_clean() {
    let server = Postgres::builder(PgVersion::V15).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let values = [Some("5".to_owned())];
    for _ in 0..3 {
        let mut session = session(&pooler.monitor_url("postgres")).await;
        let asked = Explaining { parameters: 1, values: Some(&values), ..wanted("select $1::int") };
        let told = session.explain(&asked).await.unwrap();
        assert!(told.custom.unwrap().is_ok());
        session.close().await;
    }
}

#[tokio::test]
async fn statistics_tell_values_of_columns() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let server = shared(version).unwrap();
        let database = filled(server).await;
        let mut session = session(&server.superuser_url(&database)).await;
        let column = |name: &str| WantedColumn {
            schema: None,
            table: "t".to_owned(),
            column: name.to_owned(),
        };
        let values = session.values_of(&[column("kind"), column("at"), column("none")]).await;
        assert_eq!(values.len(), 2);
        assert_eq!(values[0].common.as_deref(), Some("common"));
        assert_eq!(values[0].rare.as_deref(), Some("rare"));
        assert_eq!(values[1].tenths.len(), 11, "{values:?}");
    }
}
