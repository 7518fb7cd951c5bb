//! A Redis target: the adapter's words in ours.

use dbvitals_model::{TargetData, snapshot::TargetKind};

use super::{Options, Seen};

/// Looks at one server.
pub(super) async fn look(server: &dbvitals_redis::Target, options: &Options) -> Seen {
    let base = dbvitals_redis::Options::default();
    let timeout = options.timeout.min(base.timeout);
    let mut how = dbvitals_redis::Options { window: options.interval, timeout, ..base };
    if options.quick {
        how.sample_keys = 0;
    }
    match dbvitals_redis::collect(server, &how).await {
        Ok(seen) => Seen {
            data: TargetData::Redis(Box::new(seen.snapshot)),
            machine: None,
            cost: seen.cost,
            offered: seen.offered,
            problems: seen.problems,
        },
        Err(error) => {
            let why = error.unavailable();
            Seen::nothing(TargetData::Unreachable { kind: TargetKind::Redis, why })
        }
    }
}
