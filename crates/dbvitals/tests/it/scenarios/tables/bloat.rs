//! The estimate of bloat against the truth, which is the size after `VACUUM FULL`.

use dbvitals_model::{Finding, Measure, Reason, Severity};

use super::{case::Case, server};

const ROWS: u32 = 60_000;

/// Name, columns, values by `g`, percent of a page that may be filled.
const SHAPES: [(&str, &str, &str, u32); 11] = [
    ("ints", "a int, b bigint", "g, g", 100),
    (
        "misaligned",
        "a bool, b bigint, c bool, d bigint, e smallint, f timestamptz",
        "true, g, false, g, 1, now()",
        100,
    ),
    (
        "texts",
        "id bigint, name text, note text",
        "g, 'user-' || g, repeat('x', (g * 7919) % 200)",
        100,
    ),
    ("hashes", "id bigint, h text, at timestamptz", "g, md5(g::text), now()", 100),
    (
        "nullable",
        "a bigint, b bigint, c text, d timestamptz, e int, f int, g int, h int, i int, j int",
        "g, case when g % 2 = 0 then g end, case when g % 3 = 0 then 'abc' || g end,
         case when g % 5 = 0 then now() end, g, null, g, null, g, g",
        100,
    ),
    ("roomy", "id bigint, name text", "g, 'user-' || g", 70),
    ("wide", "id bigint, body text", "g, repeat(md5(g::text), 1 + g % 40)", 100),
    (
        "toasted",
        "id bigint, body text, at timestamptz",
        "g, case when g % 500 = 0 then
             (select string_agg(md5((g * i)::text), '') from generate_series(1, 100) as i)
             else 'small' || g end, now()",
        100,
    ),
    (
        "documents",
        "id uuid, doc jsonb",
        "gen_random_uuid(), jsonb_build_object('a', g, 'b', md5(g::text), 'c', repeat('y', g % 100))",
        100,
    ),
    (
        "codes",
        "a char(10), b numeric(12, 2), c varchar(20), d int",
        "'abc', (g * 37) % 100000 / 100.0, 'v' || g, g",
        100,
    ),
    (
        "arrays",
        "id int, tags text[], n int[]",
        "g, array['a' || g, 'b', 'cc'], array[g, g + 1]",
        100,
    ),
];

fn number(found: &Finding, label: &str) -> f64 {
    let evidence = found.evidence.iter().find(|e| e.label == label).unwrap();
    let Measure::Number(value) = evidence.value else { panic!("{label} is a text") };
    value
}

async fn fill(case: &Case<'_>, shape: &(&str, &str, &str, u32)) {
    let (name, columns, values, fillfactor) = shape;
    case.sql(&format!(
        "create table {name} ({columns}) with (fillfactor = {fillfactor}, autovacuum_enabled = off);
         insert into {name} select {values} from generate_series(1, {ROWS}) as g;
         delete from {name} where abs(hashtext(ctid::text)) % 100 < 40"
    ))
    .await;
    case.counted(name).await;
    case.sql(&format!("vacuum (analyze, truncate off) {name}")).await;
    case.analysed(name).await;
}

async fn pages(case: &Case<'_>, table: &str) -> f64 {
    let query = format!(
        "select (pg_relation_size(oid) + coalesce(pg_relation_size(nullif(reltoastrelid, 0)), 0)) / 8192
         from pg_class where oid = '{table}'::regclass"
    );
    case.pg.scalar(&case.database, &query).await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_estimate_is_close_to_a_rewrite_over_many_shapes() {
    let case = Case::fresh(server(), "pg-bloated-table").await.with("warning_wasted_bytes", 1.0);
    for shape in &SHAPES {
        fill(&case, shape).await;
    }
    let found = case.findings().await;
    assert_eq!(found.len(), SHAPES.len(), "all have lost two rows in five");
    let mut off = Vec::new();
    for finding in &found {
        let table = finding.subject.name.trim_start_matches("public.");
        let before = pages(&case, table).await;
        case.mend(finding).await;
        let truth = 1.0 - pages(&case, table).await / before;
        let (told, error) = (number(finding, "bloat"), number(finding, "error of the estimate, ±"));
        assert!((told - truth).abs() <= error + 0.005, "{table}: {told} +- {error}, truly {truth}");
        off.push((told - truth).abs());
    }
    let mean = off.iter().sum::<f64>() / off.len() as f64;
    let worst = off.iter().copied().fold(0.0, f64::max);
    println!("mean error {:.2} points, worst {:.2}", mean * 100.0, worst * 100.0);
    assert!(mean <= 0.02 && worst <= 0.04, "mean {mean}, worst {worst}");
    case.gone().await;
}

#[tokio::test]
async fn a_role_that_only_monitors_is_told_the_grant() {
    let case = Case::fresh(server(), "pg-bloated-table")
        .await
        .with("warning_wasted_bytes", 1.0)
        .monitoring();
    fill(&case, &SHAPES[0]).await;
    let skip = case.skip().await;
    assert_eq!(skip.class, Reason::Permission);
    assert_eq!(skip.remedy.as_deref(), Some("GRANT pg_read_all_data TO monitor;"));
}

#[tokio::test]
async fn a_table_without_statistics_is_unknown_until_analyzed() {
    let case = Case::fresh(server(), "pg-bloated-table").await.with("warning_wasted_bytes", 1.0);
    case.sql(
        "create table t (id int) with (autovacuum_enabled = off);
         insert into t select generate_series(1, 50000); delete from t where id % 2 = 0",
    )
    .await;
    case.counted("t").await;
    case.sql("vacuum t").await;
    let skip = case.skip().await;
    assert_eq!(skip.remedy.as_deref(), Some("ANALYZE public.t;"));
    case.sql("analyze t").await;
    case.analysed("t").await;
    assert_eq!(case.only().await.severity, Severity::Warning);
}
