//! Real files, odd files, foreign bytes.

use proptest::prelude::*;

use super::*;

#[test]
fn reads_proc_stat() {
    let text = b"cpu  100 1 50 800 40 2 3 4 9 0\ncpu0 1 2 3 4\ncpu1 1 2 3 4\nintr 5\nbtime 3\n";
    let (ticks, cores) = stat(text);
    let ticks = ticks.unwrap();
    assert_eq!((ticks.total, ticks.idle, ticks.iowait, ticks.steal), (1000, 840, 40, 4));
    assert_eq!(cores, Some(2));
    assert_eq!(stat(b""), (None, None));
}

#[test]
fn reads_load_and_uptime() {
    assert_eq!(loadavg(b"0.52 1.50 2.00 1/345 12345\n"), Some([0.52, 1.5, 2.0]));
    assert_eq!(loadavg(b"0.52 nan"), None);
    assert_eq!(uptime(b"12345.67 54321.00\n"), Some(12_345.67));
}

#[test]
fn reads_meminfo() {
    let memory =
        meminfo(b"MemTotal:  16384 kB\nHugePages_Total:   4\nBroken: x\nHugepagesize: 2048 kB\n");
    assert_eq!(memory["MemTotal"], 16384 * 1024);
    assert_eq!(memory["HugePages_Total"], 4);
    assert_eq!(memory.len(), 3);
}

#[test]
fn reads_diskstats_of_old_and_new_kernels() {
    let old = b"   8       0 sda 100 1 800 50 200 2 1600 90 0 120 140\n";
    let new = b" 259 0 nvme0n1 100 1 800 50 200 2 1600 90 0 120 140 5 0 10 1 3 2\n";
    for (bytes, name) in [(&old[..], "sda"), (&new[..], "nvme0n1")] {
        let disk = &diskstats(bytes)[0];
        assert_eq!((disk.name.as_str(), disk.reads, disk.writes), (name, 100, 200));
        assert_eq!((disk.read_ms, disk.write_ms, disk.busy_ms), (50, 90, 120));
    }
}

#[test]
fn reads_net_dev() {
    let text = b"Inter-| Receive | Transmit\n face |bytes packets|bytes\n\
        \x20   lo: 10 1 0 0 0 0 0 0 20 1 0 0 0 0 0 0\n  eth0:30 1 0 0 0 0 0 0 40 1 0 0 0 0 0 0\n";
    let names: Vec<_> =
        net_dev(text).into_iter().map(|it| (it.name, it.received_bytes, it.sent_bytes)).collect();
    assert_eq!(names, [("lo".to_owned(), 10, 20), ("eth0".to_owned(), 30, 40)]);
}

#[test]
fn reads_mounts() {
    let text = b"/dev/sda1 / ext4 rw 0 0\n/dev/sdb /my\\040disk\\134x xfs rw 0 0\n";
    assert_eq!(mounts(text), ["/", "/my disk\\x"]);
}

#[test]
fn reads_switches_and_limits() {
    assert_eq!(bracketed(b"always [madvise] never\n").as_deref(), Some("madvise"));
    assert_eq!(bracketed(b"always"), None);
    assert_eq!(limit(b"536870912\n"), Some(536_870_912));
    assert_eq!(limit(b"max\n"), None);
    assert_eq!(limit(b"9223372036854771712\n"), None);
    assert_eq!(cpu_max(b"150000 100000\n"), Some(1.5));
    assert_eq!(cpu_max(b"max 100000\n"), None);
    assert_eq!(cores(-1, 100_000), None);
    assert_eq!(word(b"performance\n").as_deref(), Some("performance"));
}

proptest! {
    #[test]
    fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_all(&bytes);
    }

    #[test]
    fn anything_like_the_real_thing_can_be_read(
        text in "(cpu|cpu0|eth0:|MemTotal:|8 0 sda|/dev|\\[|\\\\)( [-0-9a-z.\\\\]{0,22}){0,20}\n?",
    ) {
        read_all(text.as_bytes());
    }
}

fn read_all(bytes: &[u8]) {
    let _ = (stat(bytes), uptime(bytes), loadavg(bytes), meminfo(bytes), named_numbers(bytes));
    let _ = (diskstats(bytes), net_dev(bytes), mounts(bytes), bracketed(bytes), limit(bytes));
    let _ = (cpu_max(bytes), number(bytes), word(bytes));
}
