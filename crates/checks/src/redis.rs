//! Checks of Redis and Valkey servers.

pub mod clients;
pub mod config;
pub mod config_fix;
pub mod counted;
pub mod facts;
#[cfg(test)]
pub(crate) mod fixture;
pub mod keys;
pub mod latency;
pub mod look;
pub mod memory;
pub mod persistence;
pub mod reach;
pub mod replication;
pub mod role;
pub mod security;
