//! Tables, bloat, vacuum and wraparound.

pub mod analyze_overdue;
pub mod anti_wraparound_vacuum_running;
pub mod autovacuum_disabled;
pub mod autovacuum_ineffective;
pub mod autovacuum_saturated;
pub mod autovacuum_threshold_too_high;
pub mod dead_tuples;
pub mod horizon;
pub mod integer_key_overflow;
pub mod integer_range;
pub mod multixact_age;
pub mod never_analyzed;
pub mod never_vacuumed;
pub mod ordinary;
#[cfg(test)]
mod sample;
pub mod sequence_exhaustion;
pub mod statistics;
pub mod transaction_id_age;
pub mod trigger;
pub mod upkeep;
pub mod vacuum_overdue;
pub mod wraparound;
pub mod xmin_horizon_held;
