//! The machine below: real where it does no harm, else this machine's own files with the one fact replaced that cannot
//! be made here. Each test says which.

pub(crate) mod machine;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use dbvitals_host::Place;
use dbvitals_model::{Section, Severity, host::Filesystem};
use dbvitals_testkit::{PgVersion, Postgres, Redis, RedisVersion};

use super::{
    cluster::{Judge, look, set},
    redis::Scene,
};
use machine::{Files, alone};

/// A check of rates over the second that tests watch.
fn watching(check: &'static str) -> Judge {
    Judge::of(check).with("min_window_seconds", 1.0)
}

/// A thread on each core for a second. That they rest cannot be made on a machine others work on: the time that passed
/// is then counted as idle in `/proc/stat`.
#[tokio::test]
async fn cores_are_busy_while_threads_spin() {
    let threads = thread::available_parallelism().unwrap().get();
    let stop = Arc::new(AtomicBool::new(false));
    let spin = |stop: Arc<AtomicBool>| {
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        })
    };
    let spinning: Vec<_> = (0..threads).map(|_| spin(Arc::clone(&stop))).collect();
    let (before, mut after) = Files::twice(async {}).await;
    stop.store(true, Ordering::Relaxed);
    for one in spinning {
        one.join().unwrap();
    }

    let host = after.since(&before);
    // A container may be given a part of the cores only: half of what it has is to be seen.
    let share = threads as f64 / f64::from(host.cpu_count.unwrap());
    let judge = watching("host-cpu").with("warning_ratio", (share / 2.0).clamp(0.05, 0.5));
    let finding = judge.finding(&alone(host));
    assert!(finding.message.contains("the processors were"), "{}", finding.message);
    after.count(&before, "/proc/stat", "cpu", &[(4, 110)]);
    judge.is_silent(&alone(after.since(&before)));
}

/// Replaced in the second look: the counters of the disk that was asked most, in `/proc/diskstats`.
#[tokio::test]
async fn a_disk_answers_slowly_and_has_no_rest() {
    const READS: usize = 3;
    const READ_MS: usize = 6;
    const BUSY_MS: usize = 12;
    let path = "/proc/diskstats";
    let (before, mut after) = Files::twice(async {}).await;
    let disk = busiest(&before.text(path));
    let (busy, slow) = (watching("host-disk-busy"), watching("host-disk-latency"));

    // Forty requests a second of fifty milliseconds each.
    let millis = after.millis_since(&before);
    let slowly = [(READS, millis / 25), (READ_MS, millis * 2), (BUSY_MS, millis)];
    after.count(&before, path, &disk, &slowly);
    let snapshot = alone(after.since(&before));
    for judge in [&busy, &slow] {
        let findings = judge.findings(&snapshot);
        let own = findings.iter().find(|finding| finding.subject.name == disk);
        assert_eq!(own.unwrap().severity, Severity::Warning, "{findings:#?}");
    }

    // As busy, but each of many requests is answered at once; then nothing is asked of it.
    let at_once = [(READS, millis * 20), (READ_MS, millis * 10), (BUSY_MS, millis)];
    for more in [&at_once[..], &[]] {
        after.count(&before, path, &disk, more);
        let snapshot = alone(after.since(&before));
        for judge in [&busy, &slow] {
            let findings = judge.findings(&snapshot);
            assert!(findings.iter().all(|found| found.subject.name != disk), "{findings:#?}");
        }
    }
}

/// The device with the most reads: a whole disk has those of its partitions.
fn busiest(diskstats: &str) -> String {
    let devices = diskstats.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let name = words.get(2)?;
        Some((words.get(3)?.parse::<u64>().ok()?, std::cmp::Reverse(name.len()), *name))
    });
    devices.max().unwrap().2.to_owned()
}

/// Replaced: the speed of an interface, and what it received in the second look.
#[tokio::test]
async fn a_link_is_full() {
    let (mut before, mut after) = Files::twice(async {}).await;
    let path = "/proc/net/dev";
    let text = before.text(path);
    let names = text.lines().filter_map(|line| Some(line.split_once(':')?.0.trim()));
    let link = names.into_iter().find(|name| *name != "lo").unwrap().to_owned();
    for look in [&mut before, &mut after] {
        look.put(&format!("/sys/class/net/{link}/speed"), "100");
    }
    let judge = watching("host-network");
    // 100 Mbit/s carry 12,500 bytes in a millisecond.
    let millis = after.millis_since(&before);
    after.count(&before, path, &link, &[(1, 12_500 * millis)]);
    let finding = judge.fires(Severity::Warning, &alone(after.since(&before)));
    assert_eq!(finding.subject.name, link);
    after.count(&before, path, &link, &[]);
    judge.is_silent(&alone(after.since(&before)));
}

/// Replaced: that there is swap (`/proc/meminfo`), and the pages that came back from it (`/proc/vmstat`).
#[tokio::test]
async fn pages_come_back_from_swap() {
    let (before, mut after) = Files::twice(async {}).await;
    after.set("/proc/meminfo", "SwapTotal", "8388608 kB");
    after.count(&before, "/proc/vmstat", "pswpin", &[(1, 100_000)]);
    after.count(&before, "/proc/vmstat", "pswpout", &[]);
    let judge = Judge::of("host-swapping");
    judge.fires(Severity::Warning, &alone(after.since(&before)));
    after.count(&before, "/proc/vmstat", "pswpin", &[]);
    judge.is_silent(&alone(after.since(&before)));
}

/// Replaced: `/proc/loadavg`, since a load takes a quarter of an hour to show.
#[test]
fn a_load_of_fifty_for_each_core() {
    let truth = Files::read();
    let judge = Judge::of("host-load").with("max_load_per_core", 50.0);
    let mut loaded = truth.clone();
    let load = f64::from(truth.host(&[]).cpu_count.unwrap()) * 51.0;
    loaded.put("/proc/loadavg", &format!("0.10 {load:.2} {load:.2} 90/800 4711\n"));
    judge.fires(Severity::Info, &alone(loaded.host(&[])));
    judge.is_silent(&alone(truth.host(&[])));
}

/// Replaced: `MemAvailable` of `/proc/meminfo`, since to take this machine's memory would harm others.
#[test]
fn memory_runs_out() {
    let mut files = Files::read();
    let judge = Judge::of("host-memory");
    let text = files.text("/proc/meminfo");
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
    let total: u64 = total.trim().trim_end_matches(" kB").parse().unwrap();
    for (free, expected) in [
        (total / 100, Some(Severity::Critical)),
        (total / 10, Some(Severity::Warning)),
        (total / 2, None),
    ] {
        files.set("/proc/meminfo", "MemAvailable", &format!("{free} kB"));
        let found = judge.findings(&alone(files.host(&[])));
        assert_eq!(found.first().map(|finding| finding.severity), expected, "{free} kB");
    }
}

/// Replaced: what is free of the filesystem below a real server, which is then as it is.
#[test]
fn the_disk_below_a_server_is_full() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let place = Place { purpose: "redis".to_owned(), path: redis.folder().to_owned() };
    let truth = Files::read().host(&[place]);
    let with = |change: fn(&mut Filesystem)| {
        let mut host = truth.clone();
        let Section::Collected(found) = &mut host.filesystems else { unreachable!() };
        assert_eq!(found.gaps, []);
        change(&mut found.value[0]);
        alone(host)
    };
    let name = truth.filesystems.value().unwrap()[0].mount_point.clone();

    // How full the disk of this machine is does not matter: full is to the last byte here.
    let space = Judge::of("host-disk-space").with("warning_ratio", 1.0).with("critical_ratio", 1.0);
    let finding = space.fires(Severity::Critical, &with(|own| own.available_bytes = 0));
    assert_eq!(finding.subject.name, name);
    assert!(finding.message.contains("(redis) is 100 % full"), "{}", finding.message);
    space.is_silent(&with(|_| {}));

    let inodes = Judge::of("host-inodes").with("warning_ratio", 1.0).with("critical_ratio", 1.0);
    // Some filesystems make inodes as they need them: this one has as many as there are.
    let finding = inodes.fires(
        Severity::Critical,
        &with(|own| {
            own.inodes_total = own.inodes_total.max(1000);
            own.inodes_free = 0;
        }),
    );
    assert_eq!(finding.subject.name, name);
    inodes.is_silent(&with(|_| {}));
}

/// Replaced: a setting of the kernel, which is everybody's on this machine. What the fix commands is then done to the
/// same file, and what its undo commands.
#[tokio::test]
async fn settings_of_the_kernel_are_mended_and_put_back() {
    let redis = Redis::builder(RedisVersion::V7).start().unwrap();
    let server = Scene::new(&redis, "redis-no-persistence").snapshot().await;
    let governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor";
    let huge_pages = "/sys/kernel/mm/transparent_hugepage/enabled";
    for (check, path, text, severity) in [
        ("host-cpu-governor", governor, "powersave\n", Severity::Info),
        ("host-transparent-huge-pages", huge_pages, "[always] madvise never\n", Severity::Warning),
        ("host-overcommit", "/proc/sys/vm/overcommit_memory", "0\n", Severity::Warning),
    ] {
        let judge = Judge::of(check);
        let mut files = Files::read();
        files.put(path, text);
        let finding = judge.fires(severity, &files.below(&server));
        let fix = finding.fix.as_ref().unwrap();
        fix.statements.iter().for_each(|command| files.run(command));
        judge.is_silent(&files.below(&server));
        fix.undo.iter().for_each(|command| files.run(command));
        assert_eq!(judge.finding(&files.below(&server)).key, finding.key);
    }
}

/// Real: one session in a transaction on a server where each sort may take as much memory as the machine has.
#[tokio::test]
async fn sessions_may_take_more_memory_than_there_is() {
    let server = Postgres::builder(PgVersion::V17).start().unwrap();
    let machine = Files::read();
    let judge = Judge::of("host-oom-risk");
    let at_work = server.client("postgres").await.unwrap();
    at_work.batch_execute("begin; select 1").await.unwrap();
    let total = machine.host(&[]).memory.value().unwrap().total_bytes;
    let all = format!("{}kB", (total / 1024).min(2_147_483_647));
    set(&server, &[("work_mem", &all)]).await;
    let finding =
        judge.fires(Severity::Critical, &machine.below(&look(&[("main", &server)]).await));
    assert!(finding.message.contains("at work"), "{}", finding.message);
    set(&server, &[("work_mem", "64kB"), ("maintenance_work_mem", "1MB")]).await;
    judge.is_silent(&machine.below(&look(&[("main", &server)]).await));
}
