//! `query lint`: what it says of locks, of refusals and of better forms, held against servers.

use std::io::Write as _;

use dbvitals_query::{
    lint::{self, Options},
    script,
};
use dbvitals_testkit::{PgVersion, Postgres};

use crate::run::{at, dbvitals, list, text};

/// Of each rule a script it fires on, and one of the same purpose it is silent on.
const PAIRS: &str = include_str!("../../../query/src/lint/pairs.txt");

const SCHEMA: &str = "
create type pair as (a int, b int);
create type mood as enum ('sad', 'fine');
create domain d as text;
alter domain d add constraint c check (value <> 'x');
create table u (id bigint primary key);
create table t (id bigint not null, a bigint not null, b bigint, c bigint, d bigint, at timestamp, u_id bigint);
create unique index i on t (id);
create index k on t (a);
alter table t add constraint kept check (a > 0) not valid;
insert into u values (1);
insert into t values (1, 1, 1, 1, 1, '2026-01-01', 1);
create view v as select id, 1 as a from t;
create materialized view m as select id from t;
create unique index m_id on m (id);
create table p (a bigint) partition by range (a);
create table p1 partition of p for values from (0) to (10);
create table q (a bigint);
";

/// Rules about what the server refuses.
const REFUSED: &[&str] = &[
    "adding-required-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-duplicate-column-assignments",
    "index-on-partitioned-table",
    "not-in-transaction",
    "volatile-index-predicate",
];

/// Each in a transaction of its own, where the locks it holds can be seen.
const LOCKING: &[&str] = &[
    "create index on t (b)",
    "drop index k",
    "reindex table t",
    "reindex index k",
    "cluster t using i",
    "truncate q",
    "drop table q",
    "refresh materialized view m",
    "refresh materialized view concurrently m",
    "update t set a = 2",
    "delete from t",
    "alter table t add column z bigint",
    "alter table t add column z bigint references u",
    "alter table t drop column b",
    "alter table t alter c type text",
    "alter table t alter b set default 1",
    "alter table t alter b set not null",
    "alter table t alter a drop not null",
    "alter table t alter b set statistics 500",
    "alter table t alter b set (n_distinct = 5)",
    "alter table t set (fillfactor = 90)",
    "alter table t set (autovacuum_enabled = off, toast.autovacuum_enabled = off)",
    "alter table t set (user_catalog_table = true)",
    "alter table t set unlogged",
    "alter table t cluster on i",
    "alter table t replica identity full",
    "alter table t enable row level security",
    "alter table t disable trigger all",
    "alter table t add constraint x check (a > 0)",
    "alter table t add constraint x check (a > 0) not valid",
    "alter table t add constraint x foreign key (u_id) references u",
    "alter table t add constraint x foreign key (u_id) references u not valid",
    "alter table t add unique (b)",
    "alter table t add primary key using index i",
    "alter table t rename to z",
    "alter table t rename a to z",
    "alter index k rename to z",
    "alter table p attach partition q for values from (10) to (20)",
    "alter table p detach partition p1",
    "create trigger x after insert on t for each row execute function suppress_redundant_updates_trigger()",
];

async fn prepared(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version).start().unwrap();
    server.create_database("made").await.unwrap();
    server.sql("made", SCHEMA).await.unwrap();
    server
}

/// The strongest lock on a relation that this session holds.
const HELD: &str = "select mode from pg_locks where pid = pg_backend_pid() and locktype = 'relation' \
    and relation = $1::oid order by array_position(array['AccessShareLock', 'RowShareLock', \
    'RowExclusiveLock', 'ShareUpdateExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', \
    'AccessExclusiveLock'], mode) desc limit 1";

#[tokio::test]
async fn locks_are_those_the_server_takes() {
    for (version, major) in [(PgVersion::OLDEST, 13), (PgVersion::NEWEST, 18)] {
        let server = prepared(version).await;
        let client = server.client("made").await.unwrap();
        for statement in LOCKING {
            let claims = lint::locks(statement, major).unwrap();
            assert!(!claims.is_empty(), "nothing is claimed of {statement}");
            let mut before = Vec::new();
            for claim in &claims {
                let found = "select $1::text::regclass::oid";
                let row = client.query_one(found, &[&claim.table.name]).await.unwrap();
                before.push((claim, row.get::<_, u32>(0)));
            }
            client.batch_execute("begin").await.unwrap();
            client.batch_execute(statement).await.unwrap_or_else(|e| panic!("{statement}: {e:?}"));
            for (claim, oid) in before {
                let row = client.query_opt(HELD, &[&oid]).await.unwrap();
                let held = row.map(|row| row.get::<_, String>(0)).unwrap_or_default();
                assert_eq!(
                    claim.lock.mode(),
                    held,
                    "{version:?}, {statement}: {}",
                    claim.table.name
                );
            }
            client.batch_execute("rollback").await.unwrap();
        }
    }
}

/// What cannot run in a transaction, or ends one.
const ALONE: &[&str] = &["concurrently", "begin", "vacuum", "database"];

/// Runs each statement of a script where it leaves nothing, in a transaction or on a copy; the first refusal.
async fn refusal(server: &Postgres, script: &str) -> Option<String> {
    let is_alone = ALONE.iter().any(|word| script.to_lowercase().contains(word));
    let database = if is_alone { "copy" } else { "made" };
    if is_alone {
        for sql in ["drop database if exists copy", "drop database if exists d"] {
            server.sql("postgres", sql).await.unwrap();
        }
        if script.starts_with("drop database") {
            server.sql("postgres", "create database d").await.unwrap();
        }
        server.sql("postgres", "create database copy template made").await.unwrap();
    }
    let client = server.client(database).await.unwrap();
    if !is_alone {
        client.batch_execute("begin").await.unwrap();
    }
    for piece in script::split(script) {
        if let Err(error) = client.batch_execute(piece.text).await {
            return Some(format!("{}: {:?}", piece.text, error.as_db_error()));
        }
    }
    if !is_alone {
        client.batch_execute("rollback").await.unwrap();
    }
    None
}

#[tokio::test]
async fn scripts_and_what_is_advised_instead_are_taken_by_servers() {
    let lines: Vec<&str> = PAIRS.lines().collect();
    for (version, major) in [(PgVersion::OLDEST, 13), (PgVersion::NEWEST, 18)] {
        let server = prepared(version).await;
        for three in lines.chunks(3) {
            let (rule, bad) = (three[0], three[1].trim_start_matches("  bad  "));
            let good = three[2].trim_start_matches("  good ");
            if major == 18 {
                let told = refusal(&server, bad).await;
                assert_eq!(told.is_some(), REFUSED.contains(&rule), "{rule}, {bad}: {told:?}");
                let told = refusal(&server, good).await;
                assert!(told.is_none(), "{rule}, {good}: {told:?}");
            }
            let options = Options {
                version: major,
                only: vec![lint::find(rule).unwrap().name],
                ..Options::default()
            };
            for remark in lint::lint(bad, &options).remarks {
                let Some(instead) = remark.instead else { continue };
                // What the script itself made before is there when its better form runs.
                let made =
                    script::split(bad).into_iter().find(|p| p.text.starts_with("create table p2"));
                let made = made.map(|piece| piece.text).unwrap_or_default();
                let told = refusal(&server, &format!("{made};{instead}")).await;
                assert!(told.is_none(), "{version:?}, {rule}, {instead}: {told:?}");
            }
        }
    }
}

#[test]
fn scripts_are_linted_at_the_command_line() {
    let mut file = tempfile::Builder::new().suffix(".sql").tempfile().unwrap();
    file.write_all(b"set lock_timeout = '2s';\n\ncreate index i on t (a);\n").unwrap();
    let path = at(file.path()).to_owned();
    let ran = dbvitals(&["query", "lint", &path]).ended(&[1]);
    assert!(ran.out.contains(":3:1  warning  require-concurrent-index-creation"), "{}", ran.out);
    assert!(ran.out.contains("SHARE on t: every write waits"), "{}", ran.out);
    assert!(ran.out.contains("CREATE INDEX CONCURRENTLY i ON t"), "{}", ran.out);
    dbvitals(&["query", "lint", &path, "--fail-on", "critical"]).ended(&[0]);
    let without = ["query", "lint", &path, "--except", "require-concurrent-index-creation"];
    dbvitals(&without).ended(&[0]);
    let json = dbvitals(&["query", "lint", &path, "--format", "json"]).ended(&[1]).json();
    assert_eq!(text(&json, "/files/0/remarks/0/rule"), "require-concurrent-index-creation");
    let sarif = dbvitals(&["query", "lint", &path, "--format", "sarif"]).ended(&[1]).json();
    assert_eq!(list(&sarif, "/runs/0/results").len(), 1);
    let wrong = dbvitals(&["query", "lint", &path, "--rule", "ban-drop-tabel"]).ended(&[2]);
    assert!(wrong.err.contains("did you mean ban-drop-table?"), "{}", wrong.err);
    let listed = dbvitals(&["query", "lint", "--list-rules"]).ended(&[0]);
    assert!(listed.out.lines().count() >= 40);
    file.write_all(b"alter tabel t;").unwrap();
    let unread = dbvitals(&["query", "lint", &path]).ended(&[3]);
    assert!(unread.out.contains(":4:7  not understood"), "{}", unread.out);
}
