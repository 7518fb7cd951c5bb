//! Keys and their expiry.

pub mod big_key;
pub mod encoding_overflow;
pub mod hot_key;
pub mod keys_without_ttl;
pub mod long_key_names;
pub mod low_hit_ratio;
pub mod many_small_strings;
pub mod multiple_databases;
pub mod pattern_low_hit_ratio;
pub mod sample;
pub mod stale_expired_keys;
pub mod ttl_stampede;
