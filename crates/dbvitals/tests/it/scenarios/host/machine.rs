//! This machine's own files, with a fact replaced where it cannot be brought about, read as the program reads them.

use std::{collections::BTreeMap, fs, time::Duration};

use dbvitals_host::{Place, Raw, Source, WANTED_FILES, between, local_filesystems};
use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot,
    host::{Host, HostSnapshot},
};

/// One look at this machine: files by path.
#[derive(Debug, Clone)]
pub(crate) struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Reads them all but the limits of a control group: these tests are about the machine below.
    pub(crate) fn read() -> Self {
        let mut files = Self(BTreeMap::new());
        let machines = |path: &&&str| !path.starts_with("/sys/fs/cgroup");
        for path in WANTED_FILES.iter().filter(machines) {
            files.read_one(path);
        }
        for path in files.raw().more_files() {
            files.read_one(&path);
        }
        files
    }

    /// Two looks with a little more than a second between them, in which `busy` goes on.
    pub(crate) async fn twice(busy: impl Future<Output = ()>) -> (Self, Self) {
        let before = Self::read();
        let window = tokio::time::sleep(Duration::from_millis(1100));
        tokio::join!(window, busy);
        (before, Self::read())
    }

    /// Milliseconds from an earlier look to this one, by the machine's own clock.
    pub(crate) fn millis_since(&self, before: &Self) -> u64 {
        let hundredths = |files: &Self| -> u64 {
            let uptime = files.text("/proc/uptime");
            uptime.split(' ').next().unwrap().replace('.', "").parse().unwrap()
        };
        (hundredths(self) - hundredths(before)) * 10
    }

    fn read_one(&mut self, path: &str) {
        if let Ok(bytes) = fs::read(path) {
            self.0.insert(path.to_owned(), bytes);
        }
    }

    fn raw(&self) -> Raw {
        Raw::from_files(self.0.clone())
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> String {
        let bytes = self.0.get(path).unwrap_or_else(|| panic!("this machine has no {path}"));
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// Replaces a file.
    pub(crate) fn put(&mut self, path: &str, text: &str) {
        self.0.insert(path.to_owned(), text.as_bytes().to_vec());
    }

    /// Replaces a line `NAME: value`, or adds it.
    pub(crate) fn set(&mut self, path: &str, name: &str, value: &str) {
        let begin = format!("{name}:");
        let text = self.text(path);
        let others = text.lines().filter(|line| !line.starts_with(&begin));
        let lines: Vec<_> = others.map(str::to_owned).chain([format!("{begin} {value}")]).collect();
        self.put(path, &lines.join("\n"));
    }

    /// Replaces the counters of a device, an interface or the like by those of an earlier look, with so much more at
    /// each of these words of the line.
    pub(crate) fn count(&mut self, earlier: &Self, path: &str, name: &str, more: &[(usize, u64)]) {
        let of = |line: &str| words(line).iter().any(|word| word.trim_end_matches(':') == name);
        let then = earlier.text(path);
        let line =
            then.lines().find(|line| of(line)).unwrap_or_else(|| panic!("no {name}: {then}"));
        let mut counted = words(line);
        for (word, growth) in more {
            counted[*word] = (counted[*word].parse::<u64>().unwrap() + growth).to_string();
        }
        let now = self.text(path);
        let others = now.lines().filter(|line| !of(line)).map(str::to_owned);
        let lines: Vec<_> = others.chain([counted.join(" ")]).collect();
        self.put(path, &lines.join("\n"));
    }

    /// What a command of a fix would change, as the kernel would show it afterwards.
    pub(crate) fn run(&mut self, command: &str) {
        let words: Vec<&str> = command.split(' ').collect();
        match words[..] {
            ["sudo", "sysctl", "-w", ref settings @ ..] => {
                for (name, value) in settings.iter().filter_map(|one| one.split_once('=')) {
                    self.put(&format!("/proc/sys/{}", name.replace('.', "/")), value);
                }
            }
            ["echo", value, "|", "sudo", "tee", path] => {
                let choices = "always madvise never".replace(value, &format!("[{value}]"));
                self.put(path, &choices);
            }
            ["sudo", "cpupower", "frequency-set", "--governor", governor] => {
                self.put("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor);
            }
            _ => panic!("{command} is no command of a fix"),
        }
    }

    /// The facts of one look, with the filesystems below these places.
    pub(crate) fn host(&self, places: &[Place]) -> Host {
        let raw = self.raw();
        between(Source::Proc, &raw, None, local_filesystems(&raw, places))
    }

    /// The facts of two looks.
    pub(crate) fn since(&self, before: &Self) -> Host {
        let raw = self.raw();
        between(Source::Proc, &before.raw(), Some(&raw), local_filesystems(&raw, &[]))
    }

    /// The machine below servers that were seen, whatever was below them before.
    pub(crate) fn below(&self, servers: &Snapshot) -> Snapshot {
        let mut snapshot = servers.clone();
        let serves = servers.targets.iter().map(|target| target.name.clone()).collect();
        snapshot.targets.push(target(self.host(&[]), serves));
        snapshot
    }
}

/// Words of a line; in `eth0:12` the name is one of its own.
fn words(line: &str) -> Vec<String> {
    line.replace(':', ": ").split_ascii_whitespace().map(str::to_owned).collect()
}

/// A snapshot of nothing but a machine.
pub(crate) fn alone(host: Host) -> Snapshot {
    Snapshot::new("0.0.0", jiff::Timestamp::now(), vec![target(host, Vec::new())])
}

fn target(host: Host, serves: Vec<String>) -> TargetSnapshot {
    TargetSnapshot::new(
        "host",
        "this machine",
        TargetData::Host(Box::new(HostSnapshot { host, serves })),
    )
}
