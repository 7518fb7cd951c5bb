//! Facts of a look that are not every machine's: the machine itself, and others in the place of true ones.

use dbvitals_host::{Raw, Source, between};
use dbvitals_model::{
    Section, Snapshot, TargetData, TargetSnapshot,
    host::{Host, HostSnapshot},
    pg::PgSnapshot,
};

/// What was seen of the first server.
pub(crate) fn postgres(snapshot: &mut Snapshot) -> &mut PgSnapshot {
    let seen = snapshot.targets.iter_mut().find_map(|target| match &mut target.data {
        TargetData::Postgres(pg) => Some(&mut **pg),
        _ => None,
    });
    seen.unwrap()
}

/// A section that was read.
pub(crate) fn read<T>(section: &mut Section<T>) -> &mut T {
    match section {
        Section::Collected(collected) => &mut collected.value,
        Section::Unavailable(why) => panic!("not read: {why:?}"),
    }
}

/// Replaces the value of a setting, where the server knows it.
pub(crate) fn set(snapshot: &mut Snapshot, name: &str, value: &str) {
    let settings = read(&mut postgres(snapshot).settings);
    for setting in settings.0.iter_mut().filter(|setting| setting.name == name) {
        value.clone_into(&mut setting.value);
    }
}

/// Puts the machine we run on below the servers, as it is.
pub(crate) fn this_machine(snapshot: &mut Snapshot) {
    below(snapshot, machine());
}

/// Puts the machine we run on below the servers, with another number of huge pages.
pub(crate) fn with_huge_pages(snapshot: &mut Snapshot, pages: i64) {
    let mut host = machine();
    read(&mut host.memory).huge_pages_total = Some(pages);
    below(snapshot, host);
}

fn machine() -> Host {
    between(Source::Proc, &Raw::read(), None, Section::default())
}

fn below(snapshot: &mut Snapshot, host: Host) {
    let serves = snapshot.targets.iter().map(|target| target.name.clone()).collect();
    snapshot.targets.push(TargetSnapshot::new(
        "host",
        "",
        TargetData::Host(Box::new(HostSnapshot { host, serves })),
    ));
}
