//! The reader from outside: logs of real servers, sets of files, rubbish.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

mod files;
mod languages;
mod rubbish;
mod servers;
