//! Slow commands, latency and CPU.
