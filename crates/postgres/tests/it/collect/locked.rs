//! Locks of others are neither waited for nor in the way.

use dbvitals_model::Section;
use dbvitals_postgres::collect::{COLLECTORS, Options};
use dbvitals_testkit::{PgVersion, shared};

use super::{collected, database, snapshot};

#[tokio::test]
async fn a_locked_table_is_passed_over_and_the_rest_is_exact() {
    for version in PgVersion::ALL {
        let server = shared(version).unwrap();
        let name = server.fresh_database("locked").await.unwrap();
        let fill = "create table held (id int primary key, note text); create index on held (lower(note)); \
                    create table free (id int primary key); \
                    insert into held select g, g from generate_series(1, 5000) g; \
                    insert into free select g from generate_series(1, 5000) g; vacuum analyze";
        for statement in fill.split(';') {
            server.sql(&name, statement).await.unwrap();
        }
        let holder = server.client(&name).await.unwrap();
        holder.batch_execute("begin; lock table held in access exclusive mode").await.unwrap();

        let seen = snapshot(&server.monitor_url(&name)).await;
        let here = database(&seen, &name);
        let Section::Collected(relations) = &here.relations else { panic!("relations") };
        // Known beforehand, so nothing had to be asked again: one gap, which names the table.
        let gaps: Vec<_> = relations.gaps.iter().map(|gap| gap.detail.as_str()).collect();
        assert_eq!(gaps, ["passed over, because an exclusive lock is held: public.held"]);
        let row = |name: &str| relations.value.iter().find(|row| row.name == name).unwrap();
        assert!(row("held").is_locked && row("held").sizes_estimated);
        assert_eq!(row("held").heap_bytes, row("held").pages * 8192);
        assert!(!row("free").is_locked && !row("free").sizes_estimated);
        let indexes = here.indexes.value().unwrap();
        let index = |name: &str| indexes.iter().find(|row| row.name == name).unwrap();
        assert!(index("held_lower_idx").size_estimated && index("held_lower_idx").size_bytes > 0);
        assert_eq!(index("held_lower_idx").definition, "", "what would wait is left out");
        assert!(index("held_pkey").definition.contains("held_pkey"), "what needs no lock is there");
        assert!(!index("free_pkey").size_estimated);
        assert!(here.columns.value().unwrap().iter().any(|column| column.table == "held"));
        holder.batch_execute("rollback").await.unwrap();
    }
}

/// A queue behind somebody's shared lock is as much in the way as the lock it waits for.
#[tokio::test]
async fn an_awaited_lock_counts_as_held() {
    let server = shared(PgVersion::V16).unwrap();
    let name = server.fresh_database("awaited").await.unwrap();
    server.sql(&name, "create table queued (id int)").await.unwrap();
    let reader = server.client(&name).await.unwrap();
    reader.batch_execute("begin; lock table queued in access share mode").await.unwrap();
    let writer = server.client(&name).await.unwrap();
    let waiting = tokio::spawn(async move {
        writer.batch_execute("begin; lock table queued in access exclusive mode; commit").await
    });
    let queued = format!(
        "select count(*) = 1 from pg_locks l join pg_database d on d.oid = l.database \
         where not granted and datname = '{name}'"
    );
    server.wait_until("postgres", &queued).await.unwrap();

    let seen = snapshot(&server.monitor_url(&name)).await;
    let relations = database(&seen, &name).relations.value().unwrap();
    assert!(relations[0].is_locked && relations[0].sizes_estimated);
    let waits = &seen.locks.value().unwrap().waits;
    assert!(waits.iter().any(|wait| wait.relation.as_deref() == Some("public.queued")));
    let blocked = |row: &dbvitals_model::pg::activity::Session| !row.blocked_by.is_empty();
    assert!(seen.activity.value().unwrap().iter().any(blocked));
    reader.batch_execute("rollback").await.unwrap();
    waiting.await.unwrap().unwrap();
}

/// A lock that our look at the locks cannot see strikes, and the collectors are asked again without sizes.
#[tokio::test]
async fn a_lock_taken_meanwhile_costs_the_sizes_only() {
    let server = shared(PgVersion::V16).unwrap();
    let name = server.fresh_database("struck").await.unwrap();
    server
        .sql(
            &name,
            "create table t (id int primary key, note text); create index on t (lower(note))",
        )
        .await
        .unwrap();
    let major = server.version().major();
    let client = server.client(&name).await.unwrap();
    let holder = server.client(&name).await.unwrap();
    holder.batch_execute("begin; lock table t in access exclusive mode").await.unwrap();
    client.batch_execute("set lock_timeout = 100; set search_path = pg_catalog").await.unwrap();
    for collector in COLLECTORS {
        let Some(fallback) = collector.fallback(major) else { continue };
        client.query(&fallback, &[]).await.unwrap();
        let unseeing = fallback
            .replacen("false as may_open", "true as may_open", 1)
            .replace("'AccessExclusiveLock'", "'none such'");
        if ["relations", "indexes"].contains(&collector.name) {
            let error = client.query(&unseeing, &[]).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "55P03", "{} does open it", collector.name);
        }
    }
    holder.batch_execute("rollback").await.unwrap();
    let seen = collected(&server.monitor_url(&name), &Options::default()).await;
    assert!(!database(&seen.snapshot, &name).relations.value().unwrap()[0].sizes_estimated);
}
