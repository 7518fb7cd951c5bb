//! Memory and eviction.

pub mod memory_near_limit;
