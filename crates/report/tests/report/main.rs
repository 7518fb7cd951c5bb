//! Every format over one rich report: golden files, widths, escaping.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail the test that calls them"
)]

mod sample;

mod escaping;
mod golden;
mod schema;
mod width;
