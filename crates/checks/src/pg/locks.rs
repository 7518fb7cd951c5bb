//! Locks, connections and transactions.

pub mod blocked_session;
pub mod connections_near_limit;
pub mod idle_in_transaction;
pub mod long_transaction;
pub mod prepared_transaction_old;
pub mod session;
pub mod tree;
