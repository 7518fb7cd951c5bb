//! Tables, bloat, vacuum and wraparound.

mod bloat;
mod bloat_measured;
mod bloat_of_indexes;
pub(crate) mod case;
mod keys;
mod partitions;
mod server;
mod shape;
mod vacuum;

use dbvitals_testkit::{PgVersion, Postgres, shared};

/// The server most scenarios share.
pub(crate) fn server() -> &'static Postgres {
    shared(PgVersion::V18).unwrap()
}
