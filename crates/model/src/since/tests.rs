//! Two snapshots of servers that went on, were restarted, failed over or were exchanged.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::{
    TargetKind,
    host::{Filesystem, HostSnapshot},
    pg::{
        DatabaseSnapshot,
        database::Database,
        replication::Slot,
        schema::Sequence,
        statement::{Statement, Statements},
    },
    redis::Info,
};

const HOUR: i64 = 3_600;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000_000 + second).unwrap()
}

fn snapshot(second: i64, targets: Vec<(&str, TargetData)>) -> Snapshot {
    let target = |(name, data): (&str, TargetData)| TargetSnapshot::new(name, "", data);
    Snapshot::new("", at(second), targets.into_iter().map(target).collect())
}

/// A server that was started at 0 and has done so many commits.
fn server(second: i64, commits: i64) -> PgSnapshot {
    let mut pg = PgSnapshot::default();
    pg.server.now = at(second);
    pg.server.started_at = Some(at(0));
    pg.server.system_identifier = Some(7);
    let row = Database {
        oid: 5,
        name: "app".into(),
        commits,
        frozen_xid_age: commits,
        stats_reset: Some(at(-50)),
        ..Database::default()
    };
    pg.databases = Section::collected(vec![row]);
    pg.slots = Section::collected(vec![Slot {
        name: "s".into(),
        retained_bytes: Some(commits),
        ..Slot::default()
    }]);
    let sequence = Sequence { last_value: Some(commits), increment: 1, ..Sequence::default() };
    pg.by_database = vec![DatabaseSnapshot {
        name: "app".into(),
        sequences: Section::collected(vec![sequence]),
        ..DatabaseSnapshot::default()
    }];
    pg.statements = Section::collected(Statements {
        total_calls: commits * 3,
        total_exec_time_ms: commits as f64 * 9.0,
        leaders: vec![Statement {
            query_id: 1,
            calls: commits,
            rows: commits,
            total_exec_time_ms: commits as f64 * 5.0,
            mean_exec_time_ms: 5.0,
            min_exec_time_ms: 5.0,
            max_exec_time_ms: 5.0,
            ..Statement::default()
        }],
        ..Statements::default()
    });
    pg
}

fn pg(pg: PgSnapshot) -> TargetData {
    TargetData::Postgres(Box::new(pg))
}

/// The second server after `since`, and what was said of it.
fn after(first: PgSnapshot, last: PgSnapshot) -> (PgSnapshot, Vec<String>) {
    let earlier = snapshot(0, vec![("main", pg(first))]);
    let mut later = snapshot(HOUR, vec![("main", pg(last))]);
    since(&earlier, &mut later);
    let target = later.targets.remove(0);
    let TargetData::Postgres(pg) = target.data else { unreachable!() };
    (*pg, target.problems)
}

#[test]
fn hours_between_two_snapshots_are_a_window() {
    let (pg, problems) = after(server(10, 100), server(10 + HOUR, 400));
    assert_eq!(problems, Vec::<String>::new());
    let window = pg.window.value().unwrap();
    assert!((window.seconds - 3_600.0).abs() < 1e-9);
    assert_eq!(window.databases[0].commits, 300);
    assert_eq!((window.statements[0].calls, window.total_calls), (300, 900));
    assert!((window.total_exec_time_ms - 2_700.0).abs() < 1e-6, "of all, not of the leaders alone");
    let growth = pg.growth.value().unwrap();
    assert_eq!((growth.xids, growth.of_slot("s")), (Some(300), Some(300)));
    assert_eq!(growth.of_sequence("app", "", ""), Some(300));
}

#[test]
fn a_restart_ends_counters_but_not_ages_and_sequences() {
    let mut last = server(10 + HOUR, 400);
    last.server.started_at = Some(at(1_000));
    let (pg, problems) = after(server(10, 100), last);
    assert_eq!(pg.window.value(), None);
    assert!(problems[0].contains("started after the earlier snapshot"), "{problems:?}");
    let growth = pg.growth.value().unwrap();
    assert_eq!((growth.xids, growth.of_slot("s")), (Some(300), None));
}

#[test]
fn a_failover_is_told_from_a_restart() {
    let mut last = server(10 + HOUR, 400);
    last.server.started_at = Some(at(-500));
    let (pg, problems) = after(server(10, 100), last);
    assert_eq!(pg.window.value(), None);
    assert!(problems[0].contains("a failover"), "{problems:?}");
    assert_eq!(pg.growth.value().unwrap().xids, Some(300), "ids go on");
}

#[test]
fn another_cluster_has_nothing_in_common() {
    let mut last = server(10 + HOUR, 400);
    last.server.system_identifier = Some(8);
    let (pg, problems) = after(server(10, 100), last);
    assert!(pg.window.value().is_none() && pg.growth.value().is_none());
    assert!(problems[0].contains("another cluster"), "{problems:?}");
    // Where the identifier may not be read, the start tells.
    let hidden = |second, commits| {
        let mut pg = server(second, commits);
        pg.server.system_identifier = None;
        pg
    };
    let (pg, _) = after(hidden(10, 100), hidden(10 + HOUR, 400));
    assert!(pg.window.value().is_some());
    let mut last = hidden(10 + HOUR, 400);
    last.server.started_at = Some(at(1_000));
    assert!(after(hidden(10, 100), last).0.growth.value().is_none());
}

#[test]
fn what_was_reset_is_absent_and_named() {
    let mut last = server(10 + HOUR, 400);
    if let Section::Collected(databases) = &mut last.databases {
        databases.value[0].stats_reset = Some(at(500));
    }
    let (pg, problems) = after(server(10, 100), last);
    assert_eq!(problems, Vec::<String>::new());
    let Section::Collected(window) = &pg.window else { unreachable!() };
    assert_eq!(window.value.databases, []);
    assert!(window.gaps[0].detail.ends_with("database app"), "{:?}", window.gaps);
}

#[test]
fn no_time_no_rate() {
    let (pg, problems) = after(server(HOUR, 100), server(10, 400));
    assert!(pg.window.value().is_none() && pg.growth.value().is_none());
    assert!(problems[0].contains("clock"), "{problems:?}");
}

#[test]
fn targets_are_matched_by_name_and_kind() {
    let redis = || TargetData::Redis(Box::default());
    let lost = TargetData::Unreachable { kind: TargetKind::Postgres, why: obstacle("refused") };
    let earlier = snapshot(0, vec![("a", redis()), ("b", lost)]);
    let mut later = snapshot(
        HOUR,
        vec![("a", pg(server(9, 1))), ("b", pg(server(9, 1))), ("c", pg(server(9, 1)))],
    );
    since(&earlier, &mut later);
    let said: Vec<&str> = later.targets.iter().map(|target| target.problems[0].as_str()).collect();
    for (said, wanted) in said.iter().zip(["another kind", "was not reached", "was not there"]) {
        assert!(said.contains(wanted), "{said}");
    }
}

fn cache(run_id: Option<&str>, second: i64, hits: i64) -> TargetData {
    let mut redis = RedisSnapshot::default();
    redis.server.now = at(second);
    let mut info = Info::default();
    info.fields.extend(run_id.map(|id| ("run_id".to_owned(), id.to_owned())));
    info.fields.insert("keyspace_hits".into(), hits.to_string());
    info.fields.insert("used_memory".into(), (hits * 2).to_string());
    redis.info = Section::collected(info);
    TargetData::Redis(Box::new(redis))
}

#[test]
fn a_redis_server_is_known_by_its_run() {
    let window = |first, last| {
        let mut later = snapshot(HOUR, vec![("c", last)]);
        since(&snapshot(0, vec![("c", first)]), &mut later);
        let TargetData::Redis(redis) = &later.targets[0].data else { unreachable!() };
        redis.window.value().cloned()
    };
    let same = window(cache(Some("a"), 0, 10), cache(Some("a"), HOUR, 25)).unwrap();
    assert_eq!((same.counters["keyspace_hits"], same.memory_growth_bytes), (15, Some(30)));
    assert_eq!(window(cache(Some("a"), 0, 10), cache(Some("b"), HOUR, 25)), None);
    assert_eq!(window(cache(None, 0, 10), cache(None, HOUR, 25)), None);
}

fn machine(available: i64, total: i64) -> TargetData {
    let mut host = HostSnapshot { serves: vec!["main".into()], ..HostSnapshot::default() };
    host.host.filesystems = Section::collected(vec![Filesystem {
        mount_point: "/".into(),
        total_bytes: total,
        available_bytes: available,
        ..Filesystem::default()
    }]);
    TargetData::Host(Box::new(host))
}

#[test]
fn a_machine_is_known_by_the_server_on_it() {
    let grown = |first: PgSnapshot, last: PgSnapshot, total| {
        let earlier = snapshot(0, vec![("main", pg(first)), ("host", machine(900, 1_000))]);
        let now = vec![("host", machine(850, total)), ("main", pg(last))];
        let mut later = snapshot(HOUR, now);
        since(&earlier, &mut later);
        let TargetData::Host(host) = &later.targets[0].data else { unreachable!() };
        host.host.growth.value().map(|growth| growth.filesystems.clone())
    };
    let same = grown(server(0, 1), server(HOUR, 2), 1_000).unwrap();
    assert_eq!(same[0].bytes, 50);
    assert_eq!(grown(server(0, 1), server(HOUR, 2), 2_000).unwrap(), [], "resized");
    let mut moved = server(HOUR, 2);
    moved.server.started_at = Some(at(0) - SignedDuration::from_secs(99));
    assert_eq!(grown(server(0, 1), moved, 1_000), None, "a standby on another machine took over");
}
