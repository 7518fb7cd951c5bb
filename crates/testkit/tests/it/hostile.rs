//! Sockets that misbehave exactly as announced.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
};

use dbvitals_testkit::{Hostile, Redis, RedisVersion};

use crate::observe::eventually;

fn connect(port: u16) -> TcpStream {
    TcpStream::connect(("127.0.0.1", port)).unwrap()
}

#[test]
fn the_silent_one_never_writes() {
    let hostile = Hostile::never_answers().unwrap();
    let mut client = connect(hostile.port());
    client.write_all(b"PING\r\n").unwrap();
    eventually("the connection is accepted", || hostile.accepted() == 1);
    drop(hostile);
    let mut all = Vec::new();
    // All it ever wrote, up to its end: nothing. Unread bytes of ours may turn the end into a reset.
    let ended = client.read_to_end(&mut all);
    assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
    assert_eq!(all, b"");
}

#[test]
fn the_refusing_one_refuses() {
    let hostile = Hostile::refuses().unwrap();
    let refused = TcpStream::connect(("127.0.0.1", hostile.port())).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn the_talking_one_says_its_line_and_closes() {
    let hostile = Hostile::says(b"SSH-2.0-nonsense\r\n").unwrap();
    let mut all = String::new();
    connect(hostile.port()).read_to_string(&mut all).unwrap();
    assert_eq!(all, "SSH-2.0-nonsense\r\n");
}

#[test]
fn the_cutting_one_passes_some_bytes_and_cuts() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let hostile = Hostile::cuts_after(redis.port(), 3).unwrap();
    let mut client = connect(hostile.port());
    client.write_all(b"PING\r\n").unwrap();
    let mut all = String::new();
    client.read_to_string(&mut all).unwrap();
    assert_eq!(all, "+PO");
}

#[test]
fn the_stalling_one_passes_some_bytes_and_no_more() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let hostile = Hostile::stalls_after(redis.port(), 9).unwrap();
    let mut client = connect(hostile.port());
    client.write_all(b"PING\r\nPING\r\nPING\r\n").unwrap();
    let mut some = [0; 9];
    client.read_exact(&mut some).unwrap();
    assert_eq!(&some, b"+PONG\r\n+P");
    // The connection is open still: nothing to read, and no end.
    client.set_nonblocking(true).unwrap();
    assert_eq!(client.read(&mut some).unwrap_err().kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    drop(hostile);
    let mut rest = Vec::new();
    let ended = client.read_to_end(&mut rest);
    assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
    assert_eq!(rest, b"");
}
