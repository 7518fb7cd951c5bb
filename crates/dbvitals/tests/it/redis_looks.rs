//! `dbvitals redis slowlog`, `latency` and `clients` against real servers.

use std::{process::Stdio, time::Duration};

use dbvitals_testkit::{Redis, RedisBuilder, RedisVersion};
use serde_json::Value;

use crate::run::{begin, command, dbvitals, end, list, text};

/// A server that lets us sleep in it: before 7.0 every server does.
fn sleepy(version: RedisVersion) -> RedisBuilder {
    let builder = Redis::builder(version);
    match version {
        RedisVersion::V6_2 => builder,
        RedisVersion::V7 => builder.config("enable-debug-command", "local"),
    }
}

/// The rows of a table of a sheet, by its id.
fn rows<'a>(sheet: &'a Value, id: &str) -> &'a [Value] {
    let tables = list(sheet, "/tables").iter();
    tables
        .filter(|table| text(table, "/id") == id)
        .map(|table| list(table, "/rows"))
        .next()
        .unwrap_or_default()
}

/// A measurement of a sheet.
fn fact(sheet: &Value, label: &str) -> f64 {
    let facts = list(sheet, "/facts").iter();
    let found =
        facts.filter(|fact| text(fact, "/label") == label).map(|fact| &fact["value"]).next();
    found.and_then(Value::as_f64).unwrap_or_else(|| panic!("no {label}: {sheet:#}"))
}

/// A few slow commands of two shapes, by a client with a name.
fn slow_commands(redis: &Redis) {
    let mut shop = redis.connection().unwrap();
    shop.command(&["CLIENT", "SETNAME", "shop"]).unwrap();
    for user in ["user:1", "user:22", "user:333"] {
        shop.command(&["HSET", user, "token", "hunter2"]).unwrap();
    }
    shop.command(&["KEYS", "user:*"]).unwrap();
}

#[test]
fn the_slow_log_is_grouped_by_shape_and_never_reset() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).config("slowlog-log-slower-than", "0").start().unwrap();
        slow_commands(&redis);
        redis.cli(&["CONFIG", "SET", "slowlog-log-slower-than", "-1"]).unwrap();
        let length = redis.cli(&["SLOWLOG", "LEN"]).unwrap();
        let url = format!("cache={}", redis.url());
        let ran = dbvitals(&["redis", "slowlog", &url, "--format", "json"]).ended(&[0]);
        let sheet = ran.json();
        let hset = rows(&sheet, "shapes").iter().find(|row| row[0] == "hset").unwrap();
        assert_eq!((&hset[1], &hset[2], &hset[6]), (&"user:*".into(), &3.0.into(), &"shop".into()));
        assert!(hset[3].as_f64().unwrap() >= hset[5].as_f64().unwrap(), "{hset}");
        assert!(!rows(&sheet, "slowest").is_empty());
        let advice = rows(&sheet, "advice").iter().find(|row| row[0] == "keys").unwrap();
        assert!(advice[2].to_string().contains("SCAN"), "{advice}");
        assert!(!ran.out.contains("hunter2"), "values are never shown: {}", ran.out);
        assert_eq!(redis.cli(&["SLOWLOG", "LEN"]).unwrap(), length, "nothing was reset or added");
        for format in ["terminal", "markdown", "html"] {
            let page = dbvitals(&["redis", "slowlog", &url, "--format", format]).ended(&[0]).out;
            assert!(page.contains("user:") && page.contains("O(N) all keys"), "{page}");
        }
    }
}

#[test]
fn an_interval_tells_only_what_is_new() {
    for version in RedisVersion::ALL {
        let redis = sleepy(version).start().unwrap();
        redis.cli(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        let arguments = ["redis", "slowlog", &redis.url(), "--interval", "100ms", "-f", "json"];
        let sheet = dbvitals(&arguments).ended(&[0]).json();
        assert_eq!(rows(&sheet, "shapes"), [] as [Value; 0], "{sheet:#}");
        assert!((fact(&sheet, "entries in the log") - 1.0).abs() < 1e-9, "{sheet:#}");
        let looking = begin(&["redis", "slowlog", &redis.url(), "--interval", "1s", "-f", "json"]);
        let mut client = redis.connection().unwrap();
        // Whenever its look began: some of these fall into it.
        let mut looking = looking;
        while looking.try_wait().unwrap().is_none() {
            client.command(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        }
        let sheet = end(looking).ended(&[0]).json();
        let meanwhile = fact(&sheet, "logged meanwhile");
        assert!(
            meanwhile >= 1.0 && meanwhile < fact(&sheet, "logged since the start"),
            "{sheet:#}"
        );
        assert_eq!(rows(&sheet, "shapes")[0][2], meanwhile, "{sheet:#}");
    }
}

#[test]
fn following_tells_each_entry_once() {
    let redis = sleepy(RedisVersion::V7).start().unwrap();
    let url = redis.url();
    let arguments =
        ["redis", "slowlog", &url, "--follow", "--interval", "150ms", "--looks", "6", "-f", "json"];
    let mut looking =
        command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut client = redis.connection().unwrap();
    let mut slept: f64 = 0.0;
    while looking.try_wait().unwrap().is_none() {
        client.command(&["DEBUG", "SLEEP", "0.015"]).unwrap();
        slept += 1.0;
    }
    let ran = end(looking).ended(&[0]);
    let sheets: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(sheets.len(), 6);
    let times =
        |sheet: &Value| rows(sheet, "shapes").first().map_or(0.0, |row| row[2].as_f64().unwrap());
    let told: f64 = sheets.iter().map(times).sum();
    assert!(told >= 1.0 && told <= slept, "{told} of {slept}");
    let logged: f64 = sheets.iter().map(|sheet| fact(sheet, "logged meanwhile")).sum();
    assert!((told - logged).abs() < 1e-9, "{told} told, {logged} logged");
}

#[test]
fn latency_has_round_trips_percentiles_and_events() {
    for version in RedisVersion::ALL {
        let redis = sleepy(version).config("latency-monitor-threshold", "5").start().unwrap();
        redis.cli(&["DEBUG", "SLEEP", "0.02"]).unwrap();
        redis.cli(&["SET", "a", "1"]).unwrap();
        let mut looking =
            begin(&["redis", "latency", &redis.url(), "--interval", "1s", "-f", "json"]);
        let mut client = redis.connection().unwrap();
        while looking.try_wait().unwrap().is_none() {
            client.command(&["GET", "a"]).unwrap();
        }
        let sheet = end(looking).ended(&[0]).json();
        let (p50, p99, worst) = (fact(&sheet, "p50"), fact(&sheet, "p99"), fact(&sheet, "worst"));
        assert!(0.0 < p50 && p50 <= p99 && p99 <= worst, "{sheet:#}");
        assert!(fact(&sheet, "round trips") > 5.0, "{sheet:#}");
        let commands = rows(&sheet, "commands");
        assert_eq!(commands[0][0], "get", "{sheet:#}");
        assert!(commands.iter().all(|row| row[0] != "ping" && row[0] != "info"), "{sheet:#}");
        // Histograms came with 7.0; the rates are of every version.
        assert_eq!(commands[0][5].is_number(), version == RedisVersion::V7, "{sheet:#}");
        assert!(commands[0][1].as_f64().unwrap() > 0.0);
        let event = &rows(&sheet, "events")[0];
        assert_eq!((&event[0], &event[1]), (&"command".into(), &1.0.into()));
        assert!(event[6].as_f64().unwrap() >= 20.0, "{sheet:#}");
        assert!(list(&sheet, "/notes").iter().any(|note| text(note, "").starts_with("command: ")));
    }
}

#[test]
fn clients_are_told_apart_by_what_they_are() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).acl_user("jobs", "on >pw ~* &* +@all").start().unwrap();
        let mut pool: Vec<_> = (0..3).map(|_| redis.connection().unwrap()).collect();
        for connection in &mut pool {
            connection.command(&["CLIENT", "SETNAME", "shop"]).unwrap();
        }
        let mut worker = redis.connection().unwrap();
        worker.command(&["AUTH", "jobs", "pw"]).unwrap();
        worker.send(&["BLPOP", "queue", "0"]).unwrap();
        let mut listener = redis.connection().unwrap();
        listener.command(&["SUBSCRIBE", "news"]).unwrap();
        while !redis.info("clients").unwrap().contains("blocked_clients:1") {
            std::thread::yield_now();
        }
        let look = |more: &[&str]| {
            let url = redis.url();
            let arguments = ["redis", "clients", &url, "--interval", "50ms", "-f", "json"];
            dbvitals(&[&arguments[..], more].concat()).ended(&[0]).json()
        };
        let sheet = look(&[]);
        let find = |table: &str, name: &str| {
            let row = rows(&sheet, table).iter().find(|row| row[0] == name);
            row.unwrap_or_else(|| panic!("{version} {table} {name}: {sheet:#}")).clone()
        };
        assert_eq!(find("by-name", "shop")[1], 3.0);
        assert_eq!(find("by-user", "jobs")[7], 1.0, "blocked");
        assert_eq!(find("by-name", "(none)")[8], 1.0, "subscribed");
        assert_eq!(find("by-last-command", "blpop")[1], 1.0);
        assert!((fact(&sheet, "blocked, waiting for data") - 1.0).abs() < 1e-9);
        assert_eq!(rows(&sheet, "heaviest").len(), 5, "ours is not among them: {sheet:#}");
        let sheet = look(&["--by", "database"]);
        assert_eq!(rows(&sheet, "by-database")[0][1], 5.0, "{sheet:#}");
    }
}

#[test]
fn what_is_refused_names_its_rule() {
    for version in RedisVersion::ALL {
        let redis = Redis::builder(version).acl_user("looker", "on >pw").start().unwrap();
        let url = redis.url_as("looker", "pw");
        for (subcommand, rule) in [
            ("slowlog", "+slowlog|get"),
            ("latency", "+latency|latest"),
            ("clients", "+client|list"),
        ] {
            let arguments = ["redis", subcommand, &url, "-f", "json", "--interval", "50ms"];
            let sheet = dbvitals(&arguments).ended(&[3]).json();
            let remedies: Vec<&str> =
                list(&sheet, "/missing").iter().map(|it| text(it, "/remedy")).collect();
            let wanted = format!("ACL SETUSER looker {rule}");
            assert!(remedies.contains(&wanted.as_str()), "{version} {subcommand}: {remedies:?}");
            let page = dbvitals(&["redis", subcommand, &url, "--interval", "50ms"]).ended(&[3]).out;
            assert!(page.contains(&wanted), "{page}");
        }
    }
}

#[test]
fn nobody_there_is_exit_code_4_and_one_of_two_is_3() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let port = { std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port() };
    let nobody = format!("gone=redis://127.0.0.1:{port}");
    let ran = dbvitals(&["redis", "clients", &nobody]).ended(&[4]);
    assert!(ran.err.contains("gone: ") && ran.err.contains("hint: "), "{ran:?}");
    let here = format!("here={}", redis.url());
    let ran = dbvitals(&["redis", "clients", &nobody, &here, "--interval", "50ms"]).ended(&[3]);
    assert!(ran.out.contains("here") && ran.err.contains("gone: "), "{ran:?}");
    let ran = dbvitals(&["redis", "latency", "postgres://localhost"]).ended(&[2]);
    assert!(ran.err.contains("is not a Redis server"), "{ran:?}");
}

#[test]
fn a_server_that_hangs_ends_the_look() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let url = format!("{}?timeout=300ms", redis.url());
    let looking = begin(&["redis", "latency", &url, "--interval", "20s"]);
    while !redis.cli(&["CLIENT", "LIST"]).unwrap().contains("name=dbvitals") {
        std::thread::sleep(Duration::from_millis(1));
    }
    redis.freeze().unwrap();
    let ran = end(looking).ended(&[3, 4]);
    redis.thaw().unwrap();
    assert!(!ran.out.is_empty() || !ran.err.is_empty(), "{ran:?}");
}
