//! Every statement that a fix offers is a statement PostgreSQL can read.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use dbvitals_testkit::{PgVersion, Postgres};
use serde_json::Value;

use crate::run::{at, audit, dbvitals, list, text};

/// Conditions that many checks look for, made small; thresholds are lowered to meet them.
const CONDITIONS: &str = r#"
create extension pg_stat_statements;
create table parent (id int primary key, label text, tags text[], flag bool);
create table child (id int primary key, parent_id int references parent, other bigint, note text);
create index child_note on child (note);
create index child_note_again on child (note);
create index child_note_other on child (note, other);
create index parent_tags on parent (tags);
create index parent_flag on parent (flag);
create table no_key (n int, t timestamp, j json, c char(10));
create table off (n int) with (autovacuum_enabled = false);
create table "Odd ""Name"" 1" (id serial primary key, "select" text);
create index "Odd index'; --" on "Odd ""Name"" 1" ("select");
create unlogged table fleeting (n int);
create table parts (day date, n int) partition by range (day);
create table parts_1 partition of parts for values from ('2020-01-01') to ('2020-02-01');
create table parts_rest partition of parts default;
insert into parts values ('2024-05-05', 1);
create sequence nearly as smallint;
create table small_key (id smallserial primary key, n int);
select setval('small_key_id_seq', 32000);
select setval('nearly', 32000);
insert into parent select g, 'x' || g, array['a'], g % 2 = 0 from generate_series(1, 3000) g;
insert into child select g, 1 + g % 3000, g, repeat('y', 100) from generate_series(1, 3000) g;
insert into no_key select g from generate_series(1, 2000) g;
analyze;
update child set note = note || 'z';
delete from no_key where n % 2 = 0;
alter table child add constraint late check (other > 0) not valid;
create role spare login superuser;
create role open_role login password 'open_role';
grant all on child to public;
create function definer() returns int language sql security definer as 'select 1';
create table policed (n int);
create policy p on policed using (true);
select lo_create(0);
create publication everything for all tables;
"#;

/// A configuration that sets every threshold to one end of its range.
fn thresholds(end: &str, path: &Path) {
    let checks = dbvitals(&["checks", "--format", "json"]).ended(&[0]).json();
    let mut file = String::new();
    for check in checks.as_array().unwrap() {
        writeln!(file, "[checks.{}]", text(check, "/id")).unwrap();
        for threshold in list(check, "/thresholds") {
            writeln!(file, "{} = {}", text(threshold, "/key"), threshold[end]).unwrap();
        }
    }
    fs::write(path, file).unwrap();
}

/// Every statement of the fixes of PostgreSQL targets, with the check it belongs to.
fn statements(report: &Value) -> BTreeSet<(String, String)> {
    let postgres: Vec<&str> = list(report, "/targets")
        .iter()
        .filter(|target| text(target, "/kind") == "postgres")
        .map(|target| text(target, "/name"))
        .collect();
    list(report, "/findings")
        .iter()
        .filter(|finding| postgres.contains(&text(finding, "/target")))
        .flat_map(|finding| {
            let all = ["/fix/statements", "/fix/undo"].map(|pointer| list(finding, pointer));
            all.into_iter()
                .flatten()
                .map(|s| (text(finding, "/check").to_owned(), s.as_str().unwrap().to_owned()))
        })
        .collect()
}

#[tokio::test]
async fn every_offered_statement_parses() {
    let server = Postgres::builder(PgVersion::NEWEST)
        .preload("pg_stat_statements")
        .setting("wal_level", "logical")
        .setting("max_prepared_transactions", "5")
        .setting("password_encryption", "md5")
        .setting("autovacuum", "off")
        .hba("host all all 10.0.0.0/8 trust")
        .start()
        .unwrap();
    server.create_database("conditions").await.unwrap();
    server.sql("conditions", CONDITIONS).await.unwrap();
    let prepared = "begin; insert into off values (1); prepare transaction 'left ''behind'";
    server.sql("conditions", prepared).await.unwrap();
    let slot = "select pg_create_physical_replication_slot('forgotten', true)";
    server.sql("postgres", slot).await.unwrap();
    let idle = server.client("conditions").await.unwrap();
    idle.batch_execute("begin; select count(*) from child").await.unwrap();

    let folder = tempfile::tempdir().unwrap();
    let snapshot = folder.path().join("snapshot.json");
    let url = server.superuser_url("conditions");
    audit(&[&url, "--save-snapshot", at(&snapshot)]).ended(&[0]);
    let mut all = BTreeSet::new();
    for end in ["min", "max", "default"] {
        let config = folder.path().join(format!("{end}.toml"));
        thresholds(end, &config);
        let report = audit(&["--from", at(&snapshot), "--config", at(&config)]).ended(&[0]).json();
        all.extend(statements(&report));
    }
    let kinds: BTreeSet<&str> = all.iter().map(|(check, _)| check.as_str()).collect();
    assert!(kinds.len() >= 20, "fixes of only {} checks were seen: {kinds:?}", kinds.len());

    let client = server.client("conditions").await.unwrap();
    let mut wrong = Vec::new();
    for (check, statement) in &all {
        // The whole text is parsed before its first statement runs; that one fails, and nothing else runs.
        let text = format!("select 1 / 0;\n{statement}");
        let error = client.batch_execute(&text).await.unwrap_err();
        if error.code().map(tokio_postgres::error::SqlState::code) != Some("22012") {
            wrong.push(format!("{check}: {statement}\n    {:?}", error.as_db_error()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
