//! The PostgreSQL adapter: connecting, probing and collecting sections of a snapshot.

mod batch;
mod canceller;
mod cell;
pub mod collect;
mod connect;
mod conninfo;
mod decode;
mod error;
pub mod explain;
mod numeric;
pub mod pooler;
mod probe;
mod refusal;
mod repeat;
pub mod row_security;
pub mod scratch;
mod session;
mod speaks;
pub mod table;
mod target;
mod tls;

pub use canceller::Canceller;
pub use connect::connect;
pub use conninfo::{ConninfoError, Environment};
pub use error::Error;
pub use probe::Databases;
pub use session::{Answer, Query, Session};
pub use table::{Cell, DecodeError, Table};
pub use target::Target;
