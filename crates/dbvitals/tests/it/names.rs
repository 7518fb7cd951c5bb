//! Names that mean harm, and texts that are no text: shown harmlessly, quoted in fixes.

use std::fs;

use dbvitals_testkit::{PgVersion, Postgres};

use crate::run::{at, audit, broken, dbvitals, findings, list, text};

/// 63 bytes, the longest that fits.
const LONGEST: &str = "a_name_that_is_as_long_as_a_name_can_be_and_not_a_single_byte_1";

const NAMES: [&str; 6] = [
    "it's \"quoted\"; drop table x; --",
    "two\nlines\tand a tab",
    "<script>alert(1)</script>",
    "🐘 elephant | *bold* `code`",
    "\u{1b}[31mred\u{202e}txet",
    LONGEST,
];

fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A database, and in it a schema, a table, a role and two equal indexes, all with this name.
async fn fill(server: &Postgres, name: &str) {
    let quoted = ident(name);
    server.sql("postgres", &format!("create database {quoted}")).await.unwrap();
    // An index may not be called like its table.
    let (first, second) = (ident(&shorter(name, "2")), ident(&shorter(name, "3")));
    let make = format!(
        "create role {quoted} login; create schema {quoted}; \
         create table {quoted}.{quoted} ({quoted} text); \
         create index {first} on {quoted}.{quoted} ({quoted}); \
         create index {second} on {quoted}.{quoted} ({quoted}); \
         insert into {quoted}.{quoted} select 'x' || g from generate_series(1, 20000) g; analyze; \
         alter table {quoted}.{quoted} owner to {quoted}"
    );
    server.sql(name, &make).await.unwrap();
}

/// The name with its last byte replaced, so that it stays as long as allowed.
fn shorter(name: &str, end: &str) -> String {
    let mut text = name.to_owned();
    text.pop();
    text + end
}

#[tokio::test]
async fn odd_names_are_shown_harmlessly_and_quoted_in_fixes() {
    assert_eq!(LONGEST.len(), 63);
    let server = Postgres::builder(PgVersion::V18).setting("autovacuum", "off").start().unwrap();
    for name in NAMES {
        fill(&server, name).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let files = ["r.html", "r.md", "r.xml", "r.sarif"].map(|name| folder.path().join(name));
    let snapshot = folder.path().join("s.json");
    let url = server.monitor_url("postgres");
    let mut arguments = vec![url.as_str(), "--save-snapshot", at(&snapshot)];
    for file in &files {
        arguments.extend(["-o", at(file)]);
    }
    let report = audit(&arguments).ended(&[0]).json();
    assert!(broken(&report).is_empty(), "{:?}", broken(&report));

    let duplicates = findings(&report, "pg-duplicate-index");
    for name in NAMES {
        let mine = |f: &&&serde_json::Value| text(f, "/subject/database") == name;
        let finding = duplicates.iter().find(mine).unwrap_or_else(|| panic!("{name:?}: {report}"));
        let statements = list(finding, "/fix/statements");
        assert!(!statements.is_empty(), "{finding}");
        for statement in statements {
            server.sql(name, statement.as_str().unwrap()).await.unwrap();
        }
        let left = "select count(*) from pg_indexes where tablename = current_database()";
        assert_eq!(server.scalar(name, left).await.unwrap(), "1", "the fix drops one of {name:?}");
        for statement in list(finding, "/fix/undo") {
            server.sql(name, statement.as_str().unwrap()).await.unwrap();
        }
        assert_eq!(server.scalar(name, left).await.unwrap(), "2", "the undo makes it again");
    }

    let page = fs::read_to_string(&files[0]).unwrap();
    assert!(!page.contains("<script>alert") && page.contains("&#60;script&#62;alert"));
    let from = ["audit", "--from", at(&snapshot), "--all"];
    let shown = dbvitals(&from).out;
    let markdown = fs::read_to_string(&files[1]).unwrap();
    for text in [&shown, &markdown] {
        // A statement to be pasted keeps its lines and tabs; nothing may steer the terminal.
        let bad = |c: char| (c.is_control() && !"\n\t".contains(c)) || c == '\u{202e}';
        assert!(!text.contains(bad), "{:?}", text.lines().find(|line| line.contains(bad)));
    }
    assert!(shown.contains(LONGEST) && shown.contains('🐘'));
}

#[tokio::test]
async fn statements_with_bytes_that_are_no_text() {
    let server = Postgres::builder(PgVersion::V16).preload("pg_stat_statements").start().unwrap();
    let make =
        "create database raw template template0 encoding 'SQL_ASCII' lc_collate 'C' lc_ctype 'C'";
    server.sql("postgres", make).await.unwrap();
    for database in ["postgres", "raw"] {
        server.sql(database, "create extension pg_stat_statements").await.unwrap();
    }
    // A table, a comment and a statement with bytes that no encoding has.
    let odd = "set pg_stat_statements.track = 'all'; \
        do $do$ declare bad text := encode('\\xfffec3'::bytea, 'escape'); raw text; begin \
        raw := convert_from('\\xfffec3'::bytea, 'SQL_ASCII'); \
        execute 'create table \"t' || raw || '\" (n int)'; \
        for i in 1..200 loop \
        execute 'select count(*) as \"c' || raw || '\" from generate_series(1, 10000)'; end loop; \
        end $do$";
    server.sql("raw", odd).await.unwrap();
    for database in ["postgres", "raw"] {
        let report = audit(&[&server.superuser_url(database)]).ended(&[0]).json();
        assert!(broken(&report).is_empty(), "{database}: {:?}", broken(&report));
        let sections = list(&report, "/coverage/sections").iter();
        let statements = sections.filter(|s| text(s, "/section").starts_with("statements"));
        assert!(statements.clone().count() > 0);
        for section in statements {
            assert_eq!(section["collected"], true, "{database}: {section}");
        }
    }
}
