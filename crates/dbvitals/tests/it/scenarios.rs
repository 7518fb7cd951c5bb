//! A condition on a real server, the finding it makes, its fix, and the finding gone.

mod connections;
mod fresh;
mod harness;
mod locks;
mod redis;
mod statement_statistics;
mod statements;
mod tables;
