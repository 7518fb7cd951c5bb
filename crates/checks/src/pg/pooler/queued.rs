//! A pool and what is known of its queue.

use dbvitals_model::{
    Evidence, Finding, Subject, Unit,
    pooler::{Pool, PoolerDatabase, Queue, QueuedPool},
};

/// `app (web)`: the pool of user web for database app.
pub fn name(pool: &Pool) -> String {
    format!("{} ({})", pool.database, pool.user)
}

/// The pool as the subject of a finding.
pub fn subject(pool: &Pool) -> Subject {
    Subject::new("pool", name(pool))
}

/// What was seen of its queue over a window.
pub fn watched<'a>(queue: Option<&'a Queue>, pool: &Pool) -> Option<&'a QueuedPool> {
    let mut pools = queue.into_iter().flat_map(|queue| &queue.pools);
    pools.find(|seen| seen.database == pool.database && seen.user == pool.user)
}

/// The database a pool belongs to.
pub fn database<'a>(databases: &'a [PoolerDatabase], pool: &Pool) -> Option<&'a PoolerDatabase> {
    databases.iter().find(|database| database.name == pool.database)
}

/// Server connections a pool may have; `None` where that is not known.
pub fn size(databases: &[PoolerDatabase], pool: &Pool) -> Option<i64> {
    database(databases, pool).map(|database| database.pool_size).filter(|size| *size > 0)
}

/// Whether nothing goes through on purpose.
pub fn is_paused(databases: &[PoolerDatabase], pool: &Pool) -> bool {
    database(databases, pool).is_some_and(|database| database.is_paused || database.is_disabled)
}

/// The longest wait now or in the window, in milliseconds.
pub fn longest_wait_ms(queue: Option<&Queue>, pool: &Pool) -> f64 {
    watched(queue, pool).map_or(0.0, |seen| seen.longest_wait_ms).max(pool.longest_wait_ms)
}

/// Clients and servers as evidence.
#[must_use]
pub fn with_facts(finding: Finding, pool: &Pool, size: Option<i64>) -> Finding {
    let source = "SHOW POOLS";
    let finding = finding
        .with(Evidence::new("clients waiting", pool.clients_waiting, Unit::Count, source))
        .with(Evidence::new("server connections in use", pool.servers_active, Unit::Count, source))
        .with(Evidence::new("server connections", pool.servers(), Unit::Count, source));
    match size {
        Some(size) => finding.with(Evidence::new("pool_size", size, Unit::Count, "SHOW DATABASES")),
        None => finding,
    }
}
