//! Locks, connections and transactions.

pub mod connections_near_limit;
