//! The machine below local targets: read once before and once after, so that there are rates.

use std::path::PathBuf;

use dbvitals_host::{Place, Raw, Source, between, local_filesystems};
use dbvitals_model::{
    TargetData, TargetSnapshot,
    host::{Host, HostSnapshot},
};

use super::Options;

/// The name of the machine we run on, among the targets.
const NAME: &str = "host";

/// A look that waits for its second.
pub(super) struct Watch {
    before: Option<Raw>,
}

impl Watch {
    /// Takes the first look; a quick health check takes none.
    pub(super) fn begin(options: &Options) -> Self {
        Self { before: (!options.quick && !options.statements).then(Raw::read) }
    }

    /// Takes the second look, where some target turned out to run on this machine.
    pub(super) fn end(self, targets: &[TargetSnapshot]) -> Option<TargetSnapshot> {
        let before = self.before?;
        let local: Vec<&TargetSnapshot> = targets.iter().filter(|t| is_local(&t.data)).collect();
        if local.is_empty() {
            return None;
        }
        let after = Raw::read();
        let places: Vec<Place> = local.iter().flat_map(|target| places(&target.data)).collect();
        let filesystems = local_filesystems(&after, &places);
        let host = between(Source::Proc, &before, Some(&after), filesystems);
        let serves = local.iter().map(|target| target.name.clone()).collect();
        Some(snapshot(NAME.to_owned(), "this machine".to_owned(), HostSnapshot { host, serves }))
    }
}

/// A remote machine, as a server on it told.
pub(super) fn told_by(target: &str, host: Host) -> TargetSnapshot {
    let below = HostSnapshot { host, serves: vec![target.to_owned()] };
    snapshot(format!("host of {target}"), format!("told by {target}"), below)
}

fn snapshot(name: String, endpoint: String, host: HostSnapshot) -> TargetSnapshot {
    TargetSnapshot::new(name, endpoint, TargetData::Host(Box::new(host)))
}

fn is_local(data: &TargetData) -> bool {
    match data {
        TargetData::Postgres(pg) => pg.server.is_local,
        TargetData::Redis(redis) => redis.server.is_local,
        _ => false,
    }
}

/// Where a server keeps its data, as far as it told.
fn places(data: &TargetData) -> Vec<Place> {
    let place = |purpose: &str, path: &str| {
        let path = PathBuf::from(path);
        path.is_absolute().then(|| Place { purpose: purpose.to_owned(), path })
    };
    let found = match data {
        TargetData::Postgres(pg) => pg
            .settings
            .value()
            .and_then(|settings| settings.text("data_directory"))
            .and_then(|path| place("data", path)),
        TargetData::Redis(redis) => redis
            .config
            .value()
            .and_then(|config| config.text("dir"))
            .and_then(|path| place("redis", path)),
        _ => None,
    };
    found.into_iter().collect()
}
