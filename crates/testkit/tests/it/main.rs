//! The testkit against real servers.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

mod cleanup;
mod hostile;
mod observe;
mod pgbouncer;
mod postgres;
mod redis;
mod standby;
mod tls;
