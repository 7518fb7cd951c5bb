//! From named servers to a snapshot: every target at once, each with its own deadline.

mod follow;
mod machine;
mod postgres;
mod redis;
mod standbys;

use std::sync::Arc;
use std::time::Duration;

use dbvitals_checks::Settings;
use dbvitals_model::{Reason, Snapshot, TargetData, TargetSnapshot, Unavailable, host::Host};
use futures_util::future::join_all;
use jiff::Timestamp;

pub(crate) use self::follow::{Follow, follow};
use crate::{
    config::target::{Role, Server, Target},
    problem::Problem,
    progress::Progress,
    runtime,
};

/// How to look.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Look twice, this far apart.
    pub(crate) interval: Option<Duration>,
    /// Longest time for one target, the interval not counted.
    pub(crate) timeout: Duration,
    /// Only what a quick health check needs.
    pub(crate) quick: bool,
    /// Every statement that was counted, and nothing of the databases.
    pub(crate) statements: bool,
    /// Bytes of pages that may be read in each PostgreSQL database to measure bloat; 0 for none.
    pub(crate) measure_bytes: u64,
    /// By which thresholds it is worth measuring.
    pub(crate) settings: Settings,
}

impl Options {
    /// One full look that reads no pages.
    pub(crate) fn once(timeout: Duration) -> Self {
        Self {
            interval: None,
            timeout,
            quick: false,
            statements: false,
            measure_bytes: 0,
            settings: Settings::default(),
        }
    }
}

/// What one adapter returns: what was seen, and whether it was whole.
pub(crate) struct Seen {
    pub(crate) data: TargetData,
    /// The machine below it, where the server itself told of it.
    pub(crate) machine: Option<Host>,
    pub(crate) cost: Vec<dbvitals_model::snapshot::CollectorCost>,
    pub(crate) offered: Vec<String>,
    pub(crate) problems: Vec<String>,
}

impl Seen {
    /// A target of which nothing was seen.
    fn nothing(data: TargetData) -> Self {
        Self { data, machine: None, cost: Vec::new(), offered: Vec::new(), problems: Vec::new() }
    }
}

/// Looks at every target; ends early, with nothing left on any server, when the user interrupts.
pub(crate) fn gather(
    targets: &[Target],
    options: &Options,
    progress: &Progress,
) -> Result<Snapshot, Problem> {
    runtime::block_on(runtime::until_cancelled(look(targets, options, progress))).flatten()
}

/// What an adapter may take longer than its time: it knows better what it was waiting for, and keeps what it
/// has read.
const GRACE: Duration = Duration::from_millis(500);

async fn look(targets: &[Target], options: &Options, progress: &Progress) -> Snapshot {
    let taken_at = Timestamp::now();
    let machine = machine::Watch::begin(options);
    let seen = join_all(targets.iter().map(|target| one(target, options, progress))).await;
    let mut told = Vec::new();
    let mut file = |target: &Target, mut seen: Seen| {
        told.extend(seen.machine.take().map(|host| machine::told_by(&target.name, host)));
        snapshot_of(target, seen)
    };
    let snapshots = targets.iter().zip(seen).map(|(target, seen)| file(target, seen)).collect();
    let mut snapshot = Snapshot::new(env!("CARGO_PKG_VERSION"), taken_at, snapshots);
    let found = standbys::standbys(targets, &mut snapshot, options, progress).await;
    for (target, seen) in found {
        let node = file(&target, seen);
        snapshot.targets.push(node);
    }
    let own = machine.end(&snapshot.targets);
    snapshot.targets.extend(own.into_iter().chain(told));
    progress.finish();
    snapshot
}

/// One target within its own deadline: a server that hangs delays nobody else.
async fn one(target: &Target, options: &Options, progress: &Progress) -> Seen {
    let name: Arc<str> = target.name.as_str().into();
    progress.step(&name, "connecting");
    let limit = options.timeout + options.interval.unwrap_or_default() + GRACE;
    let looking = async {
        match &target.server {
            Server::Postgres(server) => postgres::look(server, target, options, progress).await,
            Server::Redis(server) => redis::look(server, options).await,
        }
    };
    let seen = tokio::time::timeout(limit, looking).await.unwrap_or_else(|_| {
        let why = Unavailable::with_remedy(
            Reason::Timeout,
            format!("gave no complete answer within {:?}", options.timeout),
            "raise --timeout, or look at the server and the network",
        );
        Seen::nothing(TargetData::Unreachable { kind: target.server.kind(), why })
    });
    progress.done(&name);
    seen
}

fn snapshot_of(target: &Target, mut seen: Seen) -> TargetSnapshot {
    seen.problems.extend(role_problem(target.role, &seen.data));
    for cost in &mut seen.cost {
        cost.target.clone_from(&target.name);
    }
    TargetSnapshot {
        name: target.name.clone(),
        endpoint: target.server.endpoint(),
        data: seen.data,
        cost: seen.cost,
        offered: seen.offered,
        problems: seen.problems,
        expectations: target.expectations.clone(),
    }
}

/// Roles are learnt, not believed; a difference is said.
fn role_problem(said: Option<Role>, data: &TargetData) -> Option<String> {
    let is_replica = match data {
        TargetData::Postgres(pg) => pg.server.in_recovery,
        TargetData::Redis(redis) => redis.server.role == "slave",
        _ => return None,
    };
    match (said, is_replica) {
        (Some(Role::Primary), true) => {
            Some("configured as primary, but the server says it is a replica".to_owned())
        }
        (Some(Role::Replica), false) => {
            Some("configured as replica, but the server says it is a primary".to_owned())
        }
        _ => None,
    }
}
