//! `CLIENT LIST`, condensed and bounded; our own connection is left out.

use std::cmp::Reverse;

use dbvitals_model::redis::Client;

use crate::{connect::CLIENT_NAME, reply};

/// Clients kept: those that hold most memory, then those idle longest.
pub(crate) const KEPT: usize = 1000;

/// With more connections than this the list is not asked for: it would stall the server for tens of milliseconds.
pub(crate) const TOO_MANY: i64 = 10_000;

/// Longest text kept of a name, in characters.
const TEXT_LIMIT: usize = 80;

/// At most `most` clients, and how many were seen and not kept. We are known by our name, or by our id where naming is refused.
pub(crate) fn parse(text: &str, own_id: Option<i64>, most: usize) -> (Vec<Client>, usize) {
    let is_ours = |client: &Client| client.name == CLIENT_NAME || Some(client.id) == own_id;
    let mut clients: Vec<Client> =
        text.lines().filter_map(client).filter(|client| !is_ours(client)).collect();
    let dropped = clients.len().saturating_sub(most);
    if dropped > 0 {
        clients.sort_by_key(|client| {
            let memory = client.total_memory_bytes.unwrap_or(client.output_buffer_bytes);
            (Reverse(memory), Reverse(client.idle_seconds), client.id)
        });
        clients.truncate(most);
    }
    clients.sort_by_key(|client| client.id);
    (clients, dropped)
}

/// One line: `id=3 addr=127.0.0.1:5 name=x age=1 …`. Values hold no blanks; unknown names are passed over.
fn client(line: &str) -> Option<Client> {
    let mut client = Client::default();
    let mut has_id = false;
    for (name, value) in line.split_ascii_whitespace().filter_map(|word| word.split_once('=')) {
        let int = || value.parse::<i64>().unwrap_or(0);
        match name {
            "id" => {
                client.id = value.parse().ok()?;
                has_id = true;
            }
            "addr" => client.address = host(value),
            "name" => client.name = reply::shorten(value, TEXT_LIMIT),
            "lib-name" | "lib-ver" if !value.is_empty() => {
                let value = reply::shorten(value, TEXT_LIMIT);
                client.library = Some(match client.library.take() {
                    Some(name) => format!("{name} {value}"),
                    None => value,
                });
            }
            "user" => client.user = Some(reply::shorten(value, TEXT_LIMIT)),
            "age" => client.age_seconds = int(),
            "idle" => client.idle_seconds = int(),
            "flags" => value.clone_into(&mut client.flags),
            "db" => client.database = int(),
            "sub" | "psub" | "ssub" => {
                client.subscriptions = client.subscriptions.saturating_add(int());
            }
            "qbuf" => client.query_buffer_bytes = int(),
            "omem" => client.output_buffer_bytes = int(),
            "tot-mem" => client.total_memory_bytes = value.parse().ok(),
            "cmd" => client.last_command = value.to_ascii_lowercase(),
            _ => {}
        }
    }
    has_id.then_some(client)
}

/// An address without its port: `10.0.0.1:5` is `10.0.0.1`, `[::1]:5` is `::1`, a socket stays as it is.
pub(crate) fn host(address: &str) -> String {
    if address.starts_with('/') {
        return address.trim_end_matches(":0").to_owned();
    }
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_a_line_of_7_0() {
        let line = "id=6 addr=127.0.0.1:49434 laddr=127.0.0.1:6379 fd=9 name=web age=50 idle=2 \
            flags=N db=3 sub=1 psub=2 ssub=0 multi=-1 qbuf=26 qbuf-free=20448 argv-mem=10 multi-mem=0 \
            rbs=1024 rbp=0 obl=0 oll=0 omem=9 tot-mem=22298 events=r cmd=client|list user=default \
            redir=-1 resp=2";
        let (clients, dropped) = parse(line, None, KEPT);
        let client = &clients[0];
        assert_eq!((client.id, client.address.as_str(), dropped), (6, "127.0.0.1", 0));
        assert_eq!((client.subscriptions, client.database), (3, 3));
        assert_eq!((client.total_memory_bytes, client.output_buffer_bytes), (Some(22298), 9));
        assert_eq!(
            (client.user.as_deref(), client.last_command.as_str()),
            (Some("default"), "client|list")
        );
    }

    #[test]
    fn leaves_ourselves_out() {
        assert!(parse("id=1 addr=a:1 name=dbvitals age=0 idle=0", None, KEPT).0.is_empty());
        assert!(parse("id=7 addr=a:1 name= age=0 idle=0", Some(7), KEPT).0.is_empty());
    }

    #[test]
    fn keeps_the_heaviest() {
        let lines: Vec<String> =
            (0..1500).map(|id| format!("id={id} addr=a:1 name= tot-mem={id}")).collect();
        let (clients, dropped) = parse(&lines.join("\n"), Some(9999), KEPT);
        assert_eq!((clients.len(), dropped), (KEPT, 500));
        assert!(clients.iter().all(|client| client.id >= 500));
    }

    #[test]
    fn addresses_lose_their_port() {
        assert_eq!(host("[::1]:5000"), "::1");
        assert_eq!(host("/run/redis.sock:0"), "/run/redis.sock");
        assert_eq!(host(""), "");
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in "(?s)(id=[0-9]{1,3} )?.{0,200}") {
            let _ = parse(&text, None, KEPT);
        }
    }
}
