//! What a plan does that it need not: found by `query analyze`, mended by what the finding says, and found no more.
//!
//! How long anything takes depends on the machine: every time counts here, and shares of the plan decide.

mod columns;
mod desk;
mod estimates;
mod indexes;
mod joins;
mod memory;
mod partitions;
mod rest;
mod scans;
