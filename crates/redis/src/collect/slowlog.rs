//! `SLOWLOG GET`: which commands were slow, and on which key; never with what values.

use dbvitals_model::redis::{Slowlog, SlowlogEntry};
use jiff::Timestamp;
use redis::Value;

use super::slowlog_key::{command_name, first_key};
use crate::{connect::CLIENT_NAME, keyspace::pattern_of, reply};

/// Entries asked for; the server's default length of the log.
pub(crate) const ENTRIES: i64 = 128;

/// Longest key name kept, in characters.
const KEY_LIMIT: usize = 120;

/// Reads `SLOWLOG GET` and `SLOWLOG LEN`. Our own commands are left out.
pub(crate) fn decode(entries: &Value, length: Option<i64>) -> Slowlog {
    let kept: Vec<SlowlogEntry> = reply::items(entries).iter().filter_map(entry).collect();
    let seen = i64::try_from(reply::items(entries).len()).unwrap_or(i64::MAX);
    Slowlog { length: length.unwrap_or(seen), entries: kept }
}

/// The id of the newest entry of `SLOWLOG GET`, whoever it is of.
pub(crate) fn newest_id(entries: &Value) -> Option<i64> {
    reply::int(reply::items(reply::items(entries).first()?).first()?)
}

/// `[id, unix time, microseconds, [arguments], address, client name]`.
fn entry(value: &Value) -> Option<SlowlogEntry> {
    let [id, at, duration, arguments, rest @ ..] = reply::items(value) else { return None };
    let client = rest.get(1).and_then(reply::text).filter(|name| !name.is_empty());
    if client.as_deref() == Some(CLIENT_NAME) {
        return None;
    }
    let arguments: Vec<String> = reply::items(arguments).iter().filter_map(reply::text).collect();
    let command = command_name(&arguments);
    let address = rest.first().and_then(reply::text).map(|address| super::clients::host(&address));
    let key = first_key(&command, &arguments);
    Some(SlowlogEntry {
        id: reply::int(id)?,
        at: reply::int(at).and_then(|seconds| Timestamp::from_second(seconds).ok()),
        duration_us: reply::int(duration)?,
        pattern: key.map(|key| reply::shorten(&pattern_of(key.as_bytes()), KEY_LIMIT)),
        key: key.map(|key| reply::shorten(key, KEY_LIMIT)),
        arguments: argument_count(&arguments),
        command,
        client: client.map(|name| reply::shorten(&name, KEY_LIMIT)).or(address),
    })
}

/// How many words the command had. The server keeps 32 at most; the last then reads `... (N more arguments)`.
fn argument_count(arguments: &[String]) -> i64 {
    let shown = i64::try_from(arguments.len()).unwrap_or(i64::MAX);
    let more = arguments.last().and_then(|last| {
        last.strip_prefix("... (")?.strip_suffix(" more arguments)")?.parse::<i64>().ok()
    });
    match more {
        Some(more) => (shown - 1).saturating_add(more),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    fn logged(words: &[&str], client: &str) -> Value {
        let words = array(words.iter().map(|word| bulk(word)));
        let facts = [Value::Int(7), Value::Int(1_700_000_000), Value::Int(12_000), words];
        array(facts.into_iter().chain([bulk("10.0.0.9:5123"), bulk(client)]))
    }

    #[test]
    fn keeps_command_and_key_and_no_value() {
        let log = decode(&array([logged(&["SET", "user:1", "hunter2"], "")]), Some(300));
        let entry = &log.entries[0];
        assert_eq!(entry.pattern.as_deref(), Some("user:*"));
        assert_eq!((entry.command.as_str(), entry.key.as_deref()), ("set", Some("user:1")));
        assert_eq!((entry.arguments, entry.duration_us, log.length), (3, 12_000, 300));
        assert_eq!(entry.client.as_deref(), Some("10.0.0.9"));
        assert!(!format!("{log:?}").contains("hunter2"));
    }

    #[test]
    fn secrets_in_arguments_are_not_kept() {
        for words in [
            ["CONFIG", "SET", "requirepass", "hunter2"],
            ["AUTH", "user", "hunter2", ""],
            ["ACL", "SETUSER", "joe", ">hunter2"],
            ["HELLO", "3", "AUTH", "hunter2"],
        ] {
            let log = decode(&array([logged(&words, "app")]), None);
            assert!(!format!("{log:?}").contains("hunter2"), "{log:?}");
        }
    }

    #[test]
    fn our_own_commands_are_left_out() {
        assert!(decode(&array([logged(&["INFO"], CLIENT_NAME)]), None).entries.is_empty());
    }

    #[test]
    fn counts_arguments_the_server_cut() {
        let words = ["MGET", "a", "... (970 more arguments)"];
        let log = decode(&array([logged(&words, "")]), None);
        assert_eq!(log.entries[0].arguments, 972);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value, None);
        }

        #[test]
        fn any_arguments_can_be_read(words in prop::collection::vec("\\PC{0,12}", 0..8)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let _ = decode(&array([logged(&words, "")]), None);
        }
    }
}
