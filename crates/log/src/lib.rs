//! Reading `PostgreSQL`'s server log: any of its formats, one pass, one summary in bounded memory. No connection.
//!
//! ```text
//! bytes → format (stderr, csv, json, syslog) → record → event → summary → LogSnapshot
//! ```
//!
//! Records borrow from the buffer they were read into; nothing is allocated for a line. A statement is told apart by
//! its [`shape::Shape`], a number reckoned while scanning; `PostgreSQL`'s own parser sees each kept text once, in the
//! end, so that equal fingerprints become one statement.

pub mod event;
pub mod feed;
pub mod follow;
pub mod moment;
pub mod prefix;
pub mod record;
pub mod severity;
pub mod state;
pub mod summary;

mod csv;
mod detect;
mod histogram;
mod json;
mod language;
mod lines;
mod names;
mod reading;
mod source;
mod stderr;
mod syslog;
#[cfg(test)]
mod testing;

use dbvitals_query::shape;

pub use self::{
    feed::Format,
    prefix::Prefix,
    reading::{Read, Request, read},
    source::Unreadable,
    state::State,
    summary::Limits,
};
