//! Connecting to real servers and to sockets that mean harm.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod batch;
mod cancel;
mod collect;
mod connect;
mod errors;
mod explain;
mod hostile;
mod machine;
mod odd_roles;
mod pooler;
mod probe;
mod support;
mod tls;
mod writes_nothing;
