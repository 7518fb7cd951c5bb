//! Checks of the machine below.

pub mod cpu;
pub mod cpu_governor;
pub mod disk_busy;
pub mod disk_latency;
pub mod disk_space;
pub mod inodes;
pub mod load;
pub mod memory;
pub mod mounts;
pub mod network;
pub mod oom_risk;
pub mod overcommit;
pub mod sampled;
pub mod swapping;
pub mod transparent_huge_pages;
