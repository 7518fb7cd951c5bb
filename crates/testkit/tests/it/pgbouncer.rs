//! A pooler in front of a server.

use dbvitals_testkit::{PgBouncer, PgVersion, PoolMode, Postgres};

use crate::observe::{processes_of, runs};

#[tokio::test]
async fn a_pooler_passes_queries_and_shows_its_pools() {
    let pg = Postgres::builder(PgVersion::V17).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&pg).unwrap();
    pg.create_database("app").await.unwrap();
    pg.sql_as(&pooler.url("app"), "create table t ()").await.unwrap();
    assert_eq!(pg.scalar("app", "select count(*) from t").await.unwrap(), "0");
    let monitor = pg.client_as(&pooler.monitor_url("app")).await.unwrap();
    monitor.simple_query("select 1").await.unwrap();
    let mode = pg.client_as(&pooler.admin_url()).await.unwrap();
    let pools = format!("{:?}", mode.simple_query("show pools").await.unwrap());
    assert!(pools.contains("transaction"), "{pools}");

    let session = [("max_client_conn", "77")];
    let other = PgBouncer::start(&pg, PoolMode::Session, &session).unwrap();
    assert_ne!(other.port(), pooler.port());
    let settings = pg.client_as(&other.admin_url()).await.unwrap();
    let settings = format!("{:?}", settings.simple_query("show config").await.unwrap());
    assert!(settings.contains("77"), "{settings}");

    let (folder, pid) = (pooler.folder().to_owned(), pooler.pid().unwrap());
    drop(pooler);
    assert!(!folder.exists());
    assert!(!runs(pid));
    assert_eq!(processes_of(&folder), []);
}
