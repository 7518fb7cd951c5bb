//! Comparing tells right rewrites from wrong ones.

mod own_types;

use dbvitals_query::{
    TableName,
    rewrite::{Catalogue, Column, Volatility},
    verify::TableColumn,
};
use dbvitals_testkit::{PgVersion, Postgres, shared};

use super::*;

fn table(name: &str, columns: &[(&str, &str, bool)], key: &str) -> Table {
    let column = |(name, type_name, is_not_null): &(&str, &str, bool)| {
        TableColumn::new(name, type_name, *is_not_null)
    };
    Table {
        schema: "public".to_owned(),
        name: name.to_owned(),
        columns: columns.iter().map(column).collect(),
        keys: vec![vec![key.to_owned()]],
        ..Table::default()
    }
}

fn tables() -> Vec<Table> {
    vec![
        table(
            "t",
            &[("id", "integer", true), ("n", "integer", false), ("txt", "text", false)],
            "id",
        ),
        table("u", &[("uid", "integer", true), ("t_id", "integer", false)], "uid"),
    ]
}

fn place(server: &Postgres) -> Place {
    let environment = |_: &str| None;
    let target = dbvitals_postgres::Target::parse(&server.superuser_url("postgres"), &environment);
    Place::new(target.unwrap())
}

/// Statement, another, and what of the answer must be there.
const CASES: &[(&str, &str, &str)] = &[
    ("select id from t where n = 1 or n = 2", "select id from t where n in (1, 2)", "verified"),
    // NULL is not false.
    ("select id from t where n = 1", "select id from t where not (n <> 1) or n is null", "NULL"),
    ("select id from t where not (n = 1)", "select id from t where n <> 1 or n is null", "NULL"),
    // Duplicates count.
    ("select n from t", "select distinct n from t", "rows and the rewritten one"),
    (
        "select t.id from t, u where t_id = n union select 0",
        "select t.id from t, u where t_id = n union all select 0",
        "rows",
    ),
    // An empty table.
    ("select count(*) from t", "select count(*) from t having count(*) > 0", "no rows"),
    // Constants of the statement are among the data.
    ("select id from t where txt = 'rare'", "select id from t where txt = 'rarer'", "'rare'"),
    ("select id from t where n > $1", "select id from t where n >= $1", "$1 = "),
    ("update t set n = 1 where n = 2", "update t set n = 1 where n = 3", "then holds"),
    ("select n from t", "select n::bigint from t", "n integer, and n bigint when rewritten"),
    ("select n from t", "select n as m from t", "m integer when rewritten"),
    ("select 1 / n from t", "select 1 / nullif(n, 0) from t", "SQLSTATE 22012"),
    ("select n from t", "select n from", "refuses the rewritten statement"),
    (
        "select n from t limit 1",
        "select max(n) as n from t limit 1",
        "does not follow from the data alone",
    ),
    (
        "select 1 / 0 from t right join (select 1) x on true",
        "select 1 / 0 from (select 1) x",
        "refuses both",
    ),
];

#[tokio::test]
async fn a_wrong_rewrite_is_caught_with_an_example() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = shared(version).unwrap();
        let place = place(server);
        let mut scratch = place.open().await.unwrap();
        for (text, other, wanted) in CASES {
            let statement = Statement::parse(text).unwrap();
            let copied = Copied {
                definitions: verify::definitions(&tables()).split_off(1),
                tables: tables(),
                constants: verify::constants(&statement),
                ..Copied::default()
            };
            let mut trial = Trial::new(&mut scratch, text, &statement, copied).await.unwrap();
            let mut advice = RewriteAdvice {
                is_equivalent: true,
                text: Some((*other).to_owned()),
                ..RewriteAdvice::default()
            };
            trial.judge(vec![&mut advice]).await;
            let told = advice.verification.clone().unwrap();
            if *wanted == "verified" {
                assert!(advice.is_equivalent && told.trouble.is_none(), "{text}: {told:?}");
                assert_eq!(told.comparisons as usize, ROUNDS);
                assert!(told.with_rows > 5, "{told:?}");
                continue;
            }
            let said = told.counterexample.as_ref().or(told.trouble.as_ref());
            assert!(said.is_some_and(|said| said.contains(wanted)), "{text}: {told:?}");
            assert_eq!(advice.is_equivalent, told.counterexample.is_none(), "{text}");
        }
        drop(scratch);
        place.remove().await.unwrap();
        let left = format!("select count(*) from pg_database where datname = '{}'", place.name());
        assert_eq!(server.scalar("postgres", &left).await.unwrap(), "0");
    }
}

#[tokio::test]
async fn a_database_that_was_only_begun_is_dropped_too() {
    let server = shared(PgVersion::NEWEST).unwrap();
    let place = place(server);
    // Nothing was begun: nothing is asked.
    place.remove().await.unwrap();
    {
        let mut opening = Box::pin(place.open());
        // Leaves off as soon as the database is being made.
        let begun = "select count(*) > 0 from pg_stat_activity where query like 'CREATE DATABASE \"dbvitals_verify%'";
        tokio::select! {
            _ = &mut opening => {}
            seen = server.wait_until("postgres", begun) => seen.unwrap(),
        }
    }
    place.remove().await.unwrap();
    let left = format!("select count(*) from pg_database where datname = '{}'", place.name());
    assert_eq!(server.scalar("postgres", &left).await.unwrap(), "0");
}

#[test]
fn nothing_is_executed_that_may_reach_out() {
    struct Steady;
    impl Catalogue for Steady {
        fn columns(&self, _: &TableName) -> Option<Vec<Column>> {
            None
        }
        fn unique_keys(&self, _: &TableName) -> Vec<Vec<String>> {
            Vec::new()
        }
        fn volatility(&self, function: &str) -> Option<Volatility> {
            (function == "concat").then_some(Volatility::Stable)
        }
    }
    let call = |text: &str| verify::unsteady_call(&Statement::parse(text).unwrap(), &Steady);
    assert_eq!(call("select concat(n) from t"), None);
    assert_eq!(call("select pg_read_file('x') from t").as_deref(), Some("pg_read_file"));
}
