//! A PostgreSQL target: the adapter's words in ours.

use std::time::Duration;

use dbvitals_checks::pg::bloat::shortlist;
use dbvitals_model::{
    TargetData,
    pg::{DatabaseSnapshot, instance::Server},
    snapshot::TargetKind,
};
use dbvitals_postgres::collect::{self, Progress as Step};

use super::{Options, Seen};
use crate::{config::target::Target, progress::Progress};

/// Time for reading the pages of one relation.
const MEASURING: Duration = Duration::from_secs(10);

/// Looks at one server.
pub(super) async fn look(
    server: &dbvitals_postgres::Target,
    target: &Target,
    options: &Options,
    progress: &Progress,
) -> Seen {
    let wanted = |name: &str| target.databases.wants(name);
    let shortlist = |server: &Server, database: &DatabaseSnapshot| {
        shortlist::shortlist(server, &target.name, database, &options.settings)
    };
    let measuring = collect::Measuring {
        budget_bytes: options.measure_bytes,
        timeout: MEASURING,
        shortlist: &shortlist,
    };
    let base = match options {
        Options { quick: true, .. } => collect::Options::quick(),
        Options { statements: true, .. } => collect::Options::statements(),
        _ => collect::Options::default(),
    };
    let how = collect::Options {
        connect_timeout: options.timeout.min(base.connect_timeout),
        budget: options.timeout,
        window: options.interval,
        samples_per_second: target.samples_per_second,
        wanted: &wanted,
        measuring: (options.measure_bytes > 0).then_some(measuring),
        ..base
    };
    let tell = |step: Step<'_>| progress.step(&target.name, &words(step));
    match collect::collect(server, &how, &tell).await {
        Ok(seen) => Seen {
            data: TargetData::Postgres(Box::new(seen.snapshot)),
            machine: seen.host,
            cost: seen.cost,
            offered: seen.offered,
            problems: server.warnings().iter().cloned().chain(seen.problems).collect(),
        },
        Err(error) if error.is_console() => pooler(server, &how, &tell).await,
        Err(error) => {
            let why = error.unavailable();
            Seen::nothing(TargetData::Unreachable { kind: TargetKind::Postgres, why })
        }
    }
}

/// A pooler's console answered: its queues are what there is to see.
async fn pooler(
    server: &dbvitals_postgres::Target,
    how: &collect::Options<'_>,
    tell: &(dyn Fn(Step<'_>) + Sync),
) -> Seen {
    match dbvitals_postgres::pooler::collect(server, how, tell).await {
        Ok(seen) => {
            Seen { cost: seen.cost, ..Seen::nothing(TargetData::Pooler(Box::new(seen.snapshot))) }
        }
        Err(error) => {
            let why = error.unavailable();
            Seen::nothing(TargetData::Unreachable { kind: TargetKind::Pooler, why })
        }
    }
}

pub(super) fn words(step: Step<'_>) -> String {
    match step {
        Step::Connected => "connected".to_owned(),
        Step::Instance => "instance".to_owned(),
        Step::Statements => "statements".to_owned(),
        Step::Database { name, number, of } => format!("database {name} ({number} of {of})"),
        Step::Waiting { left } => format!("watching for {} s more", left.as_secs()),
    }
}
