//! The one server a command plans on: named, connected to, its catalogue read, and what was seen as a snapshot.

use std::time::Duration;

use dbvitals_model::{
    Reason, Snapshot, TargetData, TargetSnapshot, Unavailable, plan::Plan, snapshot::TargetKind,
};
use dbvitals_postgres::collect::{self, Collected, MachineReading};
use dbvitals_query::plan;
use jiff::Timestamp;

use crate::{
    config::target::{Server, Target},
    problem::Problem,
};

/// Time for reading the catalogue around the statements.
const CATALOGUE: Duration = Duration::from_secs(30);

/// Time to connect and log in.
pub(super) const CONNECT: Duration = Duration::from_secs(10);

/// The one PostgreSQL server to plan on; `otherwise` ends the hint where none was named.
pub(super) fn only(mut targets: Vec<Target>, otherwise: &str) -> Result<Target, Problem> {
    targets.retain(|target| matches!(target.server, Server::Postgres(_)));
    match targets.len() {
        1 => Ok(targets.remove(0)),
        0 => Err(Problem::usage("no PostgreSQL server was named")
            .hint(format!("name one, as in --target postgres://user@host/db{otherwise}"))),
        _ => {
            let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            Err(Problem::usage(format!("there are several servers: {}", names.join(", ")))
                .hint("name the one to plan on with --target"))
        }
    }
}

/// The catalogue and the counters of the database that was named.
pub(super) async fn around(
    server: &dbvitals_postgres::Target,
) -> Result<Collected, dbvitals_postgres::Error> {
    let wanted = |name: &str| name == server.database();
    let options = collect::Options {
        connect_timeout: CONNECT,
        budget: CATALOGUE,
        machine: MachineReading::Never,
        wanted: &wanted,
        ..collect::Options::default()
    };
    collect::collect(server, &options, &|_| {}).await
}

/// The plan a server printed.
pub(super) fn plan(text: &str) -> Result<Plan, Unavailable> {
    let failed = |detail: String| Unavailable { reason: Reason::Failed, detail, remedy: None };
    let mut plans = plan::read(text).map_err(|why| failed(why.to_string()))?;
    if plans.is_empty() {
        return Err(failed("the server's answer holds no plan".to_owned()));
    }
    Ok(plans.swap_remove(0))
}

/// Why there is none where nothing else tells.
pub(super) fn no_plan() -> Unavailable {
    let detail = "the server gave no plan".to_owned();
    Unavailable { reason: Reason::Failed, detail, remedy: None }
}

/// What was seen of the targets, now.
pub(super) fn snapshot(targets: Vec<TargetSnapshot>) -> Snapshot {
    Snapshot::new(env!("CARGO_PKG_VERSION"), Timestamp::now(), targets)
}

/// A target that could not be.
pub(super) fn unreachable(target: &Target, why: Unavailable) -> TargetSnapshot {
    let data = TargetData::Unreachable { kind: TargetKind::Postgres, why };
    TargetSnapshot::new(&target.name, target.server.endpoint(), data)
}
