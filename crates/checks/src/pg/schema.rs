//! Schema.

pub mod column_type_char_n;
pub mod column_type_json;
pub mod column_type_money;
pub mod column_type_timestamp_without_time_zone;
pub mod columns_of_type;
pub mod not_valid_constraint;
pub mod trigger_disabled;
