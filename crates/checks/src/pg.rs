//! Checks of PostgreSQL servers, by topic of the catalogue.

pub mod bloat;
pub mod cache;
pub mod config;
pub mod counted;
pub mod index;
pub mod locks;
pub mod look;
pub mod n_plus_one;
pub mod pooler;
pub mod replication;
pub mod schema;
pub mod security;
pub mod setting_change;
pub mod statement;
pub mod table;
pub mod wal_disk;
