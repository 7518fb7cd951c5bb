//! Block devices over the window.

use std::collections::BTreeMap;

use dbvitals_model::host::DiskUse;

use crate::{
    parse::DiskCounters,
    rates::{grown, ratio},
};

/// Devices that are no disks of interest.
const NOT_DISKS: &[&str] = &["loop", "ram", "zram", "sr", "fd", "nbd"];

/// Whole disks that are in both looks, and whose counters did not fall.
pub(crate) fn between(
    before: &[DiskCounters],
    after: &[DiskCounters],
    seconds: f64,
) -> Vec<DiskUse> {
    let earlier: BTreeMap<&str, &DiskCounters> =
        before.iter().map(|disk| (disk.name.as_str(), disk)).collect();
    after
        .iter()
        .filter(|disk| is_whole_disk(&disk.name, after))
        .filter_map(|disk| use_of(earlier.get(disk.name.as_str())?, disk, seconds))
        .collect()
}

fn use_of(before: &DiskCounters, after: &DiskCounters, seconds: f64) -> Option<DiskUse> {
    let reads = grown(before.reads, after.reads)?;
    let writes = grown(before.writes, after.writes)?;
    let waited = grown(before.read_ms, after.read_ms)? + grown(before.write_ms, after.write_ms)?;
    let requests = reads + writes;
    Some(DiskUse {
        device: after.name.clone(),
        window_seconds: seconds,
        busy_ratio: ratio(grown(before.busy_ms, after.busy_ms)? / 1000.0, seconds),
        reads_per_second: reads / seconds,
        writes_per_second: writes / seconds,
        latency_ms: (requests > 0.0).then(|| waited / requests),
    })
}

/// Not a partition: a partition bears its disk's name and a number (`sda1`, `nvme0n1p2`).
fn is_whole_disk(name: &str, all: &[DiskCounters]) -> bool {
    let kind = name.trim_end_matches(|c: char| c.is_ascii_digit());
    if NOT_DISKS.contains(&kind) {
        return false;
    }
    !all.iter().any(|other| {
        name.strip_prefix(other.name.as_str()).is_some_and(|rest| {
            let digits = if other.name.ends_with(|c: char| c.is_ascii_digit()) {
                rest.strip_prefix('p').unwrap_or_default()
            } else {
                rest
            };
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, reads: u64, read_ms: u64, busy_ms: u64) -> DiskCounters {
        DiskCounters { name: name.to_owned(), reads, read_ms, busy_ms, ..DiskCounters::default() }
    }

    #[test]
    fn partitions_and_other_devices_are_left_out() {
        let names = ["sda", "sda1", "nvme0n1", "nvme0n1p2", "dm-1", "dm-10", "md0", "loop3", "vdb"];
        let all: Vec<_> = names.iter().map(|name| disk(name, 0, 0, 0)).collect();
        let whole: Vec<_> = names.into_iter().filter(|name| is_whole_disk(name, &all)).collect();
        assert_eq!(whole, ["sda", "nvme0n1", "dm-1", "dm-10", "md0", "vdb"]);
    }

    #[test]
    fn rates_and_latency() {
        let found = between(&[disk("sda", 100, 50, 0)], &[disk("sda", 300, 1050, 500)], 2.0);
        assert!((found[0].reads_per_second - 100.0).abs() < 1e-9);
        assert_eq!((found[0].latency_ms, found[0].busy_ratio), (Some(5.0), 0.25));
    }

    #[test]
    fn an_idle_disk_has_no_latency_and_a_new_one_no_rates() {
        let found =
            between(&[disk("sda", 1, 1, 1)], &[disk("sda", 1, 1, 1), disk("sdb", 9, 9, 9)], 1.0);
        assert_eq!((found.len(), found[0].latency_ms), (1, None));
    }

    #[test]
    fn counters_that_fell_give_nothing() {
        assert!(between(&[disk("sda", 9, 9, 9)], &[disk("sda", 1, 1, 1)], 1.0).is_empty());
    }
}
