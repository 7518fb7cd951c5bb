//! Looks into one matter of a server, told as facts, tables and remarks; not judged.

pub mod clients;
pub mod cost;
mod key_sizes;
pub mod keys;
pub mod latency;
mod servers;
pub mod slowlog;
mod standing_out;

use dbvitals_model::{Section, Sheet, redis::Server, redis::look::Ground};

/// A sheet about this server.
fn begin(id: &str, target: &str, ground: &Ground) -> Sheet {
    begin_with(id, target, &ground.server)
}

/// A sheet about a server that is known.
fn begin_with(id: &str, target: &str, server: &Server) -> Sheet {
    Sheet::new(id, target, described(server), server.now)
}

/// `Redis 7.0.15, primary`.
fn described(server: &Server) -> String {
    let flavour = if server.flavour == "valkey" { "Valkey" } else { "Redis" };
    let role = if server.role == "slave" { "replica" } else { "primary" };
    format!("{flavour} {}, {role}", server.version)
}

/// The value of a section; where there is none, the sheet says so.
fn seen<'a, T>(sheet: &mut Sheet, what: &str, section: &'a Section<T>) -> Option<&'a T> {
    match section.get() {
        Ok(value) => Some(value),
        Err(why) => {
            sheet.misses(what, why);
            None
        }
    }
}
