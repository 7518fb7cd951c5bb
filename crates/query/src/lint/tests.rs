//! Every rule fires, and stays silent on the form that is safe.

use super::*;
use crate::script;

/// Rule, a script it fires on, a script of the same purpose it is silent on.
const PAIRS: &[(&str, &str, &str)] = &[
    (
        "adding-field-with-default",
        "alter table t add column c uuid default gen_random_uuid()",
        "alter table t add column c bigint default 1",
    ),
    (
        "adding-field-with-default",
        "alter table t add column c bigserial",
        "alter table t add column c timestamptz default now()",
    ),
    (
        "adding-field-with-default",
        "alter table t add column c bigint generated always as (a + 1) stored",
        "alter table t add column c bigint generated always as (a + 1) virtual",
    ),
    (
        "adding-foreign-key-constraint",
        "alter table t add foreign key (u_id) references u",
        "alter table t add foreign key (u_id) references u not valid",
    ),
    (
        "adding-not-null-field",
        "alter table t alter c set not null",
        "alter table t add constraint n check (c is not null and d > 0) not valid; alter table t validate constraint n; alter table t alter c set not null",
    ),
    (
        "adding-not-null-field",
        "alter table t add constraint n check (d is not null) not valid; alter table t validate constraint n; alter table t alter c set not null",
        "alter table t add constraint n not null c not valid",
    ),
    (
        "adding-primary-key-constraint",
        "alter table t add primary key (id)",
        "alter table t add constraint p primary key using index i",
    ),
    (
        "adding-required-field",
        "alter table t add column c bigint not null",
        "alter table t add column c bigint not null default 0",
    ),
    (
        "alter-type-in-use",
        "alter type pair alter attribute a type bigint",
        "alter type pair add attribute c bigint",
    ),
    (
        "ban-alter-domain-with-add-constraint",
        "alter domain d add constraint c check (value > 0)",
        "alter domain d drop constraint c",
    ),
    ("ban-char-field", "create table x (c char(3))", "create table x (c \"char\")"),
    (
        "ban-concurrent-index-creation-in-transaction",
        "begin; create index concurrently i on t (a); commit",
        "create index concurrently i on t (a)",
    ),
    (
        "ban-concurrent-index-creation-in-transaction",
        "begin; drop index concurrently i; commit",
        "drop index concurrently i",
    ),
    (
        "ban-create-domain-with-constraint",
        "create domain d as text check (value <> '')",
        "create domain d as text",
    ),
    (
        "ban-drop-column",
        "alter table t drop column c",
        "create table t (c bigint); alter table t drop column c",
    ),
    ("ban-drop-database", "drop database d", "create database d"),
    (
        "ban-drop-not-null",
        "alter table t alter c drop not null",
        "alter table t alter c set default 1",
    ),
    ("ban-drop-table", "drop table t", "create table t (id bigint); drop table t"),
    (
        "ban-duplicate-column-assignments",
        "update t set a = 1, a = 2 where id = 1",
        "update t set a[1] = 1, a[2] = 2 where id = 1",
    ),
    ("ban-truncate-cascade", "truncate t cascade", "truncate t, u"),
    ("ban-uncommitted-transaction", "begin; select 1", "begin; select 1; commit"),
    (
        "changing-column-type",
        "alter table t alter c type bigint",
        "create table t (c text); alter table t alter c type varchar",
    ),
    (
        "cluster",
        "cluster t using i",
        "create table t (id bigint); create index i on t (id); cluster t using i",
    ),
    (
        "constraint-missing-not-valid",
        "alter table t add constraint c check (a > 0)",
        "alter table t add constraint c check (a > 0) not valid",
    ),
    ("delete-without-where", "delete from t", "delete from t where id = 1"),
    (
        "disallow-unique-constraint",
        "alter table t add constraint k unique (a, b)",
        "alter table t add constraint k unique using index i",
    ),
    (
        "identifier-too-long",
        "select 1 as aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg",
        "select 'aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggg' as a",
    ),
    (
        "index-on-partitioned-table",
        "create table p (a bigint) partition by range (a); create index concurrently on p (a)",
        "create table p (a bigint) partition by range (a); create index on p (a)",
    ),
    ("not-in-transaction", "begin; vacuum t; commit", "vacuum t"),
    ("prefer-bigint-over-int", "create table x (a int)", "create table x (a bigint)"),
    (
        "prefer-bigint-over-smallint",
        "alter table t add column c smallint",
        "alter table t add column c bigint",
    ),
    (
        "prefer-identity",
        "create table x (id bigserial)",
        "create table x (id bigint generated always as identity)",
    ),
    (
        "prefer-robust-stmts",
        "create table x (id bigint); alter table t add column c bigint",
        "create table if not exists x (id bigint); alter table t add column if not exists c bigint",
    ),
    (
        "prefer-robust-stmts",
        "create index i on t (a); select 1",
        "begin; create index i on t (a); select 1; commit",
    ),
    ("prefer-text-field", "create table x (a varchar(20))", "create table x (a varchar, b text)"),
    ("prefer-timestamptz", "create table x (a timestamp)", "create table x (a timestamptz)"),
    ("renaming-column", "alter table t rename column a to z", "alter view v rename column a to z"),
    ("renaming-table", "alter table t rename to z", "alter index i rename to z"),
    (
        "require-concurrent-index-creation",
        "create index on t (a)",
        "create table t (a bigint); create index on t (a)",
    ),
    ("require-concurrent-index-deletion", "drop index i, k", "drop index concurrently i"),
    (
        "require-concurrent-partition-detach",
        "alter table p detach partition p1",
        "alter table p detach partition p1 concurrently",
    ),
    (
        "require-concurrent-refresh",
        "refresh materialized view m",
        "refresh materialized view concurrently m",
    ),
    ("require-concurrent-reindex", "reindex table t", "reindex (concurrently) table t"),
    ("require-concurrent-reindex", "reindex index i", "reindex index concurrently i"),
    (
        "require-enum-value-ordering",
        "alter type mood add value 'glad'",
        "alter type mood add value 'glad' before 'sad'",
    ),
    (
        "require-timeout-settings",
        "alter table t set logged",
        "set lock_timeout = '1s'; alter table t set logged",
    ),
    (
        "require-timeout-settings",
        "alter table t add constraint c check (a > 0) not valid",
        "alter table t validate constraint c",
    ),
    (
        "several-heavy-locks-in-one-transaction",
        "begin; alter table t set logged; alter table u set logged; commit",
        "begin; alter table t set logged; commit; begin; alter table u set logged; commit",
    ),
    (
        "update-without-where",
        "update t set a = 1",
        "update t set a = 1 where id between 1 and 1000",
    ),
    ("vacuum-full", "vacuum full t", "vacuum (full off, analyze) t"),
    (
        "volatile-index-predicate",
        "create index concurrently i on t (a) where at > now()",
        "create index concurrently i on t (a) where at > '2026-01-01'",
    ),
    (
        "volatile-index-predicate",
        "create index concurrently i on t (a) where at::date > current_date",
        "create index concurrently i on t (lower(a))",
    ),
];

fn fires(text: &str, rule: &str) -> bool {
    let linted = lint(text, &Options::default());
    assert!(linted.unread.is_empty(), "{text}: {:?}", linted.unread);
    linted.remarks.iter().any(|remark| remark.rule.name == rule)
}

#[test]
fn each_rule_fires_and_is_silent_on_the_safe_form() {
    for (rule, bad, good) in PAIRS {
        assert!(fires(bad, rule), "{rule} is silent on {bad}");
        assert!(!fires(good, rule), "{rule} fires on {good}");
    }
}

#[test]
fn every_rule_is_held_by_a_pair_or_is_optional() {
    assert!(RULES.is_sorted_by_key(|rule| rule.name));
    for rule in RULES.iter().filter(|rule| !rule.is_optional) {
        assert!(PAIRS.iter().any(|pair| pair.0 == rule.name), "{} has no pair", rule.name);
    }
}

/// What the advice itself may still be told: to drop the constraint that only proved something is meant.
fn remaining(text: &str, version: u32) -> Vec<&'static str> {
    let text = format!("set lock_timeout = '2s'; {text}");
    let linted = lint(&text, &Options { version, ..Options::default() });
    assert!(linted.unread.is_empty(), "{text}: {:?}", linted.unread);
    linted.remarks.iter().map(|remark| remark.rule.name).collect()
}

#[test]
fn what_is_advised_instead_is_clean() {
    let mut seen = 0;
    for (_, bad, _) in PAIRS {
        for version in [13, 18] {
            let linted = lint(bad, &Options { version, ..Options::default() });
            for remark in linted.remarks {
                let Some(instead) = remark.instead else { continue };
                assert_eq!(remaining(&instead, version), [""; 0], "{instead}");
                assert!(script::split(&instead).len() >= 1);
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} remarks said what to write instead");
}

#[test]
fn advice_follows_the_version() {
    let instead = |text: &str, version| {
        let options = Options {
            version,
            only: vec!["adding-not-null-field", "require-concurrent-partition-detach"],
            ..Options::default()
        };
        lint(text, &options).remarks.first().and_then(|remark| remark.instead.clone())
    };
    let text = "alter table \"T\" alter c set not null";
    assert_eq!(
        instead(text, 18).unwrap(),
        "ALTER TABLE \"T\" ADD CONSTRAINT \"T_c_not_null\" NOT NULL c NOT VALID;\n\
         ALTER TABLE \"T\" VALIDATE CONSTRAINT \"T_c_not_null\""
    );
    assert!(instead(text, 17).unwrap().contains("CHECK (c IS NOT NULL) NOT VALID"));
    assert_eq!(instead("alter table p detach partition p1", 13), None);
    assert!(instead("alter table p detach partition p1", 14).unwrap().ends_with("CONCURRENTLY"));
}

#[test]
fn indexes_of_partitioned_tables_are_made_part_by_part() {
    let options = Options {
        partitioned: vec![TableName { schema: None, name: "p".into() }],
        ..Options::default()
    };
    let linted =
        lint("set lock_timeout = 1; create index concurrently on s.p (a, \"B\")", &options);
    let remark = &linted.remarks[0];
    assert_eq!(remark.rule.name, "index-on-partitioned-table");
    assert_eq!(
        remark.instead.as_deref(),
        Some("CREATE INDEX \"p_a_B_idx\" ON ONLY s.p USING btree (a, \"B\")")
    );
    assert!(remark.advice.contains("ALTER INDEX \"p_a_B_idx\" ATTACH PARTITION"));
}

#[test]
fn comments_switch_rules_off_for_one_statement() {
    let names = |text: &str| {
        let linted = lint(
            text,
            &Options { only: vec!["ban-drop-table", "ban-drop-column"], ..Options::default() },
        );
        linted.remarks.iter().map(|r| (r.rule.name, r.place.line)).collect::<Vec<_>>()
    };
    let text = "-- dbvitals: ignore ban-drop-table\ndrop table t;\ndrop table u;\n\
                /* dbvitals: ignore */ alter table v drop column c;\n\
                select '-- dbvitals: ignore'; drop table w";
    assert_eq!(names(text), [("ban-drop-table", 3), ("ban-drop-table", 5)]);
}

#[test]
fn places_and_what_is_not_understood_are_told() {
    let linted = lint(
        "select 1;\nalter table t\n  add column c int;\nalter tabel x;\ndrop table t",
        &Options::default(),
    );
    let remark = linted.remarks.iter().find(|r| r.rule.name == "prefer-bigint-over-int").unwrap();
    assert_eq!((remark.place.line, remark.place.column), (3, 14));
    assert_eq!(linted.unread.len(), 1);
    assert_eq!((linted.unread[0].place.line, linted.unread[0].place.column), (4, 7));
    assert!(linted.remarks.iter().any(|r| r.rule.name == "ban-drop-table"));
}

#[test]
fn rules_are_chosen_by_name() {
    let names = |only: &[&'static str], except: &[&'static str]| {
        let options =
            Options { only: only.to_vec(), except: except.to_vec(), ..Options::default() };
        lint("create table t (a int)", &options)
            .remarks
            .iter()
            .map(|r| r.rule.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&[], &[]), ["prefer-bigint-over-int"]);
    assert_eq!(names(&["require-table-schema"], &[]), ["require-table-schema"]);
    assert_eq!(names(&[], &["prefer-bigint-over-int"]), [""; 0]);
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(alter table t |add |column |c |int |default |now\\(\\) |not null |;|create index |on t |\\(a\\) |begin|commit|'|--|/\\*|é|drop |check |\\$\\$|[a-z(),;\" ]){0,14}") {
        let _ = lint(&text, &Options::default());
    }
}
