//! Parsers of the kernel's files: bytes in, values out, never an error. A line that cannot be read is passed over.

use std::collections::BTreeMap;

/// CPU time since boot, in ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct CpuTicks {
    pub(crate) total: u64,
    /// Idle, waiting for I/O included.
    pub(crate) idle: u64,
    pub(crate) iowait: u64,
    pub(crate) steal: u64,
}

/// Counters of one block device since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct DiskCounters {
    pub(crate) name: String,
    pub(crate) reads: u64,
    pub(crate) read_ms: u64,
    pub(crate) writes: u64,
    pub(crate) write_ms: u64,
    /// Time with at least one request under way.
    pub(crate) busy_ms: u64,
}

/// Counters of one network interface since boot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InterfaceCounters {
    pub(crate) name: String,
    pub(crate) received_bytes: u64,
    pub(crate) sent_bytes: u64,
}

/// The lines of a file, as text; invalid UTF-8 replaced.
fn lines(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.split(|byte| *byte == b'\n').map(|line| String::from_utf8_lossy(line).into_owned())
}

/// The number in a file that holds nothing else.
pub(crate) fn number(bytes: &[u8]) -> Option<i64> {
    std::str::from_utf8(bytes).ok()?.trim().parse().ok()
}

/// The word in a file that holds nothing else.
pub(crate) fn word(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?.trim();
    (!text.is_empty() && text.len() < 64).then(|| text.to_owned())
}

/// `/proc/stat`: the time of all cores together, and how many there are.
pub(crate) fn stat(bytes: &[u8]) -> (Option<CpuTicks>, Option<u32>) {
    let mut all = None;
    let mut cores: u32 = 0;
    for line in lines(bytes) {
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("cpu") => all = ticks(words),
            Some(name) if name.strip_prefix("cpu").is_some_and(is_number) => {
                cores = cores.saturating_add(1);
            }
            _ => {}
        }
    }
    (all, Some(cores).filter(|cores| *cores > 0))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// user nice system idle iowait irq softirq steal; guest time, which follows, is part of user time already.
fn ticks<'a>(words: impl Iterator<Item = &'a str>) -> Option<CpuTicks> {
    let times: Vec<u64> = words.take(8).map_while(|word| word.parse().ok()).collect();
    let at = |index: usize| times.get(index).copied();
    let iowait = at(4).unwrap_or(0);
    Some(CpuTicks {
        total: times.iter().fold(0, |sum: u64, time| sum.saturating_add(*time)),
        idle: at(3)?.saturating_add(iowait),
        iowait,
        steal: at(7).unwrap_or(0),
    })
}

/// `/proc/uptime`: seconds since boot.
pub(crate) fn uptime(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?;
    finite(text.split_ascii_whitespace().next()?)
}

/// `/proc/loadavg`: over one, five and fifteen minutes.
pub(crate) fn loadavg(bytes: &[u8]) -> Option<[f64; 3]> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut words = text.split_ascii_whitespace().map(finite);
    Some([words.next()??, words.next()??, words.next()??])
}

fn finite(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)
}

/// `/proc/meminfo`: bytes by name; plain counts (`HugePages_Total`) stay counts.
pub(crate) fn meminfo(bytes: &[u8]) -> BTreeMap<String, i64> {
    lines(bytes)
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let mut words = rest.split_ascii_whitespace();
            let number: i64 = words.next()?.parse().ok()?;
            let unit = if words.next() == Some("kB") { 1024 } else { 1 };
            Some((name.to_owned(), number.checked_mul(unit)?))
        })
        .collect()
}

/// Files of `name number` lines: `/proc/vmstat`, `memory.stat`.
pub(crate) fn named_numbers(bytes: &[u8]) -> BTreeMap<String, u64> {
    lines(bytes)
        .filter_map(|line| {
            let (name, number) = line.split_once(' ')?;
            Some((name.to_owned(), number.trim().parse().ok()?))
        })
        .collect()
}

/// `/proc/diskstats`, every device.
pub(crate) fn diskstats(bytes: &[u8]) -> Vec<DiskCounters> {
    lines(bytes)
        .filter_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let at = |index: usize| words.get(index)?.parse::<u64>().ok();
            Some(DiskCounters {
                name: (*words.get(2)?).to_owned(),
                reads: at(3)?,
                read_ms: at(6)?,
                writes: at(7)?,
                write_ms: at(10)?,
                busy_ms: at(12)?,
            })
        })
        .collect()
}

/// `/proc/net/dev`, every interface.
pub(crate) fn net_dev(bytes: &[u8]) -> Vec<InterfaceCounters> {
    lines(bytes)
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let mut words = rest.split_ascii_whitespace();
            Some(InterfaceCounters {
                name: name.trim().to_owned(),
                received_bytes: words.next()?.parse().ok()?,
                sent_bytes: words.nth(7)?.parse().ok()?,
            })
        })
        .collect()
}

/// `/proc/self/mounts`: mount points, the latest last; `\040` and its like undone.
pub(crate) fn mounts(bytes: &[u8]) -> Vec<String> {
    lines(bytes).filter_map(|line| Some(unescape(line.split(' ').nth(1)?))).collect()
}

/// Undoes the octal escapes of blanks, tabs, newlines and backslashes.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let code = after.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        let (character, length) = match code.filter(u8::is_ascii) {
            Some(code) => (char::from(code), 3),
            None => ('\\', 0),
        };
        out.push(character);
        rest = after.get(length..).unwrap_or_default();
    }
    out + rest
}

/// `always [madvise] never`: the word in brackets.
pub(crate) fn bracketed(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once('[')?;
    word(rest.split_once(']')?.0.as_bytes())
}

/// A limit of a control group; `max`, or a number near 2^63 (version 1), is none.
pub(crate) fn limit(bytes: &[u8]) -> Option<i64> {
    number(bytes).filter(|bytes| (1..1 << 60).contains(bytes))
}

/// `cpu.max`: `200000 100000` is two cores; `max 100000` is no limit.
pub(crate) fn cpu_max(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut words = text.split_ascii_whitespace().map(str::parse::<i64>);
    cores(words.next()?.ok()?, words.next()?.ok()?)
}

/// Cores of a quota per period; a quota of -1 is no limit.
pub(crate) fn cores(quota: i64, period: i64) -> Option<f64> {
    (quota > 0 && period > 0).then(|| quota as f64 / period as f64)
}

#[cfg(test)]
mod tests;
