//! Logs that real servers wrote: the summary counts what was done.

use dbvitals_log::{Request, read};
use dbvitals_model::{
    Section,
    log::{ErrorGroup, LogSnapshot, LoggedStatement},
};
use dbvitals_testkit::{PgVersion, Postgres};

const PREFIX: &str = "%m [%p] %v %q%u@%d/%a ";

fn server(version: PgVersion, destination: &str) -> Postgres {
    let mut builder = Postgres::builder(version);
    for (name, value) in [
        ("logging_collector", "on"),
        ("log_destination", destination),
        ("log_directory", "log"),
        ("log_filename", "server.log"),
        ("log_line_prefix", PREFIX),
        ("log_min_duration_statement", "0"),
        ("log_lock_waits", "on"),
        ("deadlock_timeout", "50ms"),
        ("log_temp_files", "0"),
        ("log_connections", "on"),
        ("log_disconnections", "on"),
        ("log_checkpoints", "on"),
        ("timezone", "UTC"),
        ("log_timezone", "Europe/Berlin"),
    ] {
        builder = builder.setting(name, value);
    }
    builder.start().unwrap()
}

/// Does a known number of each thing.
async fn work(server: &Postgres) {
    server.create_database("app").await.unwrap();
    let setup = "create table t (id int primary key, v int); insert into t select g, 0 from generate_series(1, 50) g";
    server.sql("app", setup).await.unwrap();
    let client = server.client("app").await.unwrap();
    for at in 0..7 {
        client.batch_execute(&format!("select count(*)\n  from t where v = {at}")).await.unwrap();
    }
    for at in 0..3_i32 {
        client.query("select $1::int4 + id from t where id = 1", &[&at]).await.unwrap();
    }
    for _ in 0..2 {
        client.batch_execute("select * from \"nowhere\"").await.unwrap_err();
    }
    client.batch_execute("set statement_timeout = '50ms'").await.unwrap();
    client.batch_execute("select pg_sleep(60)").await.unwrap_err();
    client.batch_execute("set statement_timeout = 0; set work_mem = '64kB'").await.unwrap();
    let spill = "select count(*) from (select md5(g::text) from generate_series(1, 60000) g order by 1 offset 0) s";
    client.batch_execute(spill).await.unwrap();
    client.batch_execute("begin").await.unwrap();
    client.batch_execute("select id from t where v = 0").await.unwrap();
    for at in 1..=6 {
        client.batch_execute(&format!("select v from t where id = {at}")).await.unwrap();
    }
    client.batch_execute("commit").await.unwrap();
    wait(server).await;
    deadlock(server).await;
    client.batch_execute("checkpoint").await.unwrap();
}

/// Somebody waits for a row long enough to be told.
async fn wait(server: &Postgres) {
    let holder = server.client("app").await.unwrap();
    let waiter = server.client("app").await.unwrap();
    holder.batch_execute("begin; update t set v = 1 where id = 9").await.unwrap();
    let waits = waiter.batch_execute("update t set v = 2 where id = 9 and v >= 0");
    let release = async {
        let long = "select count(*) = 1 from pg_stat_activity where wait_event_type = 'Lock' \
                    and clock_timestamp() - query_start > interval '1 second'";
        server.wait_until("app", long).await.unwrap();
        holder.batch_execute("commit").await
    };
    let (waited, released) = tokio::join!(waits, release);
    waited.unwrap();
    released.unwrap();
}

/// Two wait for each other.
async fn deadlock(server: &Postgres) {
    let one = server.client("app").await.unwrap();
    let two = server.client("app").await.unwrap();
    one.batch_execute("begin; update t set v = 3 where id = 1").await.unwrap();
    two.batch_execute("begin; update t set v = 4 where id = 2").await.unwrap();
    let first = one.batch_execute("update t set v = 5 where id = 2");
    let second = async {
        let waits = "select count(*) = 1 from pg_stat_activity where wait_event_type = 'Lock'";
        server.wait_until("app", waits).await.unwrap();
        two.batch_execute("update t set v = 6 where id = 1").await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!(u8::from(first.is_err()) + u8::from(second.is_err()), 1);
}

fn value<T>(section: &Section<T>) -> &T {
    section.value().unwrap()
}

fn statement<'a>(log: &'a LogSnapshot, part: &str) -> &'a LoggedStatement {
    let leaders = &value(&log.statements).leaders;
    let found = leaders.iter().find(|statement| statement.text.contains(part));
    found.unwrap_or_else(|| {
        let texts: Vec<_> = leaders.iter().map(|statement| &statement.text).collect();
        panic!("no {part:?} among {texts:#?}")
    })
}

fn errors(log: &LogSnapshot, class: &str) -> i64 {
    let groups = value(&log.errors).groups.iter();
    groups.filter(|group: &&ErrorGroup| group.class == class).map(|group| group.count).sum()
}

fn is_what_was_done(log: &LogSnapshot, what: &str) {
    assert_eq!(log.unread.lines, 0, "{what}: {:?}", log.unread.examples);
    assert_eq!(log.unknown_zone, None, "{what}");
    let counted = statement(log, "count(*) from t");
    assert_eq!(counted.calls, 7, "{what}");
    assert_eq!(counted.class, "aggregate", "{what}");
    assert_eq!(counted.databases[0].name, "app", "{what}");
    assert!(counted.slowest.as_ref().unwrap().text.contains("count(*)\n  from t"), "{what}");
    let prepared = statement(log, "+ id");
    assert_eq!(prepared.calls, 3, "{what}");
    assert!(prepared.parse_ms > 0.0 && prepared.bind_ms > 0.0, "{what}");
    let slowest = prepared.slowest.as_ref().unwrap();
    assert!(slowest.parameters.as_ref().unwrap().contains("$1 = "), "{what}: {slowest:?}");
    assert_eq!(errors(log, "unknown name"), 2, "{what}");
    assert_eq!(errors(log, "statement timeout"), 1, "{what}");
    assert_eq!(errors(log, "deadlock"), 1, "{what}");
    let files = value(&log.temp_files);
    assert!(files.users[0].text.contains("generate_series"), "{what}: {files:?}");
    assert!(files.bytes >= 60_000 * 32 && files.users[0].bytes == files.bytes, "{what}");
    let waits = value(&log.lock_waits);
    let waited = waits.groups.iter().find(|wait| {
        wait.statement.as_deref() == Some("update t set v = 2 where id = 9 and v >= 0")
    });
    let waited = waited.unwrap_or_else(|| panic!("{what}: {waits:#?}"));
    assert_eq!((waited.waits, waited.acquired, waited.mode.as_str()), (1, 1, "ShareLock"));
    assert!(waited.longest_ms >= 1000.0, "{what}: {waited:?}");
    assert_eq!(waits.deadlocks, 1, "{what}");
    let parties = &waits.deadlock_examples[0].parties;
    assert_eq!(parties.len(), 2, "{what}: {parties:?}");
    assert!(parties.iter().all(|party| party.statement.is_some()), "{what}: {parties:?}");
    let repeat =
        value(&log.repeats).leaders.iter().find(|repeat| repeat.child_text.contains("select v"));
    let repeat = repeat.unwrap_or_else(|| panic!("{what}: {:#?}", log.repeats));
    assert!(repeat.parent_text.contains("select id from t"), "{what}: {repeat:?}");
    assert_eq!((repeat.calls, repeat.runs_in_transaction), (6, 1), "{what}");
    let connections = value(&log.connections);
    assert!(connections.authorized >= 7 && connections.disconnected >= 7, "{what}");
    assert!(value(&log.checkpoints).complete >= 1, "{what}");
    let started = value(&log.errors).incidents.iter().any(|incident| incident.kind == "start");
    assert!(started, "{what}");
    let age = jiff::Timestamp::now().duration_since(log.last_at.unwrap()).as_secs();
    assert!((0..600).contains(&age), "{what}: the zone of the log is read: {age}");
}

async fn read_back(version: PgVersion, destination: &str, format: &str) {
    let server = server(version, destination);
    work(&server).await;
    server.stop().unwrap();
    let ending = match format {
        "csv" => "csv",
        "json" => "json",
        _ => "log",
    };
    let path = server.data_dir().join(format!("log/server.{ending}"));
    let request = Request { paths: vec![path.clone()], ..Request::default() };
    let log = read(request, &mut |_| {}).unwrap().log;
    let what = format!("{version:?} {format}");
    assert_eq!(log.sources[0].format, format, "{what}");
    is_what_was_done(&log, &what);
    assert_eq!(log.sources[0].records, log.records, "{what}");
    let size = std::fs::metadata(&path).unwrap().len();
    assert_eq!(u64::try_from(log.bytes).unwrap(), size, "{what}: every byte belongs to a record");
}

#[tokio::test]
async fn plain_logs_tell_what_was_done() {
    for version in [PgVersion::V13, PgVersion::V15, PgVersion::V18] {
        read_back(version, "stderr", "stderr").await;
    }
}

#[tokio::test]
async fn csv_logs_tell_what_was_done() {
    for version in [PgVersion::V13, PgVersion::V15, PgVersion::V18] {
        read_back(version, "csvlog", "csv").await;
    }
}

#[tokio::test]
async fn json_logs_tell_what_was_done() {
    for version in [PgVersion::V15, PgVersion::V18] {
        read_back(version, "jsonlog", "json").await;
    }
}
