//! Renderers of a report: terminal, JSON, Markdown, HTML, SARIF, JUnit, monitoring plugin. Pure
//! functions of a report and options: no I/O, no clock, no environment.

/// Appends formatted text to a string, which cannot fail.
macro_rules! append {
    ($out:expr, $($arg:tt)*) => {{
        use std::fmt::Write as _;
        let _ = write!($out, $($arg)*);
    }};
}

mod cluster;
mod digest;
mod page;
mod statement;
mod table;
mod words;

pub mod check_doc;
pub mod explain;
pub mod html;
pub mod humanize;
pub mod json;
pub mod junit;
pub mod lint;
pub mod list;
pub mod markdown;
pub mod plugin;
pub mod sarif;
pub mod schema;
pub mod sheet;
pub mod terminal;
pub mod visible;

pub use check_doc::{CheckDoc, ThresholdDoc};
pub use page::ColorChoice;
