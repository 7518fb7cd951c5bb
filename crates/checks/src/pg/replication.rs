//! Replication and recovery.

pub mod backup_age;
pub mod failover;
pub mod failover_not_ready;
pub mod logical_subscription_failing;
pub mod no_archiving;
pub mod pairing;
pub mod parity;
pub mod read_share;
pub mod replica_apply_paused;
pub mod replica_conflicts;
pub mod replica_lag_bytes;
pub mod replica_lag_time;
pub mod replica_missing;
pub mod replica_not_streaming;
pub mod replica_read_imbalance;
pub mod replica_settings_differ;
pub mod single_point_of_failure;
pub mod slot;
pub mod slot_inactive;
pub mod slot_lost;
pub mod slot_retaining_wal;
pub mod slot_unlimited_retention;
pub mod standby;
pub mod synchronous;
pub mod unseen;
pub mod worth;
