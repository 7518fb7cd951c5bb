//! Throwaway PostgreSQL, Redis and `PgBouncer` servers, and hostile sockets, for tests and the demo.
//!
//! Servers listen on free loopback ports and keep everything in one temporary folder. Each runs below a
//! small `sh` supervisor whose standard input is a pipe held by this process: when the value is dropped,
//! or this process ends in any way (return, `exit`, SIGKILL), the pipe closes, and the supervisor stops the
//! server by its process id and removes the folder. Any number may run at once, in any number of processes.
//!
//! The binaries come from `cargo xtask setup`, which places what Debian does not have in a cache folder
//! (see [`cache`]). A missing binary is an error that says so; nothing is skipped.
//!
//! ```no_run
//! # async fn demo() -> Result<(), dbvitals_testkit::TestkitError> {
//! use dbvitals_testkit::{PgVersion, Postgres};
//! let pg = Postgres::builder(PgVersion::V16).preload("pg_stat_statements").start()?;
//! pg.sql("postgres", "create database app").await?;
//! let standby = pg.standby().await?;
//! pg.wait_for_replay(&standby).await?;
//! # Ok(()) }
//! ```
//!
//! `cargo run -p dbvitals-testkit --bin serve -- postgres 16` starts one by hand.

pub mod cache;
mod certificates;
mod copy_tree;
mod error;
mod hostile;
mod launch;
mod pgbouncer;
mod postgres;
mod redis;
mod run_as;
mod supervisor;

pub use certificates::{Certificates, Validity};
pub use error::TestkitError;
pub use hostile::Hostile;
pub use pgbouncer::{PgBouncer, PoolMode};
pub use postgres::{Postgres, PostgresBuilder, shared, version::PgVersion};
pub use redis::{Redis, RedisBuilder, RedisVersion, resp::Reply, resp::RespConnection};
