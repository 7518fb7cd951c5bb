//! Statements followed for a while, on every target at once.

use std::time::Duration;

use dbvitals_model::{Snapshot, TargetData, pg::series::Series, snapshot::TargetKind};
use dbvitals_postgres::collect::{self, Cost, Progress as Step};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::{Seen, snapshot_of};
use crate::{
    config::target::{Server, Target},
    problem::Problem,
    progress::Progress,
    runtime,
};

/// How long and how often to look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Follow {
    /// Longest time for one target, the looks not counted.
    pub(crate) timeout: Duration,
    /// How long.
    pub(crate) length: Duration,
    /// Time between two looks.
    pub(crate) every: Duration,
}

/// A snapshot of the targets, and the series of each.
pub(crate) fn follow(
    targets: &[Target],
    how: Follow,
    progress: &Progress,
) -> Result<(Snapshot, Vec<Series>), Problem> {
    let looking = join_all(targets.iter().map(|target| one(target, how, progress)));
    let seen = runtime::block_on(runtime::until_cancelled(looking)).flatten()?;
    progress.finish();
    let (targets, series) = targets
        .iter()
        .zip(seen)
        .map(|(target, (seen, series))| (snapshot_of(target, seen), series))
        .unzip();
    Ok((Snapshot::new(env!("CARGO_PKG_VERSION"), Timestamp::now(), targets), series))
}

async fn one(target: &Target, how: Follow, progress: &Progress) -> (Seen, Series) {
    let Server::Postgres(server) = &target.server else {
        return (Seen::nothing(TargetData::Redis(Box::default())), Series::default());
    };
    let wanted = |name: &str| target.databases.wants(name);
    let base = collect::Options::statements();
    let options = collect::Options {
        connect_timeout: how.timeout.min(base.connect_timeout),
        budget: how.timeout,
        dearest: Cost::Catalog,
        // The foreign keys are in the databases.
        examines_databases: true,
        wanted: &wanted,
        ..base
    };
    let tell = |step: Step<'_>| progress.step(&target.name, &super::postgres::words(step));
    let followed = collect::follow(server, &options, how.length, how.every, &tell).await;
    progress.done(&target.name);
    match followed {
        Ok((seen, series)) => {
            let data = TargetData::Postgres(Box::new(seen.snapshot));
            (Seen { problems: seen.problems, ..Seen::nothing(data) }, series)
        }
        Err(error) => {
            let why = error.unavailable();
            let kind = TargetKind::Postgres;
            (Seen::nothing(TargetData::Unreachable { kind, why }), Series::default())
        }
    }
}
