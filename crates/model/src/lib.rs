//! Values of dbvitals: what was seen (snapshots), what was judged (findings, scores), what is shown
//! (reports). Nothing in here performs I/O, reads a clock or knows SQL.

pub mod cluster;
pub mod finding;
pub mod host;
pub mod lint;
pub mod log;
pub mod pg;
pub mod plan;
pub mod pooler;
pub mod redis;
pub mod report;
pub mod section;
pub mod severity;
pub mod sheet;
pub mod since;
pub mod snapshot;
pub mod statement;
pub mod unit;
pub mod version;
pub mod words;

pub use finding::{Evidence, Finding, Fix, FixKind, Measure, Subject};
pub use section::{Collected, Reason, Section, Unavailable};
pub use severity::Severity;
pub use sheet::Sheet;
pub use snapshot::{Snapshot, TargetData, TargetKind, TargetSnapshot};
pub use unit::Unit;
pub use version::ServerVersion;
