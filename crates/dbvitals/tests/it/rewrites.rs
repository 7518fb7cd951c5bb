//! What is called equivalent yields the same rows on a server: with NULLs, duplicates and no rows at all.

use dbvitals_query::{
    Statement, TableName,
    rewrite::{Catalogue, Column, Guarantee, Volatility, rewrites},
};
use dbvitals_testkit::{PgVersion, Postgres};
use tokio_postgres::{Client, SimpleQueryMessage};

const SCHEMA: &str = "create table t (id integer primary key, n integer, m integer not null, s smallint, txt text, \
    at timestamp, g uuid); \
    create table u (uid integer primary key, t_id integer, k integer not null)";

/// The catalogue of [`SCHEMA`].
struct Made;

impl Catalogue for Made {
    fn columns(&self, table: &TableName) -> Option<Vec<Column>> {
        let t: &[(&str, &str, bool)] = &[
            ("id", "integer", true),
            ("n", "integer", false),
            ("m", "integer", true),
            ("s", "smallint", false),
            ("txt", "text", false),
            ("at", "timestamp without time zone", false),
            ("g", "uuid", false),
        ];
        let u: &[(&str, &str, bool)] =
            &[("uid", "integer", true), ("t_id", "integer", false), ("k", "integer", true)];
        let columns = match table.name.as_str() {
            "t" => t,
            "u" => u,
            _ => return None,
        };
        let column = |(name, type_name, not_null): &(&str, &str, bool)| Column {
            name: (*name).into(),
            type_name: (*type_name).into(),
            is_not_null: *not_null,
        };
        Some(columns.iter().map(column).collect())
    }

    fn unique_keys(&self, table: &TableName) -> Vec<Vec<String>> {
        match table.name.as_str() {
            "t" => vec![vec!["id".into()]],
            "u" => vec![vec!["uid".into()]],
            _ => Vec::new(),
        }
    }

    fn volatility(&self, _: &str) -> Option<Volatility> {
        None
    }
}

/// Rows of a seed: few values, so that they repeat, NULL and infinity among them.
fn rows(seed: u32) -> String {
    let count = [0, 1, 7, 40][seed as usize % 4];
    let others = [40, 0, 7, 1, 12][seed as usize % 5];
    format!(
        "truncate t, u; select setseed(0.{seed}); \
         insert into t select i, nullif((random() * 5)::int, 0), (random() * 5)::int, \
         (array[null, -32768, 32767, 0, 3, 4])[1 + (random() * 5)::int], \
         (array[null, '', 'a', 'b', ' '])[1 + (random() * 4)::int], \
         (array[null, 'infinity', '-infinity', '2024-02-28 23:59:59.999999', '2024-02-29', '2024-12-31 12:00', \
         '2025-01-01', '0001-01-01 BC'])[1 + (random() * 7)::int]::timestamp, \
         (array[null, '00000000-0000-0000-0000-00000000000a'])[1 + (random())::int]::uuid \
         from generate_series(1, {count}) i; \
         insert into u select i, nullif((random() * 5)::int, 0), (random() * 5)::int from generate_series(1, {others}) i"
    )
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
        ]
        .map(str::to_owned),
    );
    all
}

/// The rows of a statement, sorted; or what the server refused it for.
async fn result(client: &Client, text: &str) -> Result<Vec<String>, String> {
    match client.simple_query(text).await {
        Ok(messages) => {
            let row = |message: SimpleQueryMessage| match message {
                SimpleQueryMessage::Row(row) => {
                    let cells: Vec<_> = (0..row.len()).map(|at| row.get(at)).collect();
                    Some(format!("{cells:?}"))
                }
                _ => None,
            };
            let mut rows: Vec<String> = messages.into_iter().filter_map(row).collect();
            rows.sort();
            Ok(rows)
        }
        Err(error) => Err(error.code().map(|code| code.code().to_owned()).unwrap_or_default()),
    }
}

#[tokio::test]
async fn what_is_called_equivalent_yields_the_same_rows() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        server.sql("postgres", SCHEMA).await.unwrap();
        let client = server.client("postgres").await.unwrap();
        let (mut proved, mut rules) = (0, std::collections::BTreeSet::new());
        for seed in 1..=9 {
            client.batch_execute(&rows(seed)).await.unwrap();
            for text in statements() {
                let statement = Statement::parse(&text).unwrap();
                for rewrite in rewrites(&statement, &Made) {
                    if let Guarantee::Equivalent { .. } = rewrite.guarantee {
                        let new = rewrite.text.unwrap();
                        let (before, after) =
                            (result(&client, &text).await, result(&client, &new).await);
                        assert_eq!(
                            before, after,
                            "{version:?}, seed {seed}, {}:\n{text}\n{new}",
                            rewrite.rule
                        );
                        proved += 1;
                        rules.insert(rewrite.rule);
                    }
                }
            }
        }
        assert!(proved > 3_000 && rules.len() >= 16, "{proved} comparisons of {rules:?}");
    }
}

#[tokio::test]
async fn what_is_only_suggested_may_yield_other_rows() {
    let server = Postgres::builder(PgVersion::NEWEST).start().unwrap();
    server.sql("postgres", SCHEMA).await.unwrap();
    let client = server.client("postgres").await.unwrap();
    let data =
        "insert into t (id, m, n) values (1, 1, 2147483647); insert into u values (1, null, 1)";
    client.batch_execute(data).await.unwrap();
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
        assert_ne!(result(&client, text).await, result(&client, &new).await, "{text}");
    }
}
