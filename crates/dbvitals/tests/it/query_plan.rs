//! `dbvitals query plan`: every format of every version says the same, logs hold plans, and two plans are compared.

use std::{io::Write as _, path::Path};

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{Ran, at, dbvitals, list, text};

const VERSIONS: [PgVersion; 3] = [PgVersion::V13, PgVersion::V15, PgVersion::V18];

const FORMATS: [&str; 4] = ["text", "json", "yaml", "xml"];

const FILL: &str = "
    create table customers (id int primary key, name text, country text);
    create table orders (id int primary key, customer int references customers, status text, price numeric);
    insert into customers select n, 'Name ''' || n, 'c' || n % 20 from generate_series(1, 500) n;
    insert into orders select n, n % 500 + 1, case when n % 50 = 0 then 'open' else 'done' end, n % 97
        from generate_series(1, 30000) n;
    create index on orders (customer);
    create index on orders (status);
    create table events (id int, at date) partition by range (at);
    create table \"Events 1\" partition of events for values from ('2025-01-01') to ('2025-02-01');
    create table \"Events 2\" partition of events for values from ('2025-02-01') to ('2025-03-01');
    create table \"Events 3\" partition of events for values from ('2025-03-01') to ('2025-04-01');
    insert into events select n, date '2025-01-01' + n % 90 from generate_series(1, 9000) n;
    create function noted() returns trigger language plpgsql as 'begin return new; end';
    create trigger noted after insert or update on orders for each row execute function noted();
    create extension file_fdw;
    create server files foreign data wrapper file_fdw;
    create foreign table elsewhere (k int) server files options (program 'printf ''1\\n2\\n3\\n''', format 'csv');
    analyze customers; analyze orders; analyze events";

/// Statements of many shapes, each with the settings that make the plan.
const STATEMENTS: [(&str, &str); 21] = [
    ("", "select * from orders where price = 7 and status <> 'open' and id % 7 = 3"),
    ("", "select id from orders where id = 42"),
    (
        "set enable_seqscan = off",
        "select price from orders where status = 'open' and customer = 7 or customer in (1, 2)",
    ),
    (
        "set enable_indexscan = off",
        "select o.id, c.name from orders o join customers c on c.id = o.customer where c.country = 'c7'",
    ),
    (
        "set enable_hashjoin = off; set enable_nestloop = off",
        "select o.id, c.name from orders o left join customers c on c.id = o.customer",
    ),
    // `Memoize` from 14 on.
    (
        "set enable_hashjoin = off; set enable_mergejoin = off",
        "select c.name, o.price from orders o join customers c on c.id = o.customer",
    ),
    ("set work_mem = '64kB'", "select status, md5(id::text), sum(price) from orders group by 1, 2"),
    ("set work_mem = '64kB'", "select * from orders order by price, id"),
    (
        "set enable_hashagg = off",
        "select customer, count(distinct status) from orders group by customer having count(*) > 1",
    ),
    (
        "set enable_seqscan = off; set enable_bitmapscan = off",
        "select * from orders order by customer, price limit 100",
    ),
    (
        "",
        "with old as materialized (select * from orders where id < 9000) select a.id from old a join old b on b.id = a.id + 1 where a.price = 3",
    ),
    (
        "",
        "with recursive n as (select 1 as k union all select k + 1 from n where k < 50) select sum(k) from n",
    ),
    ("", "select at, count(*) from events where at >= '2025-02-10' group by at"),
    (
        "set enable_partitionwise_join = on",
        "select count(*) from events a join events b using (id, at)",
    ),
    (
        "set max_parallel_workers_per_gather = 2; set parallel_setup_cost = 0; set parallel_tuple_cost = 0; \
      set min_parallel_table_scan_size = 0; set parallel_leader_participation = off",
        "select count(*) from orders where price > 3",
    ),
    (
        "",
        "select id, sum(price) over (partition by customer order by id rows 3 preceding) from orders where customer < 20",
    ),
    (
        "",
        "select c.id, (select max(o.id) from orders o where o.customer = c.id) from customers c where c.id not in (select customer from orders where status = 'open')",
    ),
    (
        "",
        "select c.id, l.id from customers c, lateral (select id from orders o where o.customer = c.id order by id desc limit 2) l where c.country = 'c3'",
    ),
    ("", "update orders set price = price + 1 where id between 100 and 160"),
    (
        "",
        "insert into orders values (7, 7, 'x', 1) on conflict (id) do update set status = excluded.status returning id",
    ),
    (
        "",
        "select * from elsewhere e join (values (1, 'one'), (3, 'it''s')) v (k, word) using (k), generate_series(1, 3) g",
    ),
];

async fn shop(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version)
        .preload("auto_explain")
        .setting("autovacuum", "off")
        .setting("max_parallel_workers_per_gather", "0")
        .setting("jit", "off")
        .start()
        .unwrap();
    server.sql("postgres", FILL).await.unwrap();
    server.sql("postgres", "vacuum analyze orders").await.unwrap();
    server
}

/// What `EXPLAIN` answers, as a client writes it to a file. What a statement writes is taken back.
async fn explained(server: &Postgres, (settings, text): (&str, &str), options: &str) -> String {
    let script = format!("begin; {settings}; explain ({options}) {text}; rollback");
    let rows = server.rows("postgres", &script).await.unwrap();
    let lines = rows.into_iter().filter_map(|row| row.into_iter().next().flatten());
    lines.collect::<Vec<_>>().join("\n")
}

fn plan_of(file: &Path) -> Ran {
    dbvitals(&["query", "plan", "-q", "-f", "json", "--fail-on", "never", at(file)])
}

fn kept(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Everything a report says of a plan that cannot differ between two runs: the tree and the findings.
fn read(text: &str) -> (Value, Vec<Value>) {
    let file = kept(text);
    let report = plan_of(file.path()).ended(&[0]).json();
    let plans = list(&report, "/statements/0/plans").to_vec();
    assert_eq!(plans.len(), 1, "{text}");
    let findings = list(&report, "/findings").iter().map(|finding| {
        serde_json::json!([
            finding["check"],
            finding["subject"],
            finding["message"],
            finding["fix"]
        ])
    });
    (plans[0]["steps"].clone(), findings.collect())
}

/// Without times a plan that was executed is the same in every run, to the last number.
#[tokio::test]
async fn all_formats_of_one_plan_say_the_same() {
    for version in VERSIONS {
        let server = shop(version).await;
        let mut kinds = std::collections::BTreeSet::new();
        for statement in STATEMENTS {
            for options in [
                "analyze, timing off, summary off, verbose",
                "verbose",
                "analyze, timing off, summary off, costs off",
            ] {
                let mut first = None;
                for format in FORMATS {
                    let text =
                        explained(&server, statement, &format!("{options}, format {format}")).await;
                    let told = read(&text);
                    let steps = told.0.as_array().unwrap();
                    assert!(!steps.is_empty());
                    kinds.extend(steps.iter().map(|step| {
                        self::text(step, "/title")
                            .split(" on ")
                            .next()
                            .unwrap_or_default()
                            .to_owned()
                    }));
                    let first = first.get_or_insert_with(|| told.clone());
                    assert_eq!(
                        first.0, told.0,
                        "{version} {format} {options} {statement:?}\n{text}"
                    );
                    assert_eq!(first.1, told.1, "{version} {format} {options} {statement:?}");
                }
            }
        }
        let has = |kind: &str| kinds.iter().any(|known| known.starts_with(kind));
        for kind in [
            "Seq Scan",
            "Bitmap Heap Scan",
            "BitmapOr",
            "Hash Join",
            "Merge ",
            "Nested Loop",
            "HashAggregate",
            "GroupAggregate",
            "Sort",
            "Incremental Sort",
            "CTE Scan",
            "Recursive Union",
            "Append",
            "Gather",
            "Finalize Aggregate",
            "WindowAgg",
            "Limit",
            "Update",
            "Insert",
            "Foreign Scan",
            "Values Scan",
            "Function Scan",
        ] {
            assert!(has(kind), "{version} has no {kind}: {kinds:?}");
        }
        assert_eq!(has("Memoize"), version.major() >= 14, "{kinds:?}");
    }
}

/// With times and blocks the numbers differ from run to run; what was found where does not.
#[tokio::test]
async fn formats_with_times_have_the_same_tree() {
    for version in VERSIONS {
        let server = shop(version).await;
        for statement in STATEMENTS {
            let mut first = None;
            for format in FORMATS {
                let options = format!("analyze, buffers, wal, verbose, settings, format {format}");
                let text = explained(&server, statement, &options).await;
                let file = kept(&text);
                let report = plan_of(file.path()).ended(&[0]).json();
                let tree = &report["statements"][0]["plans"][0];
                assert!(
                    tree["is_timed"].as_bool().unwrap() && tree["planning_ms"].is_f64(),
                    "{tree}"
                );
                let nodes: Vec<_> = list(tree, "/steps")
                    .iter()
                    .map(|step| {
                        ["path", "title", "expected_rows", "rows", "loops"]
                            .map(|key| step[key].clone())
                    })
                    .collect();
                let besides: Vec<_> =
                    list(tree, "/besides").iter().map(|it| it[0].clone()).collect();
                let is_update = statement.1.starts_with("update");
                assert_eq!(
                    besides.contains(&"trigger noted".into()),
                    is_update || statement.1.starts_with("insert"),
                    "{besides:?}"
                );
                let all = (nodes, besides);
                let first = first.get_or_insert_with(|| all.clone());
                assert_eq!(*first, all, "{version} {format} {statement:?}");
            }
        }
    }
}

/// `auto_explain` writes the plan into the log, in any format, behind any prefix: it is the plan that `EXPLAIN` tells.
#[tokio::test]
async fn plans_in_a_log_are_those_of_explain() {
    for version in VERSIONS {
        let server = shop(version).await;
        for (settings, text) in [STATEMENTS[0], STATEMENTS[3], STATEMENTS[7], STATEMENTS[16]] {
            let expected = read(
                &explained(&server, (settings, text), "analyze, timing off, summary off").await,
            );
            for format in FORMATS {
                let before = server.log_text().len();
                let script = format!(
                    "{settings}; set auto_explain.log_analyze = on; set auto_explain.log_timing = off; \
                     set auto_explain.log_format = {format}; set auto_explain.log_min_duration = 0"
                );
                let client = server.client("postgres").await.unwrap();
                client.batch_execute(&script).await.unwrap();
                client.simple_query(text).await.unwrap();
                let log = server.log_text()[before..].to_owned();
                let told = read(&log);
                assert_eq!(told.0, expected.0, "{version} {format}\n{log}");
                assert_eq!(told.1, expected.1, "{version} {format}\n{log}");
            }
        }
    }
}

async fn comparison(
    server: &Postgres,
    before: (&str, &str),
    after: (&str, &str),
    codes: &[i32],
) -> Value {
    let options = "format json";
    let old = kept(&explained(server, before, options).await);
    let new = kept(&explained(server, after, "format text").await);
    let both = ["query", "plan", "-f", "json", at(old.path()), "--compare", at(new.path())];
    dbvitals(&both).ended(codes).json()
}

fn notes(sheet: &Value) -> String {
    list(sheet, "/notes").iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
}

/// What the planner chooses by its own settings, before and after, on real plans.
#[tokio::test]
async fn two_plans_are_compared_and_risks_are_told() {
    for version in VERSIONS {
        let server = shop(version).await;
        let joined =
            "select o.id from orders o join customers c on c.id = o.customer where o.id < 9";
        let hashed = "set enable_nestloop = off; set enable_mergejoin = off";
        let looped =
            "set enable_hashjoin = off; set enable_mergejoin = off; set enable_seqscan = off";
        let sheet = comparison(&server, (hashed, joined), (looped, joined), &[0, 1]).await;
        assert!(notes(&sheet).contains("new nested loop over an index"), "{sheet:#}");
        let back = comparison(&server, (looped, joined), (hashed, joined), &[0, 1]).await;
        assert!(!notes(&back).contains("Risk"), "{back:#}");

        let first = "select * from orders where price = 5 order by id limit 5";
        let sorted = "set enable_indexscan = off; set enable_bitmapscan = off";
        let sheet = comparison(&server, (sorted, first), ("", first), &[0, 1]).await;
        assert!(notes(&sheet).contains("for its order under a LIMIT"), "{sheet:#}");

        let count = "select count(*) from orders where price > 3";
        let sheet = comparison(&server, (STATEMENTS[14].0, count), ("", count), &[0, 1]).await;
        assert!(notes(&sheet).contains("runs in one process"), "{sheet:#}");

        let both = "select price from orders where customer = 50 and status = 'open'";
        let and = "set enable_seqscan = off; set enable_indexscan = off; set random_page_cost = 0.01; \
                   set cpu_tuple_cost = 10";
        let sheet =
            comparison(&server, ("set enable_bitmapscan = off", both), (and, both), &[0, 1]).await;
        assert!(notes(&sheet).contains("combines two indexes"), "{sheet:#}");

        let same = comparison(&server, ("", count), ("", count), &[0]).await;
        assert!(notes(&same).contains("Both plans have the same nodes"), "{same:#}");
    }
}

/// One message that says what is wrong and where, nothing on standard output, and the code of wrong usage.
#[test]
fn files_that_hold_no_plan_are_refused() {
    let deep = "[{\"Plan\":".repeat(100_000);
    let cut = "[{\"Plan\": {\"Node Type\": \"Seq Scan\", \"Total Cost\": 1";
    let cases: [(&[u8], &str); 9] = [
        (b"", "no plan found"),
        (b"select 1;\n", "no plan found"),
        (b"{\"a\": 1}", "no plan found"),
        (b"\xff\xfe\x00\x01\x80rubbish\x00", "no plan found"),
        (b"id,name\n1,x\n", "no plan found"),
        (b"<explain xmlns=\"http://www.postgresql.org/2009/explain\"><Query><Plan>", "line 1"),
        (b"- Plan:\n    Node Type: \"Seq Sc", "line 2"),
        (cut.as_bytes(), "line 1"),
        (deep.as_bytes(), "line 1"),
    ];
    for (bytes, wanted) in cases {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        for arguments in [&[][..], &["--compare", at(file.path())]] {
            let all = [&["query", "plan", at(file.path())][..], arguments].concat();
            let ran = dbvitals(&all).ended(&[2]);
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            assert!(ran.err.contains(wanted), "{shown:?}: {}", ran.err);
            assert_eq!(ran.err.matches("error:").count(), 1, "{}", ran.err);
            assert!(ran.out.is_empty() && ran.err.len() < 1_000, "{ran:?}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("none.json")] {
        let ran = dbvitals(&["query", "plan", at(&path)]).ended(&[2]);
        assert!(ran.err.contains("cannot read") && ran.out.is_empty(), "{ran:?}");
    }
}
