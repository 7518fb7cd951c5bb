//! The slots of a cluster: which a name belongs to, and how many keys each holds.

use dbvitals_model::redis::SlotUse;
use redis::Value;
use serde::{Deserialize, Serialize};

use crate::reply;

/// Slots of a cluster.
const SLOTS: usize = 16_384;

/// Slots told.
pub(super) const TOLD: usize = 10;

/// Names seen, by slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slots {
    /// Empty until the first name.
    keys: Vec<u32>,
    /// What the servers themselves count, of the fullest slots of each.
    told: Vec<SlotUse>,
}

impl Slots {
    /// Counts a name.
    pub(super) fn add(&mut self, name: &[u8]) {
        if self.keys.is_empty() {
            self.keys = vec![0; SLOTS];
        }
        if let Some(count) = self.keys.get_mut(usize::from(slot(name))) {
            *count = count.saturating_add(1);
        }
    }

    /// Takes a name out again.
    pub(super) fn remove(&mut self, name: &[u8]) {
        if let Some(count) = self.keys.get_mut(usize::from(slot(name))) {
            *count = count.saturating_sub(1);
        }
    }

    /// Takes in what a server counts.
    pub(super) fn told(&mut self, more: Vec<SlotUse>) {
        self.told.extend(more);
    }

    /// The slots with most keys, the fullest first: as the servers count them, or else by the names seen.
    pub(super) fn fullest(&self) -> Vec<SlotUse> {
        let seen = self.keys.iter().zip(0_i64..).filter(|(keys, _)| **keys > 0);
        let mut all: Vec<SlotUse> = if self.told.is_empty() {
            let of = |(keys, slot): (&u32, i64)| SlotUse {
                slot,
                keys: i64::from(*keys),
                ..SlotUse::default()
            };
            seen.map(of).collect()
        } else {
            self.told.clone()
        };
        all.sort_by_key(|it| (-it.keys, it.slot));
        all.truncate(TOLD);
        all
    }
}

/// Reads `CLUSTER SLOT-STATS`: `[[slot, [key-count, n, cpu-usec, n, …]], …]`, flat or as maps.
pub(super) fn decode(value: &Value) -> Vec<SlotUse> {
    let row = |row: &Value| {
        let [slot, numbers, ..] = reply::items(row) else { return None };
        let pairs = reply::pairs(numbers);
        let number = |wanted: &str| {
            let found = pairs.iter().find(|(name, _)| name == wanted);
            found.and_then(|(_, number)| reply::int(number))
        };
        let (received, sent) = (number("network-bytes-in"), number("network-bytes-out"));
        Some(SlotUse {
            slot: reply::int(slot)?,
            keys: number("key-count")?,
            cpu_us: number("cpu-usec"),
            memory_bytes: number("memory-bytes"),
            network_bytes: received.map(|it| it.saturating_add(sent.unwrap_or(0))),
        })
    };
    reply::items(value).iter().filter_map(row).collect()
}

/// The slot of a key: the CRC16 of its name, or of what stands between the first braces in it.
fn slot(name: &[u8]) -> u16 {
    let tag = name.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = name.get(open + 1..)?;
        let length = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..length).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(name)) & 0x3fff
}

/// CRC-16/XMODEM.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reply::tests::{any_value, array, bulk};

    #[test]
    fn names_have_the_slots_that_servers_give_them() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
        for (name, expected) in [("foo", 12_182), ("bar", 5061), ("a", 15_495), ("b", 3300)] {
            assert_eq!(slot(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(slot(b"{user1000}.following"), slot(b"user1000"));
        assert_eq!(slot(b"foo{{bar}}zap"), slot(b"{bar"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") & 0x3fff, "an empty tag is none");
        assert_eq!(slot(b"foo{bar"), crc16(b"foo{bar") & 0x3fff);
    }

    #[test]
    fn the_fullest_slot_leads() {
        let mut slots = Slots::default();
        for n in 0..50 {
            slots.add(format!("{{cart}}:{n}").as_bytes());
        }
        for n in 0..20 {
            slots.add(format!("k:{n}").as_bytes());
        }
        slots.add(b"{cart}:gone");
        slots.remove(b"{cart}:gone");
        let fullest = slots.fullest();
        assert_eq!((fullest[0].slot, fullest[0].keys), (i64::from(slot(b"cart")), 50));
        assert_eq!(fullest.len(), TOLD);
        slots.told(vec![SlotUse { slot: 7, keys: 99, ..SlotUse::default() }]);
        assert_eq!(slots.fullest()[0].slot, 7, "what the server counts goes before");
    }

    #[test]
    fn reads_slot_stats_of_each_protocol() {
        let pairs = || {
            [("key-count", 5), ("cpu-usec", 42), ("network-bytes-in", 10), ("network-bytes-out", 3)]
        };
        let flat = array(pairs().into_iter().flat_map(|(name, n)| [bulk(name), Value::Int(n)]));
        let map = Value::Map(pairs().map(|(name, n)| (bulk(name), Value::Int(n))).to_vec());
        for numbers in [flat, map] {
            let told = decode(&array([array([Value::Int(12_426), numbers])]));
            let wanted = SlotUse {
                slot: 12_426,
                keys: 5,
                cpu_us: Some(42),
                memory_bytes: None,
                network_bytes: Some(13),
            };
            assert_eq!(told, [wanted]);
        }
        let only = array([bulk("key-count"), Value::Int(2)]);
        assert_eq!(decode(&array([array([Value::Int(1), only])]))[0].cpu_us, None);
    }

    proptest! {
        #[test]
        fn any_reply_can_be_read(value in any_value()) {
            let _ = decode(&value);
        }

        #[test]
        fn every_name_has_a_slot(name in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(usize::from(slot(&name)) < SLOTS);
        }
    }
}
