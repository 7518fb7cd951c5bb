//! The table of wanted and measured values: what a glance wants to know before any finding.

use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot, Unit,
    pg::PgSnapshot,
    pooler::PoolerSnapshot,
    redis::RedisSnapshot,
    report::{Metric, MetricStatus, Wanted},
};

use crate::view::seconds_between;

/// One row of the table, before it is measured.
struct Row<T> {
    id: &'static str,
    title: &'static str,
    unit: Unit,
    wanted: Wanted,
    measure: fn(&T) -> Option<f64>,
}

/// Fewest block reads or lookups from which a hit ratio means anything.
const MIN_READS: i64 = 10_000;

#[rustfmt::skip]
static POSTGRES: &[Row<PgSnapshot>] = &[
    Row { id: "pg-connection-use", title: "connections in use", unit: Unit::Ratio, wanted: Wanted::AtMost(0.8), measure: connection_use },
    Row { id: "pg-connect-time", title: "time to connect", unit: Unit::Ms, wanted: Wanted::AtMost(50.0), measure: |pg| pg.server.connect_ms },
    Row { id: "pg-cache-hit-ratio", title: "cache hit ratio", unit: Unit::Ratio, wanted: Wanted::AtLeast(0.95), measure: cache_hit_ratio },
    Row { id: "pg-index-hit-ratio", title: "index hit ratio", unit: Unit::Ratio, wanted: Wanted::AtLeast(0.99), measure: index_hit_ratio },
    Row { id: "pg-mean-statement-time", title: "mean statement time", unit: Unit::Ms, wanted: Wanted::AtMost(50.0), measure: mean_statement_time },
    Row { id: "pg-rollback-ratio", title: "transactions rolled back", unit: Unit::Ratio, wanted: Wanted::AtMost(0.1), measure: rollback_ratio },
    Row { id: "pg-dead-row-ratio", title: "dead rows", unit: Unit::Ratio, wanted: Wanted::AtMost(0.05), measure: dead_row_ratio },
    Row { id: "pg-longest-transaction", title: "longest transaction", unit: Unit::Seconds, wanted: Wanted::AtMost(300.0), measure: longest_transaction },
    Row { id: "pg-transaction-id-use", title: "transaction ids used", unit: Unit::Ratio, wanted: Wanted::AtMost(0.4), measure: transaction_id_use },
    Row { id: "pg-replica-lag", title: "replay lag of the slowest standby", unit: Unit::Ms, wanted: Wanted::AtMost(1000.0), measure: replica_lag },
    Row { id: "pg-requested-checkpoints", title: "checkpoints forced by WAL volume", unit: Unit::Ratio, wanted: Wanted::AtMost(0.5), measure: requested_checkpoints },
];

#[rustfmt::skip]
static REDIS: &[Row<RedisSnapshot>] = &[
    Row { id: "redis-round-trip", title: "round trip of a PING", unit: Unit::Ms, wanted: Wanted::AtMost(1.0), measure: |redis| redis.server.round_trip_ms },
    Row { id: "redis-hit-ratio", title: "hit ratio", unit: Unit::Ratio, wanted: Wanted::AtLeast(0.95), measure: redis_hit_ratio },
    Row { id: "redis-memory-use", title: "memory in use", unit: Unit::Ratio, wanted: Wanted::AtMost(0.8), measure: redis_memory_use },
    Row { id: "redis-fragmentation", title: "fragmentation", unit: Unit::Factor, wanted: Wanted::AtMost(1.4), measure: fragmentation },
    Row { id: "redis-client-use", title: "clients in use", unit: Unit::Ratio, wanted: Wanted::AtMost(0.8), measure: redis_client_use },
];

/// Wanted and measured values of every target that was reached.
pub fn metrics(snapshot: &Snapshot) -> Vec<Metric> {
    let of_target = |target: &TargetSnapshot| match &target.data {
        TargetData::Postgres(pg) => rows(POSTGRES, pg.as_ref(), &target.name),
        TargetData::Redis(redis) => rows(REDIS, redis.as_ref(), &target.name),
        _ => Vec::new(),
    };
    snapshot.targets.iter().flat_map(of_target).collect()
}

fn rows<T>(table: &[Row<T>], seen: &T, target: &str) -> Vec<Metric> {
    table
        .iter()
        .map(|row| {
            let measured = (row.measure)(seen).filter(|value| value.is_finite());
            let status = match (measured, row.wanted) {
                (None, _) => MetricStatus::Unknown,
                (Some(value), Wanted::AtLeast(bound)) if value >= bound => MetricStatus::Achieved,
                (Some(value), Wanted::AtMost(bound)) if value <= bound => MetricStatus::Achieved,
                _ => MetricStatus::Missed,
            };
            Metric {
                id: row.id.to_owned(),
                target: target.to_owned(),
                unit: row.unit,
                wanted: row.wanted,
                measured,
                status,
                title: row.title.to_owned(),
            }
        })
        .collect()
}

fn ratio(part: i64, whole: i64, least: i64) -> Option<f64> {
    (whole >= least.max(1)).then(|| part as f64 / whole as f64)
}

pub(crate) fn connection_use(pg: &PgSnapshot) -> Option<f64> {
    let settings = pg.settings.value()?;
    let reserved = settings.number("superuser_reserved_connections").unwrap_or(0.0)
        + settings.number("reserved_connections").unwrap_or(0.0);
    let usable = (settings.number("max_connections")? - reserved).max(1.0);
    let sessions = pg.activity.value()?;
    Some(sessions.iter().filter(|s| s.backend_type == "client backend").count() as f64 / usable)
}

pub(crate) fn cache_hit_ratio(pg: &PgSnapshot) -> Option<f64> {
    let databases = match pg.window.value() {
        Some(window) => &window.databases,
        None => pg.databases.value()?,
    };
    let hit: i64 = databases.iter().map(|d| d.blocks_hit).sum();
    let read: i64 = databases.iter().map(|d| d.blocks_read).sum();
    ratio(hit, hit + read, MIN_READS)
}

fn index_hit_ratio(pg: &PgSnapshot) -> Option<f64> {
    let indexes = || pg.by_database.iter().filter_map(|db| db.indexes.value()).flatten();
    let hit: i64 = indexes().map(|i| i.blocks_hit).sum();
    let read: i64 = indexes().map(|i| i.blocks_read).sum();
    ratio(hit, hit + read, MIN_READS)
}

fn mean_statement_time(pg: &PgSnapshot) -> Option<f64> {
    let statements = pg.statements.value()?;
    (statements.total_calls > 0)
        .then(|| statements.total_exec_time_ms / statements.total_calls as f64)
}

fn rollback_ratio(pg: &PgSnapshot) -> Option<f64> {
    let databases = pg.databases.value()?;
    let commits: i64 = databases.iter().map(|d| d.commits).sum();
    let rollbacks: i64 = databases.iter().map(|d| d.rollbacks).sum();
    ratio(rollbacks, commits + rollbacks, 1000)
}

fn dead_row_ratio(pg: &PgSnapshot) -> Option<f64> {
    let tables = || pg.by_database.iter().filter_map(|db| db.relations.value()).flatten();
    let dead: i64 = tables().map(|t| t.dead_rows).sum();
    let live: i64 = tables().map(|t| t.live_rows).sum();
    ratio(dead, dead + live, 1000)
}

pub(crate) fn longest_transaction(pg: &PgSnapshot) -> Option<f64> {
    let sessions = pg.activity.value()?.iter();
    let started = sessions
        .filter(|s| s.backend_type == "client backend")
        .filter_map(|s| s.transaction_started_at);
    Some(started.min().map_or(0.0, |at| seconds_between(at, pg.server.now)))
}

fn transaction_id_use(pg: &PgSnapshot) -> Option<f64> {
    let oldest = pg.databases.value()?.iter().map(|d| d.frozen_xid_age).max()?;
    Some(oldest as f64 / f64::from(i32::MAX))
}

pub(crate) fn replica_lag(pg: &PgSnapshot) -> Option<f64> {
    let replicas = pg.replicas.value()?.iter().filter(|r| !r.is_logical && r.state.is_some());
    replicas.map(|r| r.replay_lag_ms.unwrap_or(0.0)).reduce(f64::max)
}

fn requested_checkpoints(pg: &PgSnapshot) -> Option<f64> {
    let checkpoints = pg.checkpoints.value()?;
    ratio(checkpoints.requested, checkpoints.requested + checkpoints.timed, 10)
}

pub(crate) fn redis_hit_ratio(redis: &RedisSnapshot) -> Option<f64> {
    let info = redis.info.value()?;
    let counter = |name: &str| match redis.window.value() {
        Some(window) => window.counters.get(name).copied(),
        None => info.int(name),
    };
    let (hits, misses) = (counter("keyspace_hits")?, counter("keyspace_misses")?);
    ratio(hits, hits + misses, MIN_READS)
}

pub(crate) fn redis_memory_use(redis: &RedisSnapshot) -> Option<f64> {
    let info = redis.info.value()?;
    ratio(info.int("used_memory")?, info.int("maxmemory")?, 1)
}

/// Below this, fragmentation is the allocator's start-up cost, not a state of the data.
const MIN_MEMORY_BYTES: i64 = 100 << 20;

fn fragmentation(redis: &RedisSnapshot) -> Option<f64> {
    let info = redis.info.value()?;
    (info.int("used_memory")? >= MIN_MEMORY_BYTES).then_some(())?;
    info.number("mem_fragmentation_ratio")
}

pub(crate) fn redis_client_use(redis: &RedisSnapshot) -> Option<f64> {
    let info = redis.info.value()?;
    let max = info.int("maxclients").or_else(|| redis.config.value()?.int("maxclients"))?;
    ratio(info.int("connected_clients")?, max, 1)
}

/// Clients of a pooler against its limit.
pub(crate) fn pooler_client_use(pooler: &PoolerSnapshot) -> Option<f64> {
    let most = pooler.config.value()?.get("max_client_conn")?.parse().ok()?;
    ratio(*pooler.lists.value()?.get("used_clients")?, most, 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn status_of(snapshot: &Snapshot, id: &str) -> (Option<f64>, MetricStatus) {
        let metric = metrics(snapshot).into_iter().find(|metric| metric.id == id).unwrap();
        (metric.measured, metric.status)
    }

    #[test]
    fn a_ratio_of_too_little_is_unknown_not_zero() {
        let few = testing::pg(|pg| edit(&mut pg.databases)[0].blocks_read = 9_999);
        assert_eq!(status_of(&few, "pg-cache-hit-ratio"), (None, MetricStatus::Unknown));
        let enough = testing::pg(|pg| edit(&mut pg.databases)[0].blocks_read = 10_000);
        assert_eq!(status_of(&enough, "pg-cache-hit-ratio"), (Some(0.0), MetricStatus::Missed));
    }

    #[test]
    fn bounds_are_inclusive() {
        let snapshot = testing::pg(|pg| {
            let database = &mut edit(&mut pg.databases)[0];
            database.blocks_hit = 95_000;
            database.blocks_read = 5_000;
        });
        assert_eq!(status_of(&snapshot, "pg-cache-hit-ratio").1, MetricStatus::Achieved);
    }

    #[test]
    fn no_replica_is_no_lag_to_speak_of() {
        assert_eq!(status_of(&testing::pg(|_| {}), "pg-replica-lag").1, MetricStatus::Unknown);
    }
}
