//! Pages of suspects: read within the budget, never waited for, and with the remedy where they cannot be.

use std::time::Duration;

use dbvitals_model::{
    Reason, Section,
    pg::{
        DatabaseSnapshot,
        instance::Server,
        measured::{Measured, Suspect},
    },
};
use dbvitals_postgres::collect::{Measuring, Options};
use dbvitals_testkit::{PgVersion, Postgres, shared};

use super::{collected, database};

const FILL: &str = "create table t (id int primary key, body text) with (autovacuum_enabled = off); \
    alter table t alter body set storage external; \
    insert into t select g, case when g % 50 = 0 then repeat('x', 5000) end from generate_series(1, 20000) g; \
    delete from t where id % 2 = 0";

/// All tables, TOAST tables and B-trees there are.
fn everything(_: &Server, database: &DatabaseSnapshot) -> Vec<Suspect> {
    let suspect = |oid, name: String, is_index, bytes| Suspect { oid, name, is_index, bytes };
    let indexes = database.indexes.value().unwrap().iter();
    let tables = database.relations.value().unwrap().iter();
    indexes
        .map(|index| suspect(index.oid, index.qualified(), true, index.size_bytes))
        .chain(
            tables
                .clone()
                .map(|table| suspect(table.oid, table.qualified(), false, table.heap_bytes)),
        )
        .chain(tables.filter_map(|table| {
            Some(suspect(table.toast_oid?, "toast".into(), false, table.toast_heap_bytes))
        }))
        .collect()
}

async fn filled(server: &Postgres, schema: &str) -> String {
    let name = server.fresh_database("measured").await.unwrap();
    for statement in FILL.split(';') {
        server.sql(&name, statement).await.unwrap();
    }
    server.sql(&name, "vacuum (analyze, truncate off) t").await.unwrap();
    if !schema.is_empty() {
        server.sql(&name, &format!("create schema {schema}")).await.unwrap();
        server.sql(&name, &format!("create extension pgstattuple schema {schema}")).await.unwrap();
        server.sql(&name, &format!("grant usage on schema {schema} to public")).await.unwrap();
    }
    name
}

async fn read(url: &str, name: &str, budget_bytes: u64) -> Section<Vec<Measured>> {
    let timeout = Duration::from_secs(10);
    let measuring = Some(Measuring { budget_bytes, timeout, shortlist: &everything });
    let wanted = |one: &str| one == name;
    let options = Options { measuring, wanted: &wanted, ..Options::default() };
    let seen = collected(url, &options).await;
    database(&seen.snapshot, name).measured.clone()
}

#[tokio::test]
async fn a_monitoring_role_measures_tables_toast_and_indexes() {
    for version in PgVersion::ALL {
        let server = shared(version).unwrap();
        let name = filled(server, "\"o'dd sch\"").await;
        let section = read(&server.monitor_url(&name), &name, 1 << 30).await;
        let Section::Collected(found) = section else { panic!("{version}: {section:?}") };
        let (index, table) = (&found.value[0], &found.value[1]);
        let density = index.average_leaf_density.unwrap();
        assert!(index.leaf_pages > Some(40) && density < 60.0, "{index:?}");
        assert!(table.live_rows.unwrap().abs_diff(10_000) < 200, "{table:?}");
        let scanned = table.scanned_percent.unwrap();
        assert!(table.free_bytes > Some(100_000) && scanned < 1.0, "{table:?}");
        if version.major() < 14 {
            // There the extension opens no TOAST table.
            assert_eq!((found.value.len(), found.gaps[0].reason), (2, Reason::Failed));
        } else {
            assert_eq!(found.gaps, [], "{version}");
            let toast = &found.value[2];
            assert!(toast.size_bytes > 1_000_000 && toast.leaf_pages.is_none(), "{toast:?}");
        }
    }
}

#[tokio::test]
async fn beyond_the_budget_nothing_is_read() {
    let server = shared(PgVersion::V16).unwrap();
    let name = filled(server, "tools").await;
    let section = read(&server.monitor_url(&name), &name, 8192).await;
    let Section::Collected(found) = section else { panic!("{section:?}") };
    assert_eq!(found.value, []);
    assert_eq!(found.gaps[0].reason, Reason::Timeout);
    assert!(
        found.gaps[0]
            .detail
            .contains("beyond the budget of pages to read: public.t_pkey, public.t")
    );
}

#[tokio::test]
async fn without_the_extension_or_the_right_the_remedy_is_told() {
    let server = shared(PgVersion::V16).unwrap();
    let name = filled(server, "").await;
    let Section::Unavailable(why) = read(&server.monitor_url(&name), &name, 1 << 30).await else {
        panic!("there is no extension")
    };
    assert_eq!(why.reason, Reason::Extension);
    assert_eq!(why.remedy.as_deref(), Some("CREATE EXTENSION pgstattuple;"));

    server.sql(&name, "create extension pgstattuple").await.unwrap();
    server.sql(&name, "create role bystander login password 'x'").await.unwrap();
    let section = read(&server.url("bystander", "x", &name), &name, 1 << 30).await;
    let Section::Unavailable(why) = section else { panic!("{section:?}") };
    assert_eq!(why.reason, Reason::Permission);
    assert_eq!(why.remedy.as_deref(), Some("GRANT pg_stat_scan_tables TO \"bystander\";"));
}

#[tokio::test]
async fn a_relation_locked_meanwhile_is_passed_over_and_named() {
    let server = shared(PgVersion::V16).unwrap();
    let name = filled(server, "tools").await;
    let holder = server.client(&name).await.unwrap();
    holder.batch_execute("begin; lock table t in access exclusive mode").await.unwrap();
    let section = read(&server.monitor_url(&name), &name, 1 << 30).await;
    let Section::Collected(found) = section else { panic!("{section:?}") };
    assert_eq!(found.gaps[0].reason, Reason::Locked);
    assert!(found.gaps[0].detail.ends_with(": public.t"), "{}", found.gaps[0].detail);
    assert_eq!(found.value.len(), 2, "the index and the TOAST table are not locked");
    holder.batch_execute("rollback").await.unwrap();
}
