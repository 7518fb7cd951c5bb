//! The PostgreSQL adapter: connecting, probing and collecting sections of a snapshot.
#![allow(dead_code, unreachable_pub, reason = "connecting is being built; removed with it")]

mod batch;
mod canceller;
mod cell;
mod connect;
mod conninfo;
mod decode;
mod error;
mod numeric;
mod session;
mod speaks;
pub mod table;
mod target;

pub use canceller::Canceller;
pub use connect::connect;
pub use error::Error;
pub use session::{Answer, Query, Session};
pub use table::{Cell, DecodeError, Table};
pub use target::Target;
