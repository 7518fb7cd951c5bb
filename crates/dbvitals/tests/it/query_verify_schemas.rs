//! `dbvitals query analyze --verify` on schemas with types, constraints and names of their own.

use dbvitals_testkit::{PgVersion, Postgres};

use crate::query_verify::all_verified;

const TYPES: &str = r#"
create schema app; create schema "Odd Näme";
create extension citext schema app; create extension hstore; create extension ltree schema "Odd Näme";
create domain app.short as varchar(20) not null check (value <> '') check (length(value) < 15);
create domain app.email as text check (value ~ '^[^@]+@[^@]+\.[a-z]+$');
create domain "Odd Näme"."Inner" as app.short check (value <> 'ab');
create type app.mood as enum ('good', 'it''s');
create type app.place as (city text, "Zip Code" integer, mood app.mood);
create type app.span as range (subtype = time);
create table app.people (
    id bigint generated always as identity primary key,
    "Nick Name" app.citext not null unique,
    email app.email, inner_name "Odd Näme"."Inner", short app.short,
    home app.place, homes app.place[], mood app.mood default 'good', hours app.span, during daterange,
    tags public.hstore, path "Odd Näme".ltree, key uuid unique, bits bit(3), doc tsvector, at point,
    born date check (born > '1900-01-01'), died date, check (died >= born),
    n integer not null check (n between 10 and 90),
    twice integer generated always as (n * 2) stored
);
create table "Odd Näme"."Große ""Tabelle""" (
    "Schlüssel" integer primary key, person bigint not null references app.people,
    above integer references "Odd Näme"."Große ""Tabelle""" ("Schlüssel"), "n" numeric(6, 2)
);
create view app.adults as select p.id, p."Nick Name" as nick, p.n from app.people p where p.n > 17;
create view app.both as select a.id, g."n" as amount from app.adults a
    join "Odd Näme"."Große ""Tabelle""" g on g.person = a.id;
create table app.events (id bigint, day date not null, kind text, primary key (id, day)) partition by range (day);
create table app.events_old partition of app.events for values from ('2020-01-01') to ('2021-01-01');
create table app.events_new partition of app.events for values from ('2021-01-01') to ('2022-01-01');
create table app.animals (id integer primary key, name text not null);
create table app.dogs (breed text) inherits (app.animals);
create function app.double(n integer) returns integer language sql immutable as 'select n * 2';
create function app.known(which bigint) returns boolean language sql stable
    as 'select exists (select 1 from app.people p where p.id = which and app.double(p.n) > 3)';
create function app.procedural(n integer) returns integer language plpgsql immutable as 'begin return n; end';
create function app.writing(n integer) returns integer language sql stable as 'delete from app.animals; select 1';
create aggregate app.most(integer) (sfunc = int4larger, stype = integer);
create operator app.=== (leftarg = integer, rightarg = integer, function = int4eq);
"#;

/// Statements of which some rewrite must be verified, with rows to compare.
const FINE: &[&str] = &[
    "select * from app.people where id = 1 or id = 2",
    "select id, inner_name, short, email from app.people where n = 20 or n = 30",
    "select id from app.people where \"Nick Name\" = 'a' and (id = 3 or id = 1)",
    "select homes, during * daterange('2024-01-01', null), path from app.people where id = 1 or id = 2",
    "select twice from app.people where (twice = 40 or twice = 60) or twice = 20",
    "select p.id from app.people p left join \"Odd Näme\".\"Große \"\"Tabelle\"\"\" g on g.\"Schlüssel\" = p.id",
    "select g.\"Schlüssel\", p.n from \"Odd Näme\".\"Große \"\"Tabelle\"\"\" g join app.people p on p.id = g.person \
        where g.\"n\" = 1 or g.\"n\" = 2",
    "select count(*), max(n) from (select * from app.adults order by nick) x",
    "select min(amount) from (select * from app.both order by id) x",
    "select kind from app.events where day = '2020-05-06' or day = '2021-05-06'",
    "select name from app.animals where id = 1 or id = 2",
    "select a.name, d.breed from app.animals a join app.dogs d using (id) where a.id = 1 or a.id = 2",
    "select app.double(n) from app.people where id = 1 or id = 2",
    "select id from app.people where app.known(id) and (id = 1 or id = 2)",
    "insert into app.people (\"Nick Name\", inner_name, short, n) \
        select 'x' || id, 'i', 's', 20 from app.animals where id = 1 or id = 2",
    "update app.people set n = 30 where (id = 1 or id = 2) returning twice",
    "delete from \"Odd Näme\".\"Große \"\"Tabelle\"\"\" where person = 1 or person = 2",
    "select id from app.people where id > $1 and (n = 20 or n = 30)",
    "select distinct id, \"Nick Name\" from app.people",
];

/// Statements that cannot be compared, and what the answer names.
const TROUBLE: &[(&str, &[&str])] = &[
    (
        "select app.procedural(n) from app.people where id = 1 or id = 2",
        &["app.procedural(integer) is written in plpgsql"],
    ),
    (
        "select app.writing(n) from app.people where id = 1 or id = 2",
        &["app.writing(integer) does more than to ask"],
    ),
    ("select app.most(n) from app.people where id = 1 or id = 2", &["app.most"]),
    ("select id from app.people where (id = 1 or id = 2) and n operator(app.===) 20", &["app.==="]),
    (
        "select id from app.people where exists (select from pg_class) and (id = 1 or id = 2)",
        &["pg_class is the server's own"],
    ),
];

async fn filled(version: PgVersion) -> Postgres {
    let server = Postgres::builder(version).start().unwrap();
    server.sql("postgres", TYPES).await.unwrap();
    if version.major() >= 14 {
        let more = "create type app.shift as range (subtype = integer, multirange_type_name = app.shifts); \
            create table app.booked (id integer primary key, days datemultirange, hours app.shifts)";
        server.sql("postgres", more).await.unwrap();
    }
    if version.major() >= 18 {
        let more = "create table app.virtual (id integer primary key, n integer, m integer generated always as (n + 1)); \
            create extension btree_gist; \
            create table app.periods (id integer, during daterange, primary key (id, during without overlaps))";
        server.sql("postgres", more).await.unwrap();
    }
    server
}

/// Each statement has a proved rewrite, and all of them are verified on data with rows.
fn assert_fine(url: &str, texts: &[&str]) {
    let (all, page) = all_verified(url, url, texts);
    assert_eq!(all.len(), texts.len());
    for (text, told) in texts.iter().zip(all) {
        let proved: Vec<_> = told.iter().filter(|(_, it)| it["is_equivalent"] == true).collect();
        assert!(!proved.is_empty(), "{text}: {page}");
        for (rule, advice) in proved {
            let seen = &advice["verification"];
            let is_fine = seen["trouble"].is_null() && seen["counterexample"].is_null();
            assert!(is_fine, "{text}, {rule}: {seen}");
            assert!(seen["with_rows"].as_u64().unwrap() > 2, "{text}, {rule}: {seen}");
        }
    }
}

/// Nothing is said to be verified; the answer names what is in the way.
fn assert_trouble(url: &str, texts: &[(&str, &[&str])]) {
    let statements: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
    let (all, page) = all_verified(url, url, &statements);
    for ((text, wanted), told) in texts.iter().zip(all) {
        assert!(!told.is_empty(), "{text}: {page}");
        let said = told[0].1["verification"]["trouble"].as_str().unwrap_or_default();
        assert!(wanted.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
}

#[tokio::test]
async fn odd_schemas_are_made_anew_and_filled() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = filled(version).await;
        let url = server.superuser_url("postgres");
        let mut fine = FINE.to_vec();
        if version.major() >= 14 {
            fine.push("select days, hours from app.booked where id = 1 or id = 2");
        }
        if version.major() >= 18 {
            fine.push("select m from app.virtual where id = 1 or id = 2");
            fine.push("select * from app.periods where id = 1 or id = 2");
        }
        assert_fine(&url, &fine);
        assert_trouble(&url, TROUBLE);
    }
}

#[tokio::test]
async fn what_the_scratch_server_lacks_is_named() {
    let server = filled(PgVersion::V16).await;
    let url = server.superuser_url("postgres");
    let rename = "update pg_extension set extname = 'not_there' where extname = 'citext'";
    server.sql("postgres", rename).await.unwrap();
    // A check that no value tried passes, and a type nothing is known of.
    let make = "create table app.codes (id integer primary key, code text not null check (code ~ '^ZQX[0-9]{17}$')); \
        create table app.shy (id integer primary key, t app.people);";
    server.sql("postgres", make).await.unwrap();
    assert_trouble(
        &url,
        &[
            (
                "select \"Nick Name\" from app.people where id = 1 or id = 2",
                &["extension not_there", "app.citext", "Nick Name of people", "install it there"],
            ),
            ("select code from app.codes where id = 1 or id = 2", &["column code of codes", "ZQX"]),
            ("select t from app.shy where id = 1 or id = 2", &["column t of shy", "app.people"]),
        ],
    );
    // What the statement does not read is no obstacle.
    assert_fine(&url, &["select id from app.shy where id = 1 or id = 2"]);
}

#[tokio::test]
async fn names_are_those_of_the_search_path_and_children_may_hold_null() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).start().unwrap();
        // A view hides a table of its name; the key is the table's.
        let make = "create schema a; create schema b; create table b.t (id integer primary key); \
            create view a.t as select 1 as id from generate_series(1, 3); \
            create table b.old (id integer primary key, n integer not null); \
            create table b.young () inherits (b.old); \
            create table b.other (n integer not null); \
            create table a.same (id integer primary key); create table b.same (id integer primary key); \
            alter database postgres set search_path = a, b";
        server.sql("postgres", make).await.unwrap();
        if version.major() < 18 {
            server.sql("postgres", "alter table b.young alter n drop not null").await.unwrap();
        } else {
            let make = "drop table b.young; alter table b.old alter n drop not null, \
                add constraint whole not null n no inherit; create table b.young () inherits (b.old)";
            server.sql("postgres", make).await.unwrap();
        }
        let url = server.superuser_url("postgres");
        let proved = |text: &str| {
            let (told, _) = all_verified(&url, &url, &[text]);
            told.into_iter().flatten().any(|(_, it)| it["is_equivalent"] == true)
        };
        assert!(!proved("select distinct id from t"), "the view repeats itself");
        assert!(proved("select distinct id from b.t"));
        let text = "select n from other where n not in (select n from old)";
        assert!(!proved(text), "a child holds NULL");
        assert!(proved("select n from other where n not in (select id from b.same)"));
        assert_fine(&url, &["select id from same where id = 1 or id = 2"]);
    }
}
