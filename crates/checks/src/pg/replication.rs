//! Replication and recovery.
