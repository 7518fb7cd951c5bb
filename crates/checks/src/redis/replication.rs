//! Replicas and clusters.
