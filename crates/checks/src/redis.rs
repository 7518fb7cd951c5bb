//! Checks of Redis and Valkey servers.

pub mod clients;
pub mod keys;
pub mod latency;
pub mod memory;
pub mod persistence;
pub mod replication;
pub mod security;
