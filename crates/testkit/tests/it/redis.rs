//! Redis servers, replicas, passwords and users.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
};

use dbvitals_testkit::{Redis, RedisVersion, Reply, TestkitError};

#[test]
fn every_version_starts_and_says_which_it_is() {
    for (version, number) in [(RedisVersion::V6_2, "6.2."), (RedisVersion::V7, "7.")] {
        let redis = Redis::builder(version).config("maxmemory", "100mb").start().unwrap();
        assert_eq!(redis.cli(&["PING"]).unwrap(), "PONG");
        let server = redis.info("server").unwrap();
        assert!(server.contains(&format!("redis_version:{number}")), "{server}");
        assert!(server.contains(&format!("tcp_port:{}\r\n", redis.port())), "{server}");
        let limit = redis.command(&["CONFIG", "GET", "maxmemory"]).unwrap();
        let text = |text: &str| Reply::Text(text.into());
        assert_eq!(limit, Reply::Array(vec![text("maxmemory"), text("104857600")]));
        assert_eq!(redis.command(&["GET", "nothing"]).unwrap(), Reply::Null);
        assert_eq!(redis.command(&["INCR", "n"]).unwrap(), Reply::Integer(1));
    }
}

#[test]
fn replicas_follow() {
    for version in RedisVersion::ALL {
        let primary = Redis::builder(version).password("secret").start().unwrap();
        let replica = primary.replica().unwrap();
        primary.cli(&["SET", "k", "v"]).unwrap();
        primary.wait_for_replica(&replica).unwrap();
        assert_eq!(replica.cli(&["GET", "k"]).unwrap(), "v");
        assert!(replica.info("replication").unwrap().contains("role:slave"));
    }
}

#[test]
fn users_may_do_what_their_rules_say() {
    let rules = "on >pw ~* +info +auth";
    let redis = Redis::builder(RedisVersion::V6_2).acl_user("auditor", rules).start().unwrap();
    let mut auditor = redis.connection().unwrap();
    auditor.command(&["AUTH", "auditor", "pw"]).unwrap();
    auditor.command(&["INFO"]).unwrap();
    let refused = auditor.command(&["SET", "k", "v"]).unwrap_err();
    let TestkitError::Redis { command, message } = refused else { panic!("{refused}") };
    assert_eq!(command, "SET");
    assert!(message.starts_with("NOPERM"), "{message}");
    let url = format!("redis://auditor:pw@127.0.0.1:{}/", redis.port());
    assert_eq!(redis.url_as("auditor", "pw"), url);
}

#[test]
fn a_password_is_asked_for() {
    let redis = Redis::builder(RedisVersion::V7).password("secret").start().unwrap();
    assert_eq!(redis.url(), format!("redis://:secret@127.0.0.1:{}/", redis.port()));
    let mut stranger = BufReader::new(TcpStream::connect(("127.0.0.1", redis.port())).unwrap());
    stranger.get_mut().write_all(b"PING\r\n").unwrap();
    let mut answer = String::new();
    stranger.read_line(&mut answer).unwrap();
    assert!(answer.starts_with("-NOAUTH"), "{answer}");
    assert_eq!(redis.cli(&["PING"]).unwrap(), "PONG");
}

#[test]
fn stopping_saves_when_told_to_and_killing_does_not() {
    let redis = Redis::builder(RedisVersion::V7).config("save", "3600 1").start().unwrap();
    redis.cli(&["SET", "kept", "1"]).unwrap();
    redis.stop().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", redis.port())).is_err());
    redis.start().unwrap();
    redis.cli(&["SET", "lost", "1"]).unwrap();
    redis.kill().unwrap();
    redis.start().unwrap();
    assert_eq!(redis.cli(&["GET", "kept"]).unwrap(), "1");
    assert_eq!(redis.cli(&["GET", "lost"]).unwrap(), "");
}
