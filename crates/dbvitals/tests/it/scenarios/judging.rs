//! From targets, one check and its thresholds to a report: what every scenario stands on.

use dbvitals_checks::{
    Settings, judge, registry,
    settings::{CheckSettings, Pattern},
};
use dbvitals_model::{Snapshot, TargetData, TargetSnapshot, report::Report};
use dbvitals_postgres::collect::Collected;
use jiff::Timestamp;

/// A snapshot of these targets.
pub(crate) fn snapshot(taken_at: Timestamp, targets: Vec<TargetSnapshot>) -> Snapshot {
    Snapshot::new("0.0.0", taken_at, targets)
}

/// A target of which nothing is expected.
pub(crate) fn target(name: &str, endpoint: &str, data: TargetData) -> TargetSnapshot {
    TargetSnapshot::new(name, endpoint, data)
}

/// A PostgreSQL target as it was collected. Whatever got in the way ends the test.
pub(crate) fn postgres(name: &str, endpoint: &str, collected: Collected) -> TargetSnapshot {
    assert_eq!(collected.problems, Vec::<String>::new());
    TargetSnapshot {
        cost: collected.cost,
        offered: collected.offered,
        ..target(name, endpoint, TargetData::Postgres(Box::new(collected.snapshot)))
    }
}

/// That check alone, or those a pattern stands for, with these thresholds in place of its own. A name nothing bears ends
/// the test.
pub(crate) fn settings<'a>(
    check: &str,
    thresholds: impl IntoIterator<Item = (&'a str, f64)>,
) -> Settings {
    let only = Pattern::new(check).unwrap();
    let meant: Vec<_> = registry::CHECKS.iter().filter(|known| only.matches(known.id)).collect();
    assert!(!meant.is_empty(), "{check} is not a check");
    let mut own = CheckSettings::default();
    for (key, value) in thresholds {
        let mut known = meant.iter().flat_map(|check| check.thresholds);
        assert!(known.any(|threshold| threshold.key == key), "{check} has no {key}");
        own.thresholds.insert(key.to_owned(), value);
    }
    Settings { only: vec![only], checks: [(check.to_owned(), own)].into(), ..Settings::default() }
}

/// What that check says of a snapshot.
pub(crate) fn report<'a>(
    check: &str,
    thresholds: impl IntoIterator<Item = (&'a str, f64)>,
    snapshot: &Snapshot,
) -> Report {
    judge(snapshot, &settings(check, thresholds))
}
