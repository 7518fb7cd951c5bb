//! Indexes.

pub mod bloated_index;
pub mod btree_on_array_or_jsonb;
pub mod duplicate_foreign_key;
pub mod duplicate_index;
#[cfg(test)]
mod fixture;
pub mod foreign_key_type_mismatch;
pub mod foreign_key_without_index;
pub mod index_collation_version_mismatch;
pub mod index_mostly_null;
pub mod index_on_low_cardinality;
pub mod invalid_index;
mod keys;
pub mod low_index_hit_ratio;
pub mod low_index_usage;
pub mod oversized_index;
mod parts;
pub mod rarely_used_index;
pub mod redundant_index;
pub mod sequential_scan_heavy_table;
pub mod too_many_indexes;
pub mod unlogged_or_hash_legacy_index;
pub mod unused_index;
