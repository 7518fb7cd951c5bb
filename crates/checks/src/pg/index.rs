//! Indexes.

pub mod unused_index;
