//! Memory and cores, as far as the control group allows.

use dbvitals_model::{Reason, Section, host::Memory};

use crate::{
    Raw, parse,
    rates::{grown, seconds_between},
};

/// Limit, use and reclaimable part of a control group: its files in version 2 and version 1.
const GROUPS: [(&str, &str, &str, &str); 2] = [
    (
        "/sys/fs/cgroup/memory.max",
        "/sys/fs/cgroup/memory.current",
        "/sys/fs/cgroup/memory.stat",
        "inactive_file",
    ),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        "/sys/fs/cgroup/memory/memory.stat",
        "total_inactive_file",
    ),
];

pub(crate) fn memory(before: &Raw, after: Option<&Raw>) -> Section<Memory> {
    let latest = after.unwrap_or(before);
    let found = latest.file("/proc/meminfo").map(parse::meminfo).unwrap_or_default();
    let get = |name: &str| found.get(name).copied();
    let Some(total) = get("MemTotal").filter(|total| *total > 0) else {
        return Section::unavailable(Reason::Failed, "/proc/meminfo could not be read");
    };
    // Kernels before 3.14 do not tell what is available.
    let available = get("MemAvailable").or_else(|| {
        let free = get("MemFree")?.saturating_add(get("Cached").unwrap_or(0));
        Some(free.saturating_add(get("Buffers").unwrap_or(0)))
    });
    let mut memory = Memory {
        total_bytes: total,
        available_bytes: available.unwrap_or(0).clamp(0, total),
        swap_total_bytes: get("SwapTotal").unwrap_or(0),
        swap_free_bytes: get("SwapFree").unwrap_or(0),
        swap_pages_per_second: after.and_then(|after| swap_rate(before, after)),
        huge_pages_total: get("HugePages_Total"),
        huge_pages_free: get("HugePages_Free"),
        huge_page_bytes: get("Hugepagesize"),
        limited_by_cgroup: false,
    };
    if let Some((limit, left)) = group_limit(latest).filter(|(limit, _)| *limit < total) {
        memory.limited_by_cgroup = true;
        memory.total_bytes = limit;
        memory.available_bytes = left.unwrap_or(limit).min(memory.available_bytes).clamp(0, limit);
    }
    Section::collected(memory)
}

/// The limit of the control group and what is left of it. Cache that can be dropped at once counts as left.
fn group_limit(raw: &Raw) -> Option<(i64, Option<i64>)> {
    GROUPS.into_iter().find_map(|(limit, used, stat, reclaimable)| {
        let limit = parse::limit(raw.file(limit)?)?;
        let reclaimable = raw
            .file(stat)
            .and_then(|bytes| parse::named_numbers(bytes).get(reclaimable).copied())
            .and_then(|bytes| i64::try_from(bytes).ok())
            .unwrap_or(0);
        let left = raw
            .number(used)
            .map(|used| limit.saturating_sub(used.saturating_sub(reclaimable).max(0)));
        Some((limit, left))
    })
}

/// Pages swapped in and out per second.
fn swap_rate(before: &Raw, after: &Raw) -> Option<f64> {
    let pages = |raw: &Raw| {
        let counters = parse::named_numbers(raw.file("/proc/vmstat")?);
        counters.get("pswpin")?.checked_add(*counters.get("pswpout")?)
    };
    Some(grown(pages(before)?, pages(after)?)? / seconds_between(before, after).ok()?)
}

/// Cores, as far as the control group lets them be used (a quota of 1.5 cores counts as 2).
pub(crate) fn cpu_count(raw: &Raw) -> Option<u32> {
    let (_, cores) = raw.file("/proc/stat").map(parse::stat)?;
    let quota = raw.file("/sys/fs/cgroup/cpu.max").and_then(parse::cpu_max).or_else(|| {
        parse::cores(
            raw.number("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?,
            raw.number("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?,
        )
    });
    let allowed = |cores: u32| {
        (1..cores)
            .find(|count| quota.is_some_and(|quota| f64::from(*count) >= quota))
            .unwrap_or(cores)
    };
    cores.map(allowed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn raw(files: &[(&str, &str)]) -> Raw {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Raw::from_files(files.collect::<BTreeMap<_, _>>())
    }

    const MEMINFO: (&str, &str) =
        ("/proc/meminfo", "MemTotal: 8388608 kB\nMemAvailable: 4194304 kB\nSwapTotal: 0 kB\n");

    fn value(raw: &Raw) -> Memory {
        *memory(raw, None).value().unwrap()
    }

    #[test]
    fn without_a_control_group_the_machine_counts() {
        let memory = value(&raw(&[MEMINFO, ("/sys/fs/cgroup/memory.max", "max\n")]));
        assert_eq!((memory.total_bytes, memory.available_bytes), (8 << 30, 4 << 30));
        assert!(!memory.limited_by_cgroup && memory.swap_pages_per_second.is_none());
    }

    #[test]
    fn a_control_group_of_either_version_counts_as_the_machine() {
        let v2 = [
            MEMINFO,
            ("/sys/fs/cgroup/memory.max", "1073741824"),
            ("/sys/fs/cgroup/memory.current", "805306368"),
            ("/sys/fs/cgroup/memory.stat", "anon 1\ninactive_file 268435456\n"),
        ];
        let v1 = [
            MEMINFO,
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824"),
            ("/sys/fs/cgroup/memory/memory.usage_in_bytes", "805306368"),
            ("/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 268435456\n"),
        ];
        for files in [v2, v1] {
            let memory = value(&raw(&files));
            assert!(memory.limited_by_cgroup);
            assert_eq!((memory.total_bytes, memory.available_bytes), (1 << 30, 512 << 20));
        }
    }

    #[test]
    fn a_limit_above_the_machine_is_none() {
        let files = [MEMINFO, ("/sys/fs/cgroup/memory.max", "99999999999999")];
        assert!(!value(&raw(&files)).limited_by_cgroup);
    }

    #[test]
    fn swapping_needs_two_looks() {
        let look = |uptime, swapped: &str| {
            raw(&[MEMINFO, ("/proc/uptime", uptime), ("/proc/vmstat", swapped)])
        };
        let before = look("100.00 1", "pswpin 10\npswpout 0\n");
        let after = look("110.00 1", "pswpin 20\npswpout 40\n");
        let memory = memory(&before, Some(&after));
        assert_eq!(memory.value().unwrap().swap_pages_per_second, Some(5.0));
    }

    #[test]
    fn cores_are_limited_by_quota() {
        let stat = ("/proc/stat", "cpu 1 1 1 1\ncpu0 1\ncpu1 1\ncpu2 1\ncpu3 1\n");
        assert_eq!(cpu_count(&raw(&[stat])), Some(4));
        assert_eq!(cpu_count(&raw(&[stat, ("/sys/fs/cgroup/cpu.max", "150000 100000")])), Some(2));
        assert_eq!(cpu_count(&raw(&[stat, ("/sys/fs/cgroup/cpu.max", "900000 100000")])), Some(4));
        assert_eq!(cpu_count(&raw(&[])), None);
    }
}
