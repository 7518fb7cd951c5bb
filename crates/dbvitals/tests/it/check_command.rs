//! `dbvitals check`: one line for monitoring systems, with performance data and their exit codes.

use std::fs;

use dbvitals_testkit::{Hostile, PgBouncer, PgVersion, Postgres, Redis, RedisVersion};

use crate::run::{Ran, at, dbvitals};

/// One line in the form `DBVITALS STATE - text | label=value;warn;crit …`, and the code that goes with it.
#[track_caller]
fn says(ran: &Ran, state: &str) {
    let code = ["OK", "WARNING", "CRITICAL", "UNKNOWN"].iter().position(|s| *s == state).unwrap();
    assert_eq!(ran.code, i32::try_from(code).unwrap(), "{ran:?}");
    assert!(ran.out.starts_with(&format!("DBVITALS {state}")), "{ran:?}");
    assert_eq!(ran.out.lines().count(), 1, "{ran:?}");
}

/// The labels of the performance data, whose values must be numbers with a unit of the plugin format.
#[track_caller]
fn labels(ran: &Ran) -> Vec<String> {
    let (_, data) = ran.out.trim_end().split_once(" | ").unwrap();
    let mut labels = Vec::new();
    let mut rest = data;
    while let Some(at) = rest.find('=') {
        let (label, after) = rest.split_at(at);
        labels.push(label.trim().trim_matches('\'').to_owned());
        let (value, left) = after[1..].split_once(' ').unwrap_or((&after[1..], ""));
        let fields: Vec<&str> = value.split(';').collect();
        assert!(fields.len() <= 5, "{ran:?}");
        let number = fields[0].trim_end_matches(|c: char| c.is_alphabetic() || c == '%');
        assert!(fields[0] == "U" || number.parse::<f64>().is_ok(), "{value:?} in {ran:?}");
        rest = left;
    }
    labels
}

#[tokio::test]
async fn postgres_healthy_then_crowded_then_gone() {
    let server = Postgres::builder(PgVersion::V17)
        .setting("max_connections", "20")
        .setting("superuser_reserved_connections", "3")
        .setting("autovacuum", "off")
        .start()
        .unwrap();
    let url = server.monitor_url("postgres");
    let ran = dbvitals(&["check", &url]);
    says(&ran, "OK");
    assert!(labels(&ran).iter().any(|label| label.contains("connections")), "{ran:?}");

    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("c.toml");
    let thresholds =
        "[checks.pg-connections-near-limit]\nwarning_ratio = 0.4\ncritical_ratio = 0.8\n";
    fs::write(&config, thresholds).unwrap();
    let check = || dbvitals(&["check", &url, "--config", at(&config)]);
    let mut held = Vec::new();
    for _ in 0..9 {
        held.push(server.client("postgres").await.unwrap());
    }
    let ran = check();
    says(&ran, "WARNING");
    assert!(ran.out.contains("connections"), "{ran:?}");
    for _ in 0..6 {
        held.push(server.client("postgres").await.unwrap());
    }
    says(&check(), "CRITICAL");
    drop(held);

    server.stop().unwrap();
    let ran = check();
    says(&ran, "CRITICAL");
    assert!(ran.out.contains("refused"), "{ran:?}");
}

#[tokio::test]
async fn a_poolers_console_shows_its_queue() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let pooler = PgBouncer::transaction_mode(&server).unwrap();
    let client = server.client_as(&pooler.url("postgres")).await.unwrap();
    client.batch_execute("begin; select 1").await.unwrap();
    let ran = dbvitals(&["check", &pooler.monitor_url("pgbouncer")]);
    says(&ran, "OK");
    let wanted =
        ["clients", "clients_active", "clients_waiting", "server_connections", "longest_wait"];
    assert_eq!(labels(&ran), wanted);
    for value in ["'clients_active'=1;", "'server_connections'=1;", "'longest_wait'=0s;1;10;"] {
        assert!(ran.out.contains(value), "{value} in {ran:?}");
    }
}

#[test]
fn redis_and_two_servers_at_once() {
    let server = Redis::builder(RedisVersion::V7)
        .config("maxmemory", "100mb")
        .config("maxmemory-policy", "allkeys-lru")
        .start()
        .unwrap();
    let ran = dbvitals(&["check", &format!("one={}", server.url())]);
    says(&ran, "OK");
    assert!(labels(&ran).iter().any(|label| label.contains("memory")), "{ran:?}");
    let nobody = Hostile::refuses().unwrap();
    let (one, two) = (format!("one={}", server.url()), format!("two={}", nobody.redis_url()));
    let ran = dbvitals(&["check", &one, &two]);
    says(&ran, "CRITICAL");
    let labels = labels(&ran);
    assert!(labels.contains(&"two".to_owned()), "{ran:?}");
    assert!(labels.iter().any(|label| label.starts_with("one ")), "{ran:?}");
}

#[test]
fn what_is_typed_wrong_is_unknown_and_not_an_alarm() {
    let ran = dbvitals(&["check", "mysql://me:hunter2@host"]);
    says(&ran, "UNKNOWN");
    assert!(ran.out.contains("unknown scheme") && !ran.out.contains("hunter2"), "{ran:?}");
    says(&dbvitals(&["check", "--config", "/nonexistent/file"]), "UNKNOWN");
}

#[test]
fn wrong_usage_is_unknown_to_a_monitoring_system() {
    let ran = dbvitals(&["check", "--no-such-flag"]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{ran:?}");
    assert!(ran.err.contains("--no-such-flag"), "{ran:?}");
    assert_eq!(dbvitals(&["audit", "--no-such-flag"]).code, 2);
    assert_eq!(dbvitals(&["check", "--help"]).code, 0);
}
