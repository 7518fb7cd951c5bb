//! The vital signs of a quick health check: a value from the table of metrics, a verdict from a check.

use std::collections::BTreeSet;

use dbvitals_model::{
    Finding, Severity, Snapshot, TargetData, TargetSnapshot, Unit,
    pg::PgSnapshot,
    pooler::{Pool, PoolerSnapshot},
    redis::RedisSnapshot,
};

use crate::{
    check::Check,
    judge::{self, Verdicts},
    metrics, registry,
    settings::Settings,
};

/// One vital sign of one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Vital {
    /// The target.
    pub target: String,
    /// What it is called in performance data: `connections`.
    pub name: &'static str,
    /// What the value counts.
    pub unit: Unit,
    /// The measured value; `None` when it could not be measured.
    pub value: Option<f64>,
    /// Warning threshold.
    pub warning: Option<f64>,
    /// Critical threshold.
    pub critical: Option<f64>,
    /// Whether low values are the bad ones.
    pub low_is_bad: bool,
    /// What the check behind it says.
    pub state: VitalState,
    /// The finding's message, or why it is unknown.
    pub text: String,
}

/// What a check says of a vital sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VitalState {
    /// As wanted.
    Healthy,
    /// A finding of this severity.
    Found(Severity),
    /// Could not be judged.
    Unknown,
    /// The question does not arise (too few reads for a hit ratio, no replica).
    NotApplicable,
}

/// Where a vital sign comes from.
struct Source {
    name: &'static str,
    unit: Unit,
    value: Value,
    /// The check whose verdict it shows; `None` for a value that is only told.
    check: Option<&'static str>,
    low_is_bad: bool,
}

/// How a vital sign is measured.
enum Value {
    Postgres(fn(&PgSnapshot) -> Option<f64>),
    Redis(fn(&RedisSnapshot) -> Option<f64>),
    Pooler(fn(&PoolerSnapshot) -> Option<f64>),
}

#[rustfmt::skip]
static SOURCES: &[Source] = &[
    Source { name: "connections", unit: Unit::Ratio, value: Value::Postgres(metrics::connection_use), check: Some("pg-connections-near-limit"), low_is_bad: false },
    Source { name: "size", unit: Unit::Bytes, value: Value::Postgres(size), check: None, low_is_bad: false },
    Source { name: "hit_ratio", unit: Unit::Ratio, value: Value::Postgres(metrics::cache_hit_ratio), check: Some("pg-low-cache-hit-ratio"), low_is_bad: true },
    Source { name: "longest_transaction", unit: Unit::Seconds, value: Value::Postgres(metrics::longest_transaction), check: Some("pg-long-running-statement"), low_is_bad: false },
    Source { name: "replica_lag", unit: Unit::Ms, value: Value::Postgres(metrics::replica_lag), check: Some("pg-replica-lag-time"), low_is_bad: false },
    Source { name: "memory", unit: Unit::Ratio, value: Value::Redis(metrics::redis_memory_use), check: Some("redis-memory-near-limit"), low_is_bad: false },
    Source { name: "hit_ratio", unit: Unit::Ratio, value: Value::Redis(metrics::redis_hit_ratio), check: Some("redis-low-hit-ratio"), low_is_bad: true },
    Source { name: "clients", unit: Unit::Ratio, value: Value::Redis(metrics::redis_client_use), check: Some("redis-clients-near-limit"), low_is_bad: false },
    Source { name: "clients", unit: Unit::Ratio, value: Value::Pooler(metrics::pooler_client_use), check: Some("pg-pooler-clients-near-limit"), low_is_bad: false },
    Source { name: "clients_active", unit: Unit::Count, value: Value::Pooler(|pooler| sum(pooler, |pool| pool.clients_active)), check: None, low_is_bad: false },
    Source { name: "clients_waiting", unit: Unit::Count, value: Value::Pooler(|pooler| sum(pooler, |pool| pool.clients_waiting)), check: Some("pg-pooler-exhausted"), low_is_bad: false },
    Source { name: "server_connections", unit: Unit::Count, value: Value::Pooler(|pooler| sum(pooler, Pool::servers)), check: Some("pg-pooler-no-server"), low_is_bad: true },
    Source { name: "longest_wait", unit: Unit::Seconds, value: Value::Pooler(longest_wait), check: Some("pg-pooler-waiting"), low_is_bad: false },
];

/// The vital signs of every target that was reached.
pub fn vitals(snapshot: &Snapshot, settings: &Settings) -> Vec<Vital> {
    let of_target = |target| SOURCES.iter().filter_map(move |s| s.look(snapshot, target, settings));
    snapshot.targets.iter().flat_map(of_target).collect()
}

/// Sections a quick health check needs, for adapters that can leave the rest out.
pub fn sections() -> BTreeSet<&'static str> {
    let checks = SOURCES.iter().filter_map(|source| registry::find(source.check?));
    // The size is read from `databases`.
    checks.flat_map(|check| check.needs.iter().copied()).chain(["databases"]).collect()
}

impl Source {
    fn look(
        &self,
        snapshot: &Snapshot,
        target: &TargetSnapshot,
        settings: &Settings,
    ) -> Option<Vital> {
        let value = match (&self.value, &target.data) {
            (Value::Postgres(measure), TargetData::Postgres(pg)) => measure(pg),
            (Value::Redis(measure), TargetData::Redis(redis)) => measure(redis),
            (Value::Pooler(measure), TargetData::Pooler(pooler)) => measure(pooler),
            _ => return None,
        };
        let check = self.check.and_then(registry::find);
        let limit = |prefix: &str| {
            let check = check?;
            let threshold = check.thresholds.iter().find(|t| t.key.starts_with(prefix))?;
            // A threshold in another unit (seconds for a lag in milliseconds) cannot stand beside the value.
            (threshold.unit == self.unit)
                .then(|| settings.value(check, threshold, &target.name, None))
        };
        let (state, text) = match check {
            Some(check) => verdict(check, snapshot, target, settings),
            None if value.is_some() => (VitalState::Healthy, String::new()),
            None => (VitalState::Unknown, "could not be read".to_owned()),
        };
        Some(Vital {
            target: target.name.clone(),
            name: self.name,
            unit: self.unit,
            value,
            warning: limit("warning"),
            critical: limit("critical"),
            low_is_bad: self.low_is_bad,
            state,
            text,
        })
    }
}

fn verdict(
    check: &'static Check,
    snapshot: &Snapshot,
    target: &TargetSnapshot,
    settings: &Settings,
) -> (VitalState, String) {
    let mut worst: Option<Finding> = None;
    let Some(Verdicts(parts)) = judge::run(check, snapshot, target, settings) else {
        return (VitalState::NotApplicable, String::new());
    };
    for (_, part) in parts {
        match part {
            Ok(findings) => {
                let found = findings.into_iter().chain(worst).max_by_key(|f| f.severity);
                worst = found;
            }
            Err(skip) if skip.is_gap() => return (VitalState::Unknown, skip.0.detail),
            Err(_) => return (VitalState::NotApplicable, String::new()),
        }
    }
    match worst {
        Some(finding) => (VitalState::Found(finding.severity), finding.message),
        None => (VitalState::Healthy, String::new()),
    }
}

fn size(pg: &PgSnapshot) -> Option<f64> {
    let databases = pg.databases.value()?;
    Some(databases.iter().filter_map(|database| database.size_bytes).sum::<i64>() as f64)
}

/// Over all pools; a pooler nobody used yet has none.
fn sum(pooler: &PoolerSnapshot, count: fn(&Pool) -> i64) -> Option<f64> {
    Some(pooler.pools.value()?.iter().map(|pool| count(pool) as f64).sum())
}

/// Seconds the first client of any queue has waited.
fn longest_wait(pooler: &PoolerSnapshot) -> Option<f64> {
    let waits = pooler.pools.value()?.iter().map(|pool| pool.longest_wait_ms / 1000.0);
    Some(waits.fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit, set};

    #[test]
    fn a_pooler_shows_its_queue() {
        let pool = |user: &str, waiting, wait_ms| Pool {
            database: "app".into(),
            user: user.into(),
            clients_active: 2,
            clients_waiting: waiting,
            servers_active: 1,
            servers_idle: 1,
            longest_wait_ms: wait_ms,
            ..Pool::default()
        };
        let snapshot = testing::pooler(|pooler| {
            *edit(&mut pooler.pools) = vec![pool("web", 3, 2500.0), pool("job", 0, 0.0)];
            edit(&mut pooler.lists).insert("used_clients".into(), 8);
            edit(&mut pooler.config).insert("max_client_conn".into(), "100".into());
        });
        let told: Vec<_> = vitals(&snapshot, &Settings::default())
            .iter()
            .map(|vital| (vital.name, vital.value, vital.state))
            .collect();
        let (healthy, warning) = (VitalState::Healthy, VitalState::Found(Severity::Warning));
        let wanted = [
            ("clients", Some(0.08), healthy),
            ("clients_active", Some(4.0), healthy),
            ("clients_waiting", Some(3.0), healthy),
            ("server_connections", Some(4.0), healthy),
            ("longest_wait", Some(2.5), warning),
        ];
        assert_eq!(told, wanted);
    }

    #[test]
    fn a_console_that_hides_its_pools_is_unknown() {
        use dbvitals_model::{Reason, Section};
        let snapshot = testing::pooler(|pooler| {
            pooler.pools = Section::unavailable(Reason::Permission, "not a stats user");
        });
        let all = vitals(&snapshot, &Settings::default());
        let wait = all.iter().find(|vital| vital.name == "longest_wait").unwrap();
        assert_eq!((wait.value, wait.state), (None, VitalState::Unknown));
    }

    #[test]
    fn a_full_server_is_critical_and_carries_its_thresholds() {
        let snapshot = testing::pg(|pg| {
            set(pg, "max_connections", "10", None);
            let client = dbvitals_model::pg::activity::Session {
                backend_type: "client backend".into(),
                ..Default::default()
            };
            *edit(&mut pg.activity) = vec![client; 10];
        });
        let all = vitals(&snapshot, &Settings::default());
        let connections = all.iter().find(|vital| vital.name == "connections").unwrap();
        assert_eq!(connections.state, VitalState::Found(Severity::Critical));
        assert_eq!(connections.warning, Some(0.75));
        assert_eq!(connections.value, Some(1.0));
    }

    #[test]
    fn the_checks_behind_vital_signs_exist() {
        for source in SOURCES {
            if let Some(id) = source.check {
                assert!(registry::find(id).is_some(), "{id}");
            }
        }
    }
}
