//! What is called equivalent yields the same rows on a server: with NULLs, duplicates and no rows at all.

use std::collections::BTreeSet;

use dbvitals_postgres::{
    Target,
    scratch::{Compared, Pair, Place, Scratch},
};
use dbvitals_query::{
    Statement, TableName,
    rewrite::{Catalogue, Column, Guarantee, Volatility, rewrites},
    verify::{self, Dice, Pools, Table, TableColumn},
};
use dbvitals_testkit::{PgVersion, Postgres, shared};

const T: &[(&str, &str, bool)] = &[
    ("id", "integer", true),
    ("n", "integer", false),
    ("m", "integer", true),
    ("s", "smallint", false),
    ("txt", "text", false),
    ("at", "timestamp without time zone", false),
    ("g", "uuid", false),
];
const U: &[(&str, &str, bool)] =
    &[("uid", "integer", true), ("t_id", "integer", false), ("k", "integer", true)];

/// Contents of the tables that are tried.
const ROUNDS: usize = 8;

/// The tables of all statements here.
fn tables() -> Vec<Table> {
    let one = |name: &str, columns: &[(&str, &str, bool)]| Table {
        schema: "public".into(),
        name: name.into(),
        columns: columns
            .iter()
            .map(|(name, type_name, is_not_null)| TableColumn::new(name, type_name, *is_not_null))
            .collect(),
        keys: vec![vec![columns[0].0.into()]],
        ..Table::default()
    };
    vec![one("t", T), one("u", U)]
}

/// Their catalogue.
struct Made;

impl Catalogue for Made {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        let found = tables().into_iter().find(|it| it.name == table.name)?;
        let column = |column: TableColumn| Column {
            name: column.name,
            type_name: column.type_name,
            is_not_null: column.is_not_null,
        };
        Some(found.columns.into_iter().map(column).collect())
    }

    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>> {
        tables().into_iter().find(|it| it.name == table.name).map(|it| it.keys).unwrap_or_default()
    }

    fn volatility(&self, _: &str) -> Option<Volatility> {
        None
    }
}

fn place(server: &Postgres) -> Place {
    let target = Target::parse(&server.superuser_url("postgres"), &|_: &str| None).unwrap();
    Place::new(target)
}

async fn made(place: &Place) -> Scratch {
    let mut scratch = place.open().await.unwrap();
    for definition in verify::definitions(&tables()) {
        scratch.run(&[definition.sql]).await.unwrap();
    }
    scratch
}

async fn compared(scratch: &mut Scratch, before: &str, after: &str) -> Compared {
    let written = if before.starts_with("select") || before.starts_with("with x as materialized") {
        Vec::new()
    } else {
        vec!["t".to_owned(), "u".to_owned()]
    };
    let pair = Pair { before, after, values: &[], written: &written, resets: &[] };
    scratch.compare(&pair).await.unwrap()
}

/// Conditions on `t` that some rule rewrites.
fn conditions() -> Vec<String> {
    let mut all = Vec::new();
    for op in ["=", "<", "<=", ">", ">="] {
        for side in [
            "at::date",
            "date_trunc('day', at)",
            "date_trunc('month', at)",
            "date_trunc('year', at)",
        ] {
            for day in
                ["2024-02-28", "2024-02-01", "2024-01-01", "2024-12-01", "2025-01-01", "2024-12-31"]
            {
                all.push(format!("{side} {op} '{day}'"));
                all.push(format!("'{day}' {op} {side}"));
            }
        }
        for year in [2024, 2025, 1] {
            all.push(format!("extract(year from at) {op} {year}"));
        }
        for k in [1, -4, 40_000] {
            all.push(format!("s + {k} {op} 4"));
            all.push(format!("{k} + s {op} 7"));
            all.push(format!("s - {k} {op} 2"));
        }
        all.push(format!("(select count(*) from u where u.t_id = t.id) {op} 0"));
        all.push(format!("(select count(*) from u where u.t_id = t.n and k > 1) {op} 1"));
    }
    for op in ["=", "<>"] {
        all.push(format!("coalesce(txt, '') {op} ''"));
        all.push(format!("coalesce(n, 2) {op} 2"));
        all.push(format!("id::text {op} '3'"));
        all.push(format!("n::varchar {op} '-1'"));
        all.push(format!("g::text {op} '00000000-0000-0000-0000-00000000000a'"));
        all.push(format!("(select count(*) from u) {op} 0"));
    }
    all.extend(
        [
            "n = 1 or n = 2 or 3 = n",
            "txt = '' or txt = 'a'",
            "id not in (select k from u)",
            "id not in (select k from u where t_id = t.n)",
            "m not in (select distinct uid from u order by uid)",
            "id in (select t_id from u order by k)",
            "true and n = 1",
            "1 = 1",
        ]
        .map(str::to_owned),
    );
    all
}

fn statements() -> Vec<String> {
    let mut all = Vec::new();
    for condition in conditions() {
        all.push(format!("select * from t where {condition}"));
        all.push(format!("select id from t where not ({condition})"));
        all.push(format!("select id, {condition} from t"));
        all.push(format!("select t.id from u left join t on t.id = u.t_id and ({condition})"));
    }
    all.extend(
        [
            "select 'a' as tag, id, n from t union select 'b', uid, k from u",
            "select 1, count(*) from t union select 2, max(k) from u",
            "select distinct id, txt from t",
            "select distinct t.*, u.uid from t join u on u.t_id = t.n",
            "select distinct t.id, u.uid from t, u where t.n < u.k",
            "select count(*), min(n) from (select * from t order by n) x",
            "select txt, max(n) from (select * from t order by id desc) x group by txt",
            "select n, count(*) from t group by n having n > 2",
            "select n, m, count(*) from t where m > 0 group by n, m having n = 1 and count(*) > 1 and m < 4",
            "select n from t group by n having n is null",
            "select u.uid, u.k from u left join t on t.id = u.t_id",
            "select u.k from u left join t on u.k = t.id and t.n > 1 where u.t_id is not null",
            "select t.id, u.uid, u.k from t join u on u.t_id = t.id where t.n = 1 or u.k = 2",
            "select * from t, u where (txt = 'a' or t.n = 1 or u.k = 2) and t.m > 1",
            "select distinct t.n from t join u on u.t_id = t.id where t.n = 1 or u.k = 2 order by t.n",
            "select t.id, (select sum(k) from u where u.t_id = t.id and k > 1) from t where t.n = 1",
            "select id, (select count(*) from u where t_id = n) as many, m from t",
            "select id, (select count(distinct k) from u where t_id = n and u.k = t.s) from t",
            "select id, (select coalesce(avg(k), -1) from u where t_id = n) from t",
            "select uid, (select txt from t where t.id = u.t_id), (select m from t where t.id = u.k) + 1 from u",
            "select id from t where m > (select coalesce(max(k), 0) from u where u.t_id = t.id)",
            "select id, (select bool_or(k > 2) from u where u.t_id = t.n) from t left join u as x on x.k = t.id",
            "with x as materialized (select * from t where n = 1) select * from x where id = 2",
            "select * from (select * from t) x order by id offset 0",
            "select distinct id, lower(txt) from t",
            "select (select count(*) from u) > 0, n from t",
            "update t set n = 7 where id not in (select k from u) returning (n = 1 or n = 7), id",
            "delete from u where (select count(*) from t where t.id = u.t_id) > 0 returning coalesce(t_id, 1) = 1",
            "insert into u select distinct id + 100, n, m from t where n = 1 or n = 2",
            "insert into t (id, m) select uid, k from u on conflict (id) do update set m = excluded.m \
             where t.n = 1 or t.n = 2",
            "with gone as (delete from u where k = 1 or k = 2 returning uid) select count(*) from gone",
        ]
        .map(str::to_owned),
    );
    all
}

#[tokio::test]
async fn what_is_called_equivalent_yields_the_same_rows() {
    // Texts of equal meaning are compared once on each content of the tables.
    let mut pairs = Vec::new();
    for text in statements() {
        let statement = Statement::parse(&text).unwrap();
        for rewrite in rewrites(&statement, &Made) {
            if let Guarantee::Equivalent { .. } = rewrite.guarantee {
                pairs.push((rewrite.rule, text.clone(), rewrite.text.unwrap()));
            }
        }
    }
    let rules: BTreeSet<&str> = pairs.iter().map(|pair| pair.0).collect();
    assert!(pairs.len() > 400 && rules.len() >= 16, "{} pairs of {rules:?}", pairs.len());
    let literals = Statement::parse("select 'a', '2024-02-28', '2024-12-01', -1").unwrap();
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let place = place(shared(version).unwrap());
        let mut scratch = made(&place).await;
        let mut pools = Pools::new();
        for (_, of, _) in T.iter().chain(U) {
            let candidates = verify::candidates(of, &verify::constants(&literals), &[], &pools);
            let values = scratch.accepted(of, candidates).await.unwrap();
            pools.insert((*of).to_owned(), values);
        }
        let mut dice = Dice::new(7);
        for number in 0..ROUNDS {
            let round = verify::round(number, &tables(), &[], &pools, &mut dice);
            scratch.run(&round.statements(&tables())).await.unwrap();
            for (rule, before, after) in &pairs {
                let found = compared(&mut scratch, before, after).await;
                assert!(
                    matches!(found, Compared::Same(_)),
                    "{version:?}, {rule}:\n{before}\n{after}\n{}\n{found:?}",
                    round.in_words(&tables())
                );
            }
        }
        drop(scratch);
        place.remove().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_only_suggested_may_yield_other_rows() {
    let place = place(shared(PgVersion::NEWEST).unwrap());
    let mut scratch = made(&place).await;
    let data =
        "insert into t (id, m, n) values (1, 1, 2147483647); insert into u values (1, null, 1)";
    scratch.run(&[data.to_owned()]).await.unwrap();
    for text in [
        "select id from t where id not in (select t_id from u)",
        "select id from t where n + 1 > 0",
    ] {
        let statement = Statement::parse(text).unwrap();
        let found = rewrites(&statement, &Made);
        assert!(
            found.iter().all(|it| matches!(it.guarantee, Guarantee::Suggestion { .. })),
            "{text}"
        );
        let new = found[0].text.clone().unwrap();
        let found = compared(&mut scratch, text, &new).await;
        assert!(matches!(found, Compared::Different(..)), "{text}: {found:?}");
    }
    drop(scratch);
    place.remove().await.unwrap();
}
