//! Memory and eviction.

pub mod allocator_fragmentation;
pub mod cache_thrash;
pub mod client_buffers;
pub mod eviction_policy_mismatch;
pub mod evictions;
pub mod fragmentation;
pub mod machine;
pub mod memory_near_limit;
pub mod memory_overhead;
pub mod no_memory_limit;
pub mod peak_memory;
pub mod replica_buffers;
pub mod script_cache;
pub mod swapping;
pub mod write_commands;
