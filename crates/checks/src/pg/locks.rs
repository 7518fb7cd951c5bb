//! Locks, connections and transactions.

pub mod blocked_session;
pub mod connection_churn;
pub mod connection_latency;
pub mod connections_near_limit;
pub mod database_counters;
pub mod deadlocks;
pub mod idle_in_transaction;
pub mod lock_table_nearly_full;
pub mod lock_wait_average;
pub mod long_transaction;
pub mod max_connections_oversized;
pub mod no_timeouts;
pub mod prepared_transaction_old;
pub mod rollback_ratio;
pub mod session;
pub mod sessions_abandoned;
pub mod too_many_idle_connections;
pub mod tree;
pub mod unencrypted_connections;
