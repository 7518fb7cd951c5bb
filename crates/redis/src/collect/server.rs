//! Who answered: flavour, version, role, and whom it knows.

use dbvitals_model::{
    Reason, Section, ServerVersion,
    redis::{Info, RedisSnapshot, Server},
};
use jiff::Timestamp;
use redis::Value;

use crate::{Target, connect::Opened, reply};

/// `TIME`: seconds and microseconds.
pub(crate) fn clock(value: &Value) -> Option<Timestamp> {
    let [seconds, micros] = reply::items(value) else { return None };
    let micros = i32::try_from(reply::int(micros)?).ok()?;
    Timestamp::new(reply::int(seconds)?, micros.checked_mul(1000)?).ok()
}

/// The server as `INFO` and `HELLO` show it, with what connecting taught.
pub(crate) fn describe(
    opened: &Opened,
    target: &Target,
    known: &Server,
    info: &Section<Info>,
) -> Server {
    let now = if known.now == Timestamp::UNIX_EPOCH { Timestamp::now() } else { known.now };
    Server {
        now,
        connect_ms: Some(opened.connect_ms),
        round_trip_ms: opened.round_trip_ms,
        is_local: opened.is_local,
        tls: target.tls.is_some(),
        user: known.user.clone(),
        ..identify(info.value(), &opened.hello)
    }
}

/// What the server says it is in `INFO` or, where that is refused, in `HELLO`.
fn identify(info: Option<&Info>, hello: &[(String, String)]) -> Server {
    let field = |name: &str| info.and_then(|info| info.text(name));
    let hello =
        |name: &str| hello.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let is_valkey = field("server_name") == Some("valkey") || hello("server") == Some("valkey");
    let version = field("valkey_version").or_else(|| field("redis_version"));
    let version = version.or_else(|| hello("version")).and_then(ServerVersion::parse);
    let role = match field("role").or_else(|| hello("role")) {
        Some("replica" | "slave") => "slave",
        Some(role) => role,
        None => "master",
    };
    let mode = field("redis_mode").or_else(|| field("server_mode")).or_else(|| hello("mode"));
    Server {
        flavour: if is_valkey { "valkey" } else { "redis" }.to_owned(),
        version: version.unwrap_or(ServerVersion::new(0, 0, 0)),
        role: role.to_owned(),
        mode: mode.unwrap_or("standalone").to_owned(),
        uptime_seconds: info.and_then(|info| info.int("uptime_in_seconds")).unwrap_or(0),
        ..Server::default()
    }
}

/// Oddities of the server itself.
pub(crate) fn problems(snapshot: &RedisSnapshot) -> Vec<String> {
    let mut problems = Vec::new();
    if snapshot.server.mode == "sentinel" {
        problems.push("this is a Sentinel; name the data servers it watches as well".to_owned());
    }
    if snapshot.server.version == ServerVersion::new(0, 0, 0) {
        problems.push("the server does not tell its version".to_owned());
    }
    problems
}

/// A Sentinel lacks what only a data server has, which is no fault of anybody.
pub(crate) fn without_data(snapshot: &mut RedisSnapshot) {
    fn pass_over<T>(section: &mut Section<T>) {
        if section.get().is_err_and(|why| why.reason == Reason::Disabled) {
            *section = Section::unavailable(Reason::NotApplicable, "a Sentinel has no such thing");
        }
    }
    pass_over(&mut snapshot.config);
    pass_over(&mut snapshot.slowlog);
    pass_over(&mut snapshot.latency);
    pass_over(&mut snapshot.memory_stats);
}

/// Replicas of a primary, the primary of a replica, or the primaries a Sentinel watches, as URLs without user or
/// secret.
pub(crate) fn offered(target: &Target, info: Option<&Info>) -> Vec<String> {
    let Some(info) = info else { return Vec::new() };
    if info.text("redis_mode").or_else(|| info.text("server_mode")) == Some("sentinel") {
        return watched(target, info);
    }
    let replicas = info.replicas.iter().filter(|replica| replica.port > 0);
    let mut urls: Vec<String> =
        replicas.map(|replica| target.sibling(&replica.address, replica.port)).collect();
    if let (Some(host), Some(port)) = (info.text("master_host"), info.int("master_port")) {
        urls.push(target.sibling(host, port));
    }
    urls
}

/// `master0:name=mymaster,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=3`.
fn watched(target: &Target, info: &Info) -> Vec<String> {
    let primaries = info.fields.iter().filter(|(name, _)| {
        name.strip_prefix("master").is_some_and(|number| number.parse::<u32>().is_ok())
    });
    primaries
        .filter_map(|(_, value)| {
            let address = value.split(',').find_map(|pair| pair.strip_prefix("address="))?;
            let (host, port) = address.rsplit_once(':')?;
            Some(target.sibling(host, port.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        collect::info,
        reply::tests::{array, bulk},
    };

    #[test]
    fn reads_the_clock() {
        let time = clock(&array([bulk("1700000000"), bulk("123456")])).unwrap();
        assert_eq!(time.as_microsecond(), 1_700_000_000_123_456);
        assert_eq!(clock(&array([bulk("1"), bulk("99999999999")])), None);
        assert_eq!(clock(&Value::Nil), None);
    }

    #[test]
    fn knows_redis_and_valkey_of_each_generation() {
        for (text, flavour, version, mode) in [
            ("redis_version:6.2.14\nredis_mode:standalone\n", "redis", (6, 2, 14), "standalone"),
            ("redis_version:8.2.1\nredis_mode:cluster\n", "redis", (8, 2, 1), "cluster"),
            (
                "redis_version:7.2.4\nserver_name:valkey\nvalkey_version:8.1.3\n\
                 server_mode:standalone\n",
                "valkey",
                (8, 1, 3),
                "standalone",
            ),
        ] {
            let server = identify(Some(&info::parse(text)), &[]);
            let (major, minor, patch) = version;
            assert_eq!(server.version, ServerVersion::new(major, minor, patch));
            assert_eq!((server.flavour.as_str(), server.mode.as_str()), (flavour, mode));
        }
    }

    #[test]
    fn hello_stands_in_for_info() {
        let hello = [("server", "valkey"), ("version", "8.0.1"), ("role", "replica")];
        let hello = hello.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let server = identify(None, &hello);
        assert_eq!((server.flavour.as_str(), server.role.as_str()), ("valkey", "slave"));
        assert_eq!(server.version, ServerVersion::new(8, 0, 1));
    }

    #[test]
    fn offers_replicas_and_primaries() {
        let target = Target::parse("rediss://u:p@h:1/2").unwrap();
        let known = info::parse("slave0:ip=10.0.0.2,port=6380,state=online,offset=1,lag=0\n");
        assert_eq!(offered(&target, Some(&known)), ["rediss://10.0.0.2:6380"]);
        let known = info::parse("role:slave\nmaster_host:::1\nmaster_port:6379\n");
        assert_eq!(offered(&target, Some(&known)), ["rediss://[::1]:6379"]);
        let known = "redis_mode:sentinel\nsentinel_masters:1\n\
            master0:name=a,status=ok,address=10.0.0.9:7000,slaves=1,sentinels=3\n";
        assert_eq!(offered(&target, Some(&info::parse(known))), ["rediss://10.0.0.9:7000"]);
    }
}
