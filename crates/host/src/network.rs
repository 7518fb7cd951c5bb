//! Network interfaces over the window.

use std::collections::BTreeMap;

use dbvitals_model::host::NetworkUse;

use crate::{Raw, parse::InterfaceCounters, rates::grown, raw::speed_file};

/// Bytes per second of one megabit per second.
const MEGABIT: f64 = 125_000.0;

/// Interfaces that are in both looks, without loopback. `raw` tells their speed.
pub(crate) fn between(
    before: &[InterfaceCounters],
    after: &[InterfaceCounters],
    raw: &Raw,
    seconds: f64,
) -> Vec<NetworkUse> {
    let earlier: BTreeMap<&str, &InterfaceCounters> =
        before.iter().map(|interface| (interface.name.as_str(), interface)).collect();
    after
        .iter()
        .filter(|interface| interface.name != "lo")
        .filter_map(|interface| {
            let first = earlier.get(interface.name.as_str())?;
            let received = grown(first.received_bytes, interface.received_bytes)?;
            let sent = grown(first.sent_bytes, interface.sent_bytes)?;
            Some(NetworkUse {
                interface: interface.name.clone(),
                window_seconds: seconds,
                received_bytes_per_second: received / seconds,
                sent_bytes_per_second: sent / seconds,
                link_bytes_per_second: link_speed(raw, &interface.name),
            })
        })
        .collect()
}

/// The link's speed; a link that is down, or virtual, says -1 or nothing.
fn link_speed(raw: &Raw, interface: &str) -> Option<f64> {
    let megabits = raw.number(&speed_file(interface))?;
    (megabits > 0).then_some(megabits as f64 * MEGABIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, received_bytes: u64, sent_bytes: u64) -> InterfaceCounters {
        InterfaceCounters { name: name.to_owned(), received_bytes, sent_bytes }
    }

    #[test]
    fn rates_and_speed() {
        let speed = |text: &str| {
            let path = "/sys/class/net/eth0/speed".to_owned();
            Raw::from_files(BTreeMap::from([(path, text.as_bytes().to_vec())]))
        };
        let before = [interface("lo", 0, 0), interface("eth0", 100, 50)];
        let after = [interface("lo", 9, 9), interface("eth0", 300, 60), interface("new", 1, 1)];
        let found = between(&before, &after, &speed("1000\n"), 2.0);
        assert_eq!(found.len(), 1);
        assert!((found[0].received_bytes_per_second - 100.0).abs() < 1e-9);
        assert_eq!(found[0].link_bytes_per_second, Some(125_000_000.0));
        let found = between(&before, &after, &speed("-1\n"), 2.0);
        assert_eq!(found[0].link_bytes_per_second, None);
    }
}
