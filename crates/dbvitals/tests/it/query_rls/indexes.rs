//! Indexes that serve policies: proposed, tried out, built and taken back.

use super::*;

#[tokio::test]
async fn an_index_is_tried_out_before_it_is_built() {
    let lab = Lab::with(PgVersion::Debian15, &format!("create extension hypopg; {OWN}")).await;
    let report = lab.told(&SET);
    let found = findings(&report, "pg-rls-policy-without-index");
    let impact = text(found[0], "/impact");
    assert!(impact.contains("tried with hypopg: a read by batch uses it"), "{impact}");
    lab.sql("alter policy own on app.\"No tes\" using (tenant = auth.uid() or id = 3)").await;
    let report = lab.told(&SET);
    let found = findings(&report, "pg-rls-policy-without-index");
    let impact = text(found[0], "/impact");
    assert!(impact.contains("tried with hypopg: a read by batch uses them"), "{impact}");
    lab.sql("alter policy own on app.\"No tes\" using (tenant = auth.uid() or body like '%3%')")
        .await;
    let report = lab.told(&SET);
    let found = findings(&report, "pg-rls-policy-without-index");
    assert!(found[0]["fix"].is_null(), "no index serves one of its arms: {found:#?}");
    let left = lab.server.scalar(
        "postgres",
        "select count(*)::text from pg_indexes where indexname like '%tenant%'",
    );
    assert_eq!(left.await.unwrap(), "0", "nothing was built");
}

#[tokio::test]
async fn an_or_is_served_by_an_index_for_each_arm() {
    for version in VERSIONS {
        let either =
            "create policy own on app.\"No tes\" using (tenant = (select auth.uid()) or id = 3)";
        let lab = Lab::with(version, either).await;
        let plan = async || {
            let read = "explain select * from app.\"No tes\"";
            let client = lab.server.client("postgres").await.unwrap();
            client.batch_execute("set app.uid = '7'; set role \"web app\"").await.unwrap();
            let rows = client.query(read, &[]).await.unwrap();
            rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
        };
        assert!(plan().await.contains("Seq Scan"), "{version}");
        let report = lab.told(&SET);
        let [found] = findings(&report, "pg-rls-policy-without-index")[..] else {
            panic!("{version}: {report:#}")
        };
        assert_eq!(list(found, "/fix/undo").len(), 2, "{found:#}");
        lab.apply(found).await;
        lab.sql("analyze").await;
        let plan = plan().await;
        let indexes = ["BitmapOr", "\"No tes_tenant_idx\"", "\"No tes_id_idx\""];
        assert!(indexes.iter().all(|name| plan.contains(name)), "{version}: {plan}");
        assert!(findings(&lab.told(&SET), "pg-rls-policy-without-index").is_empty(), "{version}");
        for undo in list(found, "/fix/undo") {
            lab.sql(undo.as_str().unwrap()).await;
        }
        assert_eq!(findings(&lab.told(&SET), "pg-rls-policy-without-index").len(), 1, "undone");
    }
}

#[tokio::test]
async fn partitions_of_partitions_are_indexed_as_printed() {
    for version in VERSIONS {
        let parts = "create table app.\"Ev\" (id int, tenant int) partition by range (id); \
            create table app.ev_a partition of app.\"Ev\" for values from (0) to (10000) partition by hash (tenant); \
            create table app.ev_a0 partition of app.ev_a for values with (modulus 2, remainder 0); \
            create table app.ev_a1 partition of app.ev_a for values with (modulus 2, remainder 1); \
            create table app.ev_b partition of app.\"Ev\" for values from (10000) to (90000); \
            create table app.ev_c partition of app.\"Ev\" for values from (90000) to (99999) partition by hash (id); \
            insert into app.\"Ev\" select g, g % 100 from generate_series(1, 20000) g; \
            grant select on app.\"Ev\" to batch; alter table app.\"Ev\" enable row level security; \
            create policy own on app.\"Ev\" using (tenant = (select auth.uid()))";
        let lab = Lab::with(version, parts).await;
        let report = lab.told(&SET);
        let [found] = findings(&report, "pg-rls-policy-without-index")[..] else {
            panic!("{version}: {report:#}")
        };
        assert_eq!(list(found, "/fix/statements").len(), 11, "{found:#}");
        lab.apply(found).await;
        let state = "select count(*) || ' ' || coalesce(bool_and(indisvalid)::text, 'none') from pg_index i \
            join pg_class c on c.oid = i.indexrelid where c.relname like '%tenant_idx'";
        let scalar = async |text: &str| lab.server.scalar("postgres", text).await.unwrap();
        assert_eq!(scalar(state).await, "6 true", "{version}: one for each table, all valid");
        let top = "select count(*)::text from pg_partition_tree('app.\"Ev_tenant_idx\"')";
        assert_eq!(scalar(top).await, "6", "{version}: all of them are attached");
        assert!(findings(&lab.told(&SET), "pg-rls-policy-without-index").is_empty(), "{version}");
        for undo in list(found, "/fix/undo") {
            lab.sql(undo.as_str().unwrap()).await;
        }
        assert_eq!(scalar(state).await, "0 none", "{version}: undone");
    }
}
