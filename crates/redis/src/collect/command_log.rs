//! `COMMANDLOG GET`: which commands had a large request or answer. Built from the documentation of Valkey 8.1.

use dbvitals_model::{ServerVersion, redis::Server, redis::look::LargeCommand};
use redis::Value;

use super::slowlog;

/// Whether a server keeps these logs.
pub(crate) fn is_kept(server: &Server) -> bool {
    server.flavour == "valkey" && server.version >= ServerVersion::new(8, 1, 0)
}

/// Reads entries of the form of the slow log, with bytes in the place of microseconds.
pub(crate) fn decode(entries: &Value) -> Vec<LargeCommand> {
    let entries = slowlog::decode(entries, None).entries.into_iter();
    let large = entries.map(|entry| LargeCommand {
        at: entry.at,
        bytes: entry.duration_us,
        command: entry.command,
        key: entry.key,
        client: entry.client,
    });
    large.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::tests::{array, bulk};

    #[test]
    fn reads_the_documented_form() {
        let words = array([bulk("SET"), bulk("avatar:7"), bulk("hunter2… (1048571 more bytes)")]);
        let facts = [Value::Int(3), Value::Int(1_753_000_000), Value::Int(1_048_616), words];
        let entry = array(facts.into_iter().chain([bulk("10.0.0.9:5123"), bulk("shop")]));
        let found = decode(&array([entry]));
        assert_eq!((found[0].bytes, found[0].command.as_str()), (1_048_616, "set"));
        let (key, client) = (found[0].key.as_deref(), found[0].client.as_deref());
        assert_eq!((key, client), (Some("avatar:7"), Some("shop")));
        assert!(!format!("{found:?}").contains("hunter2"), "values are never kept");
        assert!(decode(&Value::Nil).is_empty());
    }

    #[test]
    fn only_newer_servers_of_one_kind_keep_them() {
        let of = |flavour: &str, major, minor| {
            let version = ServerVersion::new(major, minor, 0);
            is_kept(&Server { flavour: flavour.into(), version, ..Server::default() })
        };
        assert!(of("valkey", 8, 1) && of("valkey", 9, 0));
        assert!(!of("valkey", 8, 0) && !of("redis", 8, 2));
    }
}
