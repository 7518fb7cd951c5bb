//! Schema.

pub mod column_type_char_n;
pub mod column_type_json;
pub mod column_type_money;
pub mod column_type_serial;
pub mod column_type_timestamp_without_time_zone;
pub mod columns_of_type;
pub mod inheritance_legacy;
pub mod jsonb_large;
pub mod mixed_type_column;
pub mod name_needs_quoting;
pub mod nested_views;
pub mod not_valid_constraint;
pub mod nullable_unique_key;
pub mod rls_function_per_row;
pub mod rls_index_not_leakproof;
pub mod rls_multiple_permissive_policies;
pub mod rls_policy_volatile;
pub mod rls_policy_without_index;
pub mod rls_slow;
pub mod trigger_disabled;
pub mod wide_table;
