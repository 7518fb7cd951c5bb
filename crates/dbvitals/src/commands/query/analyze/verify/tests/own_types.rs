//! Wrong rewrites are caught, and right ones verified, where types, constraints and functions are a database's own.

use dbvitals_model::pg::PgSnapshot;
use dbvitals_testkit::{PgVersion, shared};

use super::{super::*, place};

const SCHEMA: &str = "create schema app; create extension citext; create extension hstore; \
    create domain app.grade as integer check (value between 1 and 5); \
    create type app.place as (city text, zip integer); \
    create type app.mood as enum ('good', 'bad', 'odd'); \
    create type app.span as range (subtype = float8); \
    create table app.p (id integer primary key, name citext); \
    create table app.c (id integer primary key, p_id integer references app.p, loose_id integer, \
        grade app.grade, home app.place, mood app.mood, span app.span, tags hstore, \
        n integer not null check (n > 0), double integer generated always as (n * 2) stored); \
    alter table app.c add constraint loose foreign key (loose_id) references app.p not valid; \
    create view app.v as select c.id, c.n, p.name from app.c left join app.p on p.id = c.p_id; \
    create function app.even(n integer) returns boolean language sql immutable as 'select n % 2 = 0'; \
    create table app.whole (id integer, at date); create table app.part () inherits (app.whole); \
    create unique index on app.p (lower(name::text)) where id > 3";

/// Statement, another, and what of the answer must be there.
const CASES: &[(&str, &str, &str)] = &[
    // A domain holds what its checks let pass, and NULL.
    ("select id from app.c where grade > 4", "select id from app.c where grade = 5", "verified"),
    ("select id from app.c where grade > 3", "select id from app.c where grade = 5", "yields"),
    ("select id from app.c where grade > 0", "select id from app.c", "NULL"),
    // Letters that differ in case only are equal.
    ("select id from app.p where name = 'a'", "select id from app.p where name::text = 'a'", "'A'"),
    (
        "select id from app.p where name = 'a'",
        "select id from app.p where lower(name::text) = 'a'",
        "verified",
    ),
    (
        "select id from app.c where (home).city = 'a'",
        "select id from app.c where (home).zip = 1",
        "yields",
    ),
    (
        "select id from app.c where mood < 'odd'",
        "select id from app.c where mood = 'good'",
        "'bad'",
    ),
    (
        "select id from app.c where span @> 1::float8",
        "select id from app.c where span <> 'empty'",
        "yields",
    ),
    (
        "select id from app.c where tags ? 'a'",
        "select id from app.c where tags -> 'a' is not null",
        "yields",
    ),
    // Constraints hold for the data.
    ("select id from app.c where n > 0", "select id from app.c", "verified"),
    ("select id from app.c where double > 2", "select id from app.c where n > 1", "verified"),
    ("select id from app.c where double > 2", "select id from app.c where n > 2", "yields"),
    (
        "select c.id from app.c join app.p on p.id = c.p_id",
        "select c.id from app.c left join app.p on p.id = c.p_id where c.p_id is not null",
        "verified",
    ),
    // Not those that were never looked at.
    (
        "select c.id from app.c join app.p on p.id = c.loose_id",
        "select c.id from app.c left join app.p on p.id = c.loose_id where c.loose_id is not null",
        "yields",
    ),
    ("select id from app.v where name = 'a'", "select id from app.v where n = 1", "yields"),
    ("select id from app.c where app.even(n)", "select id from app.c where n % 2 = 0", "verified"),
    ("select id from app.c where app.even(n)", "select id from app.c where n % 2 = 1", "yields"),
    (
        "select w.id from app.whole w, app.part p where w.id = p.id and w.at = p.at",
        "select p.id from app.part p where p.id is not null and p.at is not null",
        "yields",
    ),
    ("select at from only app.whole", "select at from app.whole where at is null", "yields"),
    ("select id from app.c where mood = $1", "select id from app.c where mood >= $1", "$1 = "),
    (
        "select name from app.p where id = any ($1)",
        "select name from app.p where id = ($1::integer[])[1]",
        "$1 = ",
    ),
];

#[tokio::test]
async fn wrong_rewrites_over_own_types_are_caught() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = shared(version).unwrap();
        let database = server.fresh_database("own_types").await.unwrap();
        server.sql(&database, SCHEMA).await.unwrap();
        let url = server.superuser_url(&database);
        let target = dbvitals_postgres::Target::parse(&url, &|_: &str| None).unwrap();
        let mut session =
            dbvitals_postgres::connect(&target, std::time::Duration::from_secs(10)).await.unwrap();
        let snapshot = PgSnapshot::default();
        let known = Known::of(&snapshot, &mut session, None).await;
        let place = place(server);
        let mut scratch = place.open().await.unwrap();
        for (text, other, wanted) in CASES {
            let mut advice = [RewriteAdvice {
                is_equivalent: true,
                text: Some((*other).to_owned()),
                ..RewriteAdvice::default()
            }];
            let statement = Statement::parse(text).unwrap();
            verify(&mut scratch, &mut session, text, &statement, &known, &mut advice).await;
            let told = advice[0].verification.clone().unwrap();
            assert_eq!(told.trouble, None, "{version:?}, {text}");
            match &told.counterexample {
                None => assert_eq!(*wanted, "verified", "{version:?}, {text}: {told:?}"),
                Some(said) => assert!(said.contains(wanted), "{version:?}, {text}: {said}"),
            }
            assert!(told.counterexample.is_some() || told.with_rows > 5, "{text}: {told:?}");
        }
        session.close().await;
        drop(scratch);
        place.remove().await.unwrap();
    }
}
