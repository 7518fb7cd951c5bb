//! Replicas and clusters.

pub mod backlog_small;
pub mod cluster_node_without_replica;
pub mod cluster_unhealthy;
pub mod cluster_without_majority;
pub mod full_resync;
pub mod replica_lag;
pub mod replica_link_down;
pub mod replica_writable;
pub mod sentinel_unhealthy;
