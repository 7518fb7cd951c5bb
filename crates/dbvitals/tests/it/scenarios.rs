//! A condition on a real server, the finding it makes, its fix, and the finding gone.

mod configuration;
mod connections;
mod fresh;
mod harness;
mod locks;
mod redis;
mod schema;
mod security;
mod statement_statistics;
mod statements;
mod tables;
