//! The estimate of bloat of B-trees against the truth, which is the size after `REINDEX`.

use dbvitals_model::{Finding, FixKind, Measure};
use dbvitals_testkit::{PgVersion, shared};

use super::{case::Case, server};

const ROWS: u32 = 40_000;

/// Name and definition behind `create`.
const SHAPES: [(&str, &str); 17] = [
    ("whole", "unique index whole on t (id)"),
    ("repeated", "index repeated on t (grp)"),
    ("name_alone", "index name_alone on t (name)"),
    ("city", "index city on t (city)"),
    ("sparse", "index sparse on t (maybe)"),
    ("pair", "index pair on t (a, b)"),
    ("counted_pair", "index counted_pair on t (country, zip)"),
    ("part", "index part on t (at) where city = 'city-1'"),
    ("present", "index present on t (maybe) where maybe is not null"),
    ("lowered", "index lowered on t (lower(name))"),
    ("lowered_part", "index lowered_part on t (upper(city)) where maybe is null"),
    ("covering", "index covering on t (grp) include (price)"),
    ("uuids", "index uuids on t (ref)"),
    ("moments", "index moments on t (at desc)"),
    ("prices", "index prices on t (price)"),
    ("roomy", "index roomy on t (grp) with (fillfactor = 70)"),
    ("unfolded", "index unfolded on t (grp) with (deduplicate_items = off)"),
];

fn number(found: &Finding, label: &str) -> f64 {
    let evidence = found.evidence.iter().find(|e| e.label == label).unwrap();
    let Measure::Number(value) = evidence.value else { panic!("{label} is a text") };
    value
}

/// A table with all shapes, of which a share of the rows is deleted.
async fn fill(case: &Case<'_>) {
    case.sql(&format!(
        "create table t (id int, grp int, name text, city text, maybe int, a int, b int, country int, zip int,
             ref uuid, at timestamptz, price numeric(12, 2)) with (autovacuum_enabled = off);
         select setseed(0.1);
         insert into t select g, (random() * 500)::int, 'Name-' || g || '@example.com', 'city-' || g % 3,
             case when g % 5 = 0 then (random() * 1e6)::int end, (random() * 20)::int, (random() * 30)::int,
             g % 50, g % 50 * 100 + (random() * 10)::int, gen_random_uuid(), now() - random() * interval '100 days',
             (random() * 1e5)::numeric(12, 2)
         from generate_series(1, {ROWS}) as g;
         create statistics counted (ndistinct) on country, zip from t"
    ))
    .await;
    for (_, definition) in SHAPES {
        case.sql(&format!("create {definition}")).await;
    }
    case.sql("delete from t where abs(hashtext(ctid::text)) % 100 < 60").await;
    case.vacuumed("t").await;
}

async fn size(case: &Case<'_>, index: &str) -> f64 {
    let query = format!("select pg_relation_size('{index}')");
    case.pg.scalar(&case.database, &query).await.unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_estimate_is_close_to_a_rebuild_over_many_shapes() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let pg = shared(version).unwrap();
        let case = Case::fresh(pg, "pg-bloated-index").await.with("warning_size_bytes", 1.0);
        fill(&case).await;
        let found = case.findings().await;
        assert_eq!(found.len(), SHAPES.len(), "on {version} all have lost three rows in five");
        let mut off = Vec::new();
        for finding in &found {
            assert_eq!(finding.fix.as_ref().unwrap().kind, FixKind::Review);
            let index = finding.subject.name.trim_start_matches("public.");
            let before = size(&case, index).await;
            case.mend(finding).await;
            let truth = 1.0 - size(&case, index).await / before;
            let (told, error) =
                (number(finding, "bloat"), number(finding, "error of the estimate, ±"));
            // Two pages of rounding: these are small.
            let slack = 2.0 * 8192.0 / before + 0.005;
            assert!(
                (told - truth).abs() <= error + slack,
                "{index}: {told} ± {error}, truly {truth}"
            );
            off.push((told - truth).abs());
        }
        let mean = off.iter().sum::<f64>() / off.len() as f64;
        println!("{version}: mean error {:.2} points", mean * 100.0);
        assert!(mean <= 0.02, "mean {mean}");
        case.gone().await;
    }
}

#[tokio::test]
async fn unknown_combinations_raise_no_finding_until_they_are_counted() {
    let case = Case::fresh(server(), "pg-bloated-index").await.with("warning_size_bytes", 1.0);
    case.sql(
        "create table t (country int, zip int) with (autovacuum_enabled = off);
         insert into t select g % 200, g % 200 * 7 + g % 3 from generate_series(1, 60000) as g;
         create index both_columns on t (country, zip);
         delete from t where abs(hashtext(ctid::text)) % 100 < 60",
    )
    .await;
    case.vacuumed("t").await;
    case.gone().await;
    case.sql("create statistics counted (ndistinct) on country, zip from t").await;
    case.sql("analyze t").await;
    let found = case.only().await;
    case.mend(&found).await;
    case.gone().await;
}

/// What cannot be estimated is held against an earlier snapshot: condition, finding, truth within the error, fix, silence.
#[tokio::test]
async fn other_methods_are_held_against_an_earlier_snapshot() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let pg = shared(version).unwrap();
        let mut case = Case::fresh(pg, "pg-bloated-index").await.with("warning_size_bytes", 1.0);
        case.sql(
            "create table t (words text[], note text, at point) with (autovacuum_enabled = off);
             insert into t select array[md5(g::text), md5((g * 7)::text), 'w' || g % 400], md5(g::text),
                 point(g % 977, g % 1009) from generate_series(1, 60000) as g;
             create index words_gin on t using gin (words) with (fastupdate = off);
             create index note_hash on t using hash (note);
             create index at_gist on t using gist (at)",
        )
        .await;
        case.vacuumed("t").await;
        case.gone().await;
        case.remember().await;
        case.gone().await;
        case.sql("delete from t where abs(hashtext(ctid::text)) % 100 < 85").await;
        case.vacuumed("t").await;
        let found = case.findings().await;
        assert_eq!(found.len(), 3, "on {version}: {found:?}");
        for finding in &found {
            let index = finding.subject.name.trim_start_matches("public.");
            let before = size(&case, index).await;
            case.mend(finding).await;
            let truth = 1.0 - size(&case, index).await / before;
            let (told, error) =
                (number(finding, "bloat"), number(finding, "error of the estimate, ±"));
            println!("{version} {index}: told {told:.2} ± {error:.2}, truly {truth:.2}");
            assert!(
                (told - truth).abs() <= error + 0.01,
                "{index}: {told} ± {error}, truly {truth}"
            );
        }
        case.gone().await;
    }
}
