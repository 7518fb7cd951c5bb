//! Bloat measured on the pages: what it adds where statistics are hidden, and what it leaves alone.

use dbvitals_model::{Finding, Measure, Reason};
use dbvitals_testkit::{PgVersion, shared};

use super::{case::Case, server};

const FILL: &str = "create table t (id int, h text, body text) with (autovacuum_enabled = off);
    alter table t alter body set storage external;
    insert into t select g, md5(g::text), case when g % 100 = 0 then repeat('x', 6000) end
    from generate_series(1, 60000) as g;
    create unique index ids on t (id);
    create index hashes on t (h);
    delete from t where abs(hashtext(ctid::text)) % 100 < 60";

fn value(found: &Finding, label: &str) -> Measure {
    found.evidence.iter().find(|e| e.label == label).unwrap().value.clone()
}

fn number(found: &Finding, label: &str) -> f64 {
    let Measure::Number(number) = value(found, label) else { panic!("{label} is a text") };
    number
}

async fn filled<'a>(pg: &'a dbvitals_testkit::Postgres, check: &'static str) -> Case<'a> {
    let case = Case::fresh(pg, check).await;
    case.sql(FILL).await;
    case.counted("t").await;
    case.sql("vacuum (analyze, truncate off) t").await;
    case.analysed("t").await;
    case.measuring().monitoring()
}

/// Statistics are hidden from a member of `pg_monitor`: unknown with the grant, then measured, then estimated.
#[tokio::test]
async fn the_ladder_of_a_role_that_only_monitors_for_indexes() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let pg = shared(version).unwrap();
        let case = filled(pg, "pg-bloated-index").await.with("warning_size_bytes", 1.0);
        let skip = case.skip().await;
        assert_eq!(skip.class, Reason::Permission);
        let remedy = skip.remedy.unwrap();
        if version.major() >= 14 {
            assert_eq!(remedy, "GRANT pg_read_all_data TO monitor;");
        } else {
            assert!(remedy.starts_with("GRANT SELECT ON ALL TABLES IN SCHEMA"), "{remedy}");
        }

        case.sql("create extension pgstattuple").await;
        let found = case.findings().await;
        assert_eq!(found.len(), 2, "{found:?}");
        for finding in &found {
            assert_eq!(value(finding, "method"), Measure::from("measured with pgstattuple"));
            let index = finding.subject.name.trim_start_matches("public.").to_owned();
            let query = format!("select pg_relation_size('{index}')");
            let size = || async {
                pg.scalar(&case.database, &query).await.unwrap().parse::<f64>().unwrap()
            };
            let before = size().await;
            case.mend(finding).await;
            let truth = 1.0 - size().await / before;
            let told = number(finding, "bloat");
            assert!((told - truth).abs() <= 0.03, "{index}: {told}, truly {truth}");
        }
        case.gone().await;
    }
}

#[tokio::test]
async fn the_ladder_of_a_role_that_only_monitors_for_tables() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let pg = shared(version).unwrap();
        let case = filled(pg, "pg-bloated-table").await.with("warning_wasted_bytes", 1.0);
        assert_eq!(case.skip().await.class, Reason::Permission);
        case.sql("create extension pgstattuple").await;
        let found = case.only().await;
        assert_eq!(value(&found, "method"), Measure::from("measured with pgstattuple"));
        let query = "select pg_relation_size(oid) + pg_relation_size(reltoastrelid) from pg_class where relname = 't'";
        let size =
            || async { pg.scalar(&case.database, query).await.unwrap().parse::<f64>().unwrap() };
        let before = size().await;
        case.mend(&found).await;
        let truth = 1.0 - size().await / before;
        let (told, error) = (number(&found, "bloat"), number(&found, "error of the estimate, ±"));
        assert!((told - truth).abs() <= error.max(0.02), "{told} ± {error}, truly {truth}");
        case.gone().await;
    }
}

/// The fill factor is no bloat, whatever `pgstattuple` calls free.
#[tokio::test]
async fn what_is_kept_free_on_purpose_is_not_measured_as_bloat() {
    for (check, threshold) in
        [("pg-bloated-index", "warning_size_bytes"), ("pg-bloated-table", "warning_wasted_bytes")]
    {
        let case =
            Case::fresh(server(), check).await.with(threshold, 1.0).with("warning_ratio", 0.05);
        case.sql(
            "create extension pgstattuple;
             create table t (id int, name text) with (fillfactor = 70, autovacuum_enabled = off);
             insert into t select g, 'name ' || g from generate_series(1, 50000) as g;
             create index on t (id) with (fillfactor = 60)",
        )
        .await;
        case.vacuumed("t").await;
        let case = case.measuring().monitoring();
        case.gone().await;
    }
}

/// Values moved out of line are part of the table: their rewrite is part of the fix.
#[tokio::test]
async fn a_toast_table_is_measured_and_mended_with_its_table() {
    let case = Case::fresh(server(), "pg-bloated-table").await.with("warning_wasted_bytes", 1.0);
    case.sql(
        "create extension pgstattuple;
         create table docs (id int, body text) with (autovacuum_enabled = off);
         alter table docs alter body set storage external;
         insert into docs select g, repeat('x', 7000) from generate_series(1, 4000) as g;
         update docs set body = repeat('y', 7000)",
    )
    .await;
    case.until("select n_tup_upd = 4000 from pg_stat_user_tables where relname = 'docs'").await;
    case.sql("vacuum (analyze, truncate off) docs").await;
    let case = case.measuring();
    let found = case.only().await;
    assert_eq!(value(&found, "method"), Measure::from("measured with pgstattuple"));
    let told = number(&found, "bloat");
    assert!((told - 0.5).abs() < 0.03, "{told}");
    case.mend(&found).await;
    case.gone().await;
}

/// Nobody is waited for: a locked index is judged by its statistics, and the rest is measured.
#[tokio::test]
async fn a_locked_index_is_passed_over() {
    let pg = server();
    let case = Case::fresh(pg, "pg-bloated-index").await.with("warning_size_bytes", 1.0);
    case.sql(FILL).await;
    case.counted("t").await;
    case.sql("vacuum (analyze, truncate off) t").await;
    case.analysed("t").await;
    case.sql("create extension pgstattuple").await;
    let case = case.measuring();
    let holder = pg.client(&case.database).await.unwrap();
    holder.batch_execute("begin; reindex index hashes").await.unwrap();
    let found = case.findings().await;
    let method = |name: &str| {
        let found = found.iter().find(|found| found.subject.name == name).unwrap();
        value(found, "method")
    };
    assert_eq!(method("public.hashes"), Measure::from("estimated from planner statistics"));
    assert_eq!(method("public.ids"), Measure::from("measured with pgstattuple"));
    holder.batch_execute("rollback").await.unwrap();
}
