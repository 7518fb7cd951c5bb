//! A condition on a real server, the finding it makes, its fix, and the finding gone.

mod cache;
mod classes;
pub(crate) mod cluster;
mod configuration;
mod connections;
mod fresh;
mod harness;
mod host;
mod indexes;
mod indexes_over_time;
mod leftovers;
mod locks;
mod nodes;
mod pooler;
mod redis;
mod replication;
mod row_security;
mod schema;
mod security;
mod statement_statistics;
mod statements;
mod tables;
