//! An earlier snapshot as the first look: rates and dates without anything that runs all the time.

use std::{
    fs,
    path::{Path, PathBuf},
};

use dbvitals_testkit::{PgVersion, Postgres};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::run::{Ran, at, audit, dbvitals, findings, list, text};

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("since-{name}.json"))
}

fn save(server: &Postgres, name: &str) -> PathBuf {
    let path = file(name);
    let main = format!("main={}", server.superuser_url("app"));
    audit(&[&main, "--quiet", "--save-snapshot", at(&path)]).ended(&[0]);
    path
}

fn since(earlier: &Path, later: &Path) -> Ran {
    audit(&["--from", at(later), "--since", at(earlier)])
}

/// The same snapshot, taken so many days before.
fn aged(path: &Path, days: i64) -> PathBuf {
    let mut snapshot: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let places = ["/taken_at", "/targets/0/data/postgres/server/now"];
    for place in places {
        let moment = snapshot.pointer_mut(place).unwrap();
        let then: Timestamp = moment.as_str().unwrap().parse().unwrap();
        *moment = (then - SignedDuration::from_hours(24 * days)).to_string().into();
    }
    let aged = path.with_extension("aged.json");
    fs::write(&aged, snapshot.to_string()).unwrap();
    aged
}

/// What is said of a section of the server.
fn section<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = list(report, "/coverage/sections");
    all.iter().find(|section| text(section, "/section") == name).unwrap()
}

#[tokio::test]
async fn a_week_between_two_snapshots_gives_rates_and_dates() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    server.create_database("app").await.unwrap();
    server.sql("app", "create sequence small as smallint; select nextval('small')").await.unwrap();
    let first = save(&server, "first");
    server.sql("app", "select nextval('small') from generate_series(1, 12000)").await.unwrap();
    let second = save(&server, "second");

    let alone = audit(&["--from", at(&second)]).ended(&[0]).json();
    assert_eq!(findings(&alone, "pg-sequence-exhaustion").len(), 0, "a third is used");
    assert_eq!(section(&alone, "window")["collected"], false);

    let report = since(&aged(&first, 7), &second).ended(&[0]).json();
    assert_eq!(section(&report, "window")["collected"], true);
    assert_eq!(section(&report, "growth")["collected"], true);
    let found = findings(&report, "pg-sequence-exhaustion");
    assert_eq!(found.len(), 1, "{report:#}");
    // 20,766 values are left and 12,000 went in a week: 12 days.
    assert!(text(found[0], "/message").ends_with("at this pace it ends in 10 to 15 days"));

    // Seconds apart there are rates, but no dates.
    let report = since(&first, &second).ended(&[0]).json();
    assert_eq!(section(&report, "growth")["collected"], true);
    assert_eq!(findings(&report, "pg-sequence-exhaustion").len(), 0);
}

#[tokio::test]
async fn what_began_anew_is_said_and_not_invented() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    server.create_database("app").await.unwrap();
    let first = save(&server, "before");
    server.sql("app", "select pg_stat_reset()").await.unwrap();
    let reset = save(&server, "reset");
    let report = since(&first, &reset).ended(&[0]).json();
    let note = text(section(&report, "window"), "/note");
    assert!(note.contains("reset since the earlier snapshot: database app"), "{note}");

    server.restart().unwrap();
    let restarted = save(&server, "restarted");
    let report = since(&first, &restarted).ended(&[0]).json();
    assert_eq!(section(&report, "window")["collected"], false);
    assert_eq!(section(&report, "growth")["collected"], true, "ids and sequences go on");
    let problem = text(&report, "/targets/0/problems/0");
    assert!(problem.contains("started after the earlier snapshot"), "{problem}");

    // Throwaway servers of one version are copies of one cluster.
    let other = Postgres::builder(PgVersion::V16).start().unwrap();
    other.create_database("app").await.unwrap();
    let other = save(&other, "other");
    let report = since(&first, &other).ended(&[0]).json();
    let problem = text(&report, "/targets/0/problems/0");
    assert!(problem.contains("another cluster"), "{problem}");

    let wrong = since(&restarted, &first).ended(&[2]);
    assert!(wrong.err.contains("not before the snapshot to judge"), "{wrong:?}");
    let both = dbvitals(&["audit", "postgres://x", "--since", at(&first), "--interval", "5s"]);
    assert!(both.ended(&[2]).err.contains("--interval"));
}
