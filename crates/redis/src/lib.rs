//! The Redis and Valkey adapter: connecting and collecting sections of a snapshot.
