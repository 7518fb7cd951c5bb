//! Settings that a primary and its standbys should share.

use dbvitals_model::pg::instance::Settings;

/// A standby with less than its primary stops replaying, or does not start.
pub const NOT_LOWER: &[&str] = &[
    "max_connections",
    "max_locks_per_transaction",
    "max_prepared_transactions",
    "max_wal_senders",
    "max_worker_processes",
];

/// After a failover the new primary behaves differently where these differ.
const ALIKE: &[&str] = &[
    "archive_mode",
    "autovacuum",
    "autovacuum_max_workers",
    "checkpoint_timeout",
    "default_statistics_target",
    "effective_cache_size",
    "fsync",
    "full_page_writes",
    "idle_in_transaction_session_timeout",
    "jit",
    "lock_timeout",
    "maintenance_work_mem",
    "max_parallel_workers",
    "max_replication_slots",
    "max_wal_size",
    "random_page_cost",
    "seq_page_cost",
    "shared_buffers",
    "shared_preload_libraries",
    "ssl",
    "statement_timeout",
    "synchronous_commit",
    "TimeZone",
    "track_io_timing",
    "wal_compression",
    "wal_level",
    "work_mem",
];

/// A setting with its value on both sides, in the server's own unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The setting.
    pub name: &'static str,
    /// Its value on the primary.
    pub primary: String,
    /// Its value on the standby.
    pub standby: String,
}

/// Settings in which the standby has less than the server must have to replay.
pub fn too_low(primary: &Settings, standby: &Settings) -> Vec<Difference> {
    let lower =
        |name: &str| standby.number(name).zip(primary.number(name)).is_some_and(|(s, p)| s < p);
    NOT_LOWER
        .iter()
        .filter(|name| lower(name))
        .filter_map(|name| difference(name, primary, standby))
        .collect()
}

/// All settings known on both sides whose values differ; those of [`too_low`] first.
pub fn differences(primary: &Settings, standby: &Settings) -> Vec<Difference> {
    let unlike = ALIKE.iter().filter_map(|name| difference(name, primary, standby));
    too_low(primary, standby).into_iter().chain(unlike).collect()
}

fn difference(name: &'static str, primary: &Settings, standby: &Settings) -> Option<Difference> {
    let (here, there) = (primary.text(name)?, standby.text(name)?);
    (here != there).then(|| Difference {
        name,
        primary: here.to_owned(),
        standby: there.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    fn settings(values: &[(&str, &str)]) -> Settings {
        let mut pg = testing::healthy_pg();
        for (name, value) in values {
            set(&mut pg, name, value, None);
        }
        pg.settings.value().unwrap().clone()
    }

    #[test]
    fn less_is_a_difference_and_more_of_what_must_suffice_is_none() {
        let primary = settings(&[("max_connections", "100"), ("work_mem", "4096")]);
        let standby = settings(&[("max_connections", "200"), ("work_mem", "4096")]);
        assert_eq!(differences(&primary, &standby), []);
        let names: Vec<_> = differences(&standby, &primary).iter().map(|d| d.name).collect();
        assert_eq!(names, ["max_connections"]);
    }

    #[test]
    fn what_one_side_does_not_know_is_no_difference() {
        let standby = settings(&[("work_mem", "8192")]);
        assert_eq!(differences(&settings(&[]), &standby), []);
        let primary = settings(&[("work_mem", "4096")]);
        assert_eq!(differences(&primary, &standby)[0].standby, "8192");
    }
}
