//! Looks into one matter of a PostgreSQL server, told as facts, tables and remarks; not judged.

pub mod entry;
pub mod n_plus_one;
pub mod ranking;
mod rollup;
mod tables;
pub mod top;

use dbvitals_model::{Sheet, pg::instance::Server};

/// A sheet about this server.
fn begin(id: &str, target: &str, server: &Server) -> Sheet {
    let role = if server.in_recovery { "standby" } else { "primary" };
    let described = format!("PostgreSQL {}, {role}", server.version);
    Sheet::new(id, target, described, server.now)
}
