//! A machine that suits the servers: two cores, four gigabytes, plenty of room.

use dbvitals_model::{
    Section, Snapshot, TargetData, TargetSnapshot,
    host::{Filesystem, Host, HostSnapshot, Memory},
};

const GB: i64 = 1 << 30;

/// Puts the machine below all targets of a snapshot.
pub(super) fn below(snapshot: &mut Snapshot) {
    let serves = snapshot.targets.iter().map(|target| target.name.clone()).collect();
    let memory = Memory { total_bytes: 4 * GB, available_bytes: 3 * GB, ..Memory::default() };
    let disk =
        Filesystem { total_bytes: 100 * GB, available_bytes: 80 * GB, ..Filesystem::default() };
    let host = Host {
        source: "proc".to_owned(),
        cpu_count: Some(2),
        memory: Section::collected(memory),
        filesystems: Section::collected(vec![disk]),
        ..Host::default()
    };
    snapshot.targets.push(TargetSnapshot::new(
        "host",
        "",
        TargetData::Host(Box::new(HostSnapshot { host, serves })),
    ));
}
