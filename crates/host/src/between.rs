//! From one look, or two, to the facts of a machine.

use dbvitals_model::{
    Reason, Section, Unavailable,
    host::{CpuUse, Filesystem, Host, Kernel, LoadAverage},
};

use crate::{
    Raw, disks, memory, network, parse,
    rates::{NoWindow, grown, ratio, seconds_between},
};

/// How the looks were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// From this machine's own files.
    Proc,
    /// Through a server that may read files.
    Sql,
}

/// The facts of a machine. Rates need a second look; `filesystems` come from
/// [`local_filesystems`](crate::local_filesystems), or are unavailable where only a server can look.
pub fn between(
    source: Source,
    before: &Raw,
    after: Option<&Raw>,
    filesystems: Section<Vec<Filesystem>>,
) -> Host {
    let latest = after.unwrap_or(before);
    Host {
        source: match source {
            Source::Proc => "proc",
            Source::Sql => "sql",
        }
        .to_owned(),
        cpu_count: memory::cpu_count(latest),
        cpu: over_time(before, after, cpu),
        load: load(latest),
        memory: memory::memory(before, after),
        filesystems,
        disks: over_time(before, after, |before, after, seconds| {
            let counters = |raw: &Raw| raw.file("/proc/diskstats").map(parse::diskstats);
            let (first, last) = (counters(before), counters(after));
            Ok(disks::between(
                &first.ok_or("/proc/diskstats")?,
                &last.ok_or("/proc/diskstats")?,
                seconds,
            ))
        }),
        network: over_time(before, after, |before, after, seconds| {
            let counters = |raw: &Raw| raw.file("/proc/net/dev").map(parse::net_dev);
            let (first, last) = (counters(before), counters(after));
            let (first, last) = (first.ok_or("/proc/net/dev")?, last.ok_or("/proc/net/dev")?);
            Ok(network::between(&first, &last, after, seconds))
        }),
        kernel: kernel(latest),
        growth: Section::Unavailable(Unavailable::with_remedy(
            Reason::NotAsked,
            "growth needs an earlier snapshot",
            "--since SNAPSHOT",
        )),
    }
}

/// A rate, or why there is none. `rate` names the file that could not be read.
fn over_time<T>(
    before: &Raw,
    after: Option<&Raw>,
    rate: impl FnOnce(&Raw, &Raw, f64) -> Result<T, &'static str>,
) -> Section<T> {
    let not_asked = |detail: &str| {
        let why = Unavailable::with_remedy(Reason::NotAsked, detail, "--interval 10s");
        Section::Unavailable(why)
    };
    let Some(after) = after else { return not_asked("rates need two looks") };
    let seconds = match seconds_between(before, after) {
        Ok(seconds) => seconds,
        Err(NoWindow::TooShort) => return not_asked("the two looks were too close for a rate"),
        Err(NoWindow::Rebooted) => {
            return Section::unavailable(
                Reason::Failed,
                "the machine was started between the looks",
            );
        }
        Err(NoWindow::Unknown) => {
            return Section::unavailable(Reason::Failed, "/proc/uptime could not be read");
        }
    };
    match rate(before, after, seconds) {
        Ok(value) => Section::collected(value),
        Err(file) => Section::unavailable(Reason::Failed, format!("{file} could not be read")),
    }
}

fn cpu(before: &Raw, after: &Raw, seconds: f64) -> Result<CpuUse, &'static str> {
    let ticks = |raw: &Raw| raw.file("/proc/stat").and_then(|bytes| parse::stat(bytes).0);
    let first = ticks(before).ok_or("/proc/stat")?;
    let last = ticks(after).ok_or("/proc/stat")?;
    let total = grown(first.total, last.total).ok_or("a growing /proc/stat")?;
    // The kernel corrects its idle and I/O wait times backwards at times: that is no time at all.
    let share = |before: u64, after: u64| ratio(grown(before, after).unwrap_or(0.0), total);
    let idle = share(first.idle, last.idle);
    Ok(CpuUse {
        window_seconds: seconds,
        busy_ratio: if total > 0.0 { 1.0 - idle } else { 0.0 },
        iowait_ratio: share(first.iowait, last.iowait),
        steal_ratio: share(first.steal, last.steal),
    })
}

fn load(raw: &Raw) -> Section<LoadAverage> {
    match raw.file("/proc/loadavg").and_then(parse::loadavg) {
        Some([one, five, fifteen]) => Section::collected(LoadAverage { one, five, fifteen }),
        None => Section::unavailable(Reason::Failed, "/proc/loadavg could not be read"),
    }
}

fn kernel(raw: &Raw) -> Section<Kernel> {
    let kernel = Kernel {
        transparent_huge_pages: raw
            .file("/sys/kernel/mm/transparent_hugepage/enabled")
            .and_then(parse::bracketed),
        overcommit_memory: raw.number("/proc/sys/vm/overcommit_memory"),
        overcommit_ratio: raw.number("/proc/sys/vm/overcommit_ratio"),
        swappiness: raw.number("/proc/sys/vm/swappiness"),
        somaxconn: raw.number("/proc/sys/net/core/somaxconn"),
        cpu_governor: raw
            .file("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
            .and_then(parse::word),
    };
    if kernel == Kernel::default() {
        return Section::unavailable(Reason::Failed, "no kernel setting could be read");
    }
    Section::collected(kernel)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::WANTED_FILES;

    fn none() -> Section<Vec<Filesystem>> {
        Section::default()
    }

    fn raw(files: &[(&str, &str)]) -> Raw {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
        Raw::from_files(files.collect())
    }

    #[test]
    fn two_looks_give_shares_of_the_time_between() {
        let before = raw(&[("/proc/uptime", "10.0 1"), ("/proc/stat", "cpu 100 0 0 900 0 0 0 0")]);
        let after = raw(&[("/proc/uptime", "12.5 1"), ("/proc/stat", "cpu 150 0 0 930 10 0 0 10")]);
        let host = between(Source::Sql, &before, Some(&after), none());
        let cpu = host.cpu.value().unwrap();
        assert!((cpu.busy_ratio - 0.6).abs() < 1e-9 && (cpu.iowait_ratio - 0.1).abs() < 1e-9);
        assert!((cpu.steal_ratio - 0.1).abs() < 1e-9 && (cpu.window_seconds - 2.5).abs() < 1e-9);
        assert_eq!(host.source, "sql");
    }

    #[test]
    fn one_look_gives_no_rates_and_says_what_to_do() {
        let host = between(Source::Proc, &raw(&[]), None, none());
        for why in [host.cpu.get().err(), host.disks.get().err(), host.network.get().err()] {
            assert_eq!(why.unwrap().reason, Reason::NotAsked);
        }
        assert_eq!(host.memory.get().unwrap_err().reason, Reason::Failed);
        assert_eq!(host.kernel.get().unwrap_err().reason, Reason::Failed);
    }

    #[test]
    fn a_moment_is_no_window() {
        let before = raw(&[("/proc/uptime", "10.00 1"), ("/proc/stat", "cpu 100 0 0 900")]);
        for later in ["10.00 1", "10.99 1"] {
            let after = raw(&[("/proc/uptime", later), ("/proc/stat", "cpu 101 0 0 900")]);
            let host = between(Source::Proc, &before, Some(&after), none());
            let why = host.cpu.get().unwrap_err();
            assert_eq!(why.reason, Reason::NotAsked, "{later}");
            assert!(why.remedy.is_some());
        }
    }

    #[test]
    fn a_reboot_in_between_gives_no_rates() {
        let before = raw(&[("/proc/uptime", "99999.0 1"), ("/proc/stat", "cpu 9 9 9 9")]);
        let after = raw(&[("/proc/uptime", "3.0 1"), ("/proc/stat", "cpu 1 1 1 1")]);
        let host = between(Source::Proc, &before, Some(&after), none());
        assert_eq!(host.cpu.get().unwrap_err().reason, Reason::Failed);
    }

    #[test]
    fn this_machine_can_be_read() {
        let before = Raw::read();
        let host = between(Source::Proc, &before, None, none());
        assert!(host.cpu_count.unwrap() > 0);
        assert!(host.memory.value().unwrap().total_bytes > 0);
        assert!(host.load.value().is_some() && host.kernel.value().is_some());
    }

    proptest! {
        #[test]
        fn any_two_looks_give_sane_shares(
            first in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), WANTED_FILES.len()),
            ticks in prop::collection::vec(any::<u64>(), 16),
            uptimes in (0.0..1e9_f64, 0.0..1e9_f64),
        ) {
            let mut before: BTreeMap<String, Vec<u8>> =
                WANTED_FILES.iter().map(|path| (*path).to_owned()).zip(first).collect();
            let mut after = before.clone();
            let line = |ticks: &[u64]| {
                let words: Vec<String> = ticks.iter().map(u64::to_string).collect();
                format!("cpu {}\n", words.join(" ")).into_bytes()
            };
            before.insert("/proc/stat".to_owned(), line(&ticks[..8]));
            after.insert("/proc/stat".to_owned(), line(&ticks[8..]));
            before.insert("/proc/uptime".to_owned(), uptimes.0.to_string().into_bytes());
            after.insert("/proc/uptime".to_owned(), uptimes.1.to_string().into_bytes());
            let (before, after) = (Raw::from_files(before), Raw::from_files(after));
            let host = between(Source::Proc, &before, Some(&after), none());
            if let Some(cpu) = host.cpu.value() {
                for share in [cpu.busy_ratio, cpu.iowait_ratio, cpu.steal_ratio] {
                    prop_assert!((0.0..=1.0).contains(&share));
                }
                prop_assert!(cpu.window_seconds > 0.0);
            }
        }
    }
}
