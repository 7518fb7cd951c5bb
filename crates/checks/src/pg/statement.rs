//! Statements.

pub mod class;
pub mod command;
pub mod dominant_statement;
pub mod erratic_statement;
pub mod frequent_statement;
pub mod io_bound_statement;
pub mod io_timing_off;
pub mod links;
pub mod load;
pub mod long_running_statement;
pub mod missing_materialized_view;
pub mod n_plus_one_suspect;
#[cfg(test)]
pub(crate) mod sample;
pub mod slow_statement;
pub mod statement_jit_overhead;
pub mod statement_low_hit_ratio;
pub mod statement_many_rows;
pub mod statement_over_class_target;
pub mod statement_planning_heavy;
pub mod statement_temp_spill;
pub mod statement_wal_heavy;
pub mod statements_evicting;
pub mod statements_not_collected;
pub mod statements_text_file_large;
pub mod statements_version_behind;
pub mod temp_files;
pub mod work_mem;
