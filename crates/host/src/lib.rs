//! Facts about a machine, from the bytes of `/proc` and its like.
//!
//! The bytes come from this machine ([`Raw::read`]) or through a server that may read files
//! ([`WANTED_FILES`], [`Raw::from_files`]); the parsers are the same and know no I/O. Rates need two looks; the
//! time between them is taken from the looks themselves (`/proc/uptime`).

mod between;
mod disks;
mod filesystems;
mod memory;
mod network;
mod parse;
mod rates;
mod raw;

pub use between::{Source, between};
pub use filesystems::{Place, local_filesystems};
pub use raw::{Raw, WANTED_FILES};
