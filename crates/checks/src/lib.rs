//! The catalogue of checks and the score: pure judgement over a snapshot.
//!
//! A check is a function of a snapshot and settings. It knows no socket, no clock, no file. One check
//! is one file and one line in [`registry`]; [`judge`] runs them all and assembles the report.

mod analysed;
pub mod baseline;
pub mod check;
pub mod cluster;
pub mod context;
pub mod eta;
pub mod host;
pub mod judge;
pub mod latency;
pub mod log;
pub mod metrics;
pub mod overview;
pub mod pg;
pub mod plan;
pub mod redis;
pub mod registry;
pub mod score;
pub mod settings;
pub mod skip;
pub mod sql;
mod standby_findings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod view;
pub mod vitals;
pub mod words;

pub use check::{Check, Component, Run, Threshold, Topic};
pub use context::Context;
pub use judge::judge;
pub use settings::{Profile, Settings};
pub use skip::{Judged, Skip};
