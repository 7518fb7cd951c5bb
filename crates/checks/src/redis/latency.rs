//! Slow commands, latency and CPU.

pub mod blocking_command;
pub mod command_latency;
pub mod cpu;
pub mod errors;
pub mod fork_slow;
pub mod large_replies;
pub mod latency_event;
pub mod latency_monitor_off;
pub mod slow_command;
pub mod slowlog_blind;
