//! The program as a person runs it, against real servers and sockets that mean harm.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on says so by panicking"
)]

mod bad_input;
mod check_command;
mod documented_sql;
mod exit_codes;
mod faults;
mod formats;
mod lint;
mod log_command;
mod names;
mod query_analyze;
mod query_n_plus_one;
mod query_plan;
mod query_rls;
mod query_top;
mod query_verify;
mod query_verify_schemas;
mod quiet;
mod redis_keys;
mod redis_looks;
mod redis_refusals;
mod reference;
mod rewrites;
mod roles;
mod run;
mod scenarios;
mod shop;
mod side_commands;
mod since;
mod suggestions;
mod versions;
