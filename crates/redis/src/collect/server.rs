//! Who answered: flavour, version, role, and whom it knows.

use dbvitals_model::{
    Section, ServerVersion,
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

/// The server as `INFO` shows it, or, where that is refused, `HELLO`.
pub(crate) fn describe(
    opened: &Opened,
    target: &Target,
    known: &Server,
    info: &Section<Info>,
) -> Server {
    let info = info.value();
    let field = |name: &str| info.and_then(|info| info.text(name));
    let hello = |name: &str| {
        opened.hello.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    };
    let is_valkey = field("server_name") == Some("valkey") || hello("server") == Some("valkey");
    let version = field("valkey_version").or_else(|| field("redis_version"));
    let version = version.or_else(|| hello("version")).and_then(ServerVersion::parse);
    let role = match field("role").or_else(|| hello("role")) {
        Some("replica" | "slave") => "slave",
        Some(role) => role,
        None => "master",
    };
    let mode = field("redis_mode").or_else(|| field("server_mode")).or_else(|| hello("mode"));
    let now = if known.now == Timestamp::UNIX_EPOCH { Timestamp::now() } else { known.now };
    Server {
        flavour: if is_valkey { "valkey" } else { "redis" }.to_owned(),
        version: version.unwrap_or(ServerVersion::new(0, 0, 0)),
        role: role.to_owned(),
        mode: mode.unwrap_or("standalone").to_owned(),
        now,
        uptime_seconds: info.and_then(|info| info.int("uptime_in_seconds")).unwrap_or(0),
        connect_ms: Some(opened.connect_ms),
        round_trip_ms: opened.round_trip_ms,
        is_local: opened.is_local,
        tls: target.tls.is_some(),
        user: known.user.clone(),
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

/// Replicas of a primary, or the primary of a replica, as URLs without user or secret.
pub(crate) fn offered(target: &Target, info: Option<&Info>) -> Vec<String> {
    let Some(info) = info else { return Vec::new() };
    let replicas = info.replicas.iter().filter(|replica| replica.port > 0);
    let mut urls: Vec<String> =
        replicas.map(|replica| target.sibling(&replica.address, replica.port)).collect();
    if let (Some(host), Some(port)) = (info.text("master_host"), info.int("master_port")) {
        urls.push(target.sibling(host, port));
    }
    urls
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
    fn offers_replicas_and_primaries() {
        let target = Target::parse("rediss://u:p@h:1/2").unwrap();
        let known = info::parse("slave0:ip=10.0.0.2,port=6380,state=online,offset=1,lag=0\n");
        assert_eq!(offered(&target, Some(&known)), ["rediss://10.0.0.2:6380"]);
        let known = info::parse("role:slave\nmaster_host:::1\nmaster_port:6379\n");
        assert_eq!(offered(&target, Some(&known)), ["rediss://[::1]:6379"]);
    }
}
