//! What a server's log tells: statements, waits, errors, maintenance, sessions.

pub mod counted;
pub mod facts;

pub mod authentication_failures;
pub mod autovacuum_cancelled;
pub mod autovacuum_ineffective;
pub mod cancelled_statements;
pub mod checkpoint_sync_slow;
pub mod checkpoints_too_frequent;
pub mod clients_lost;
pub mod connection_storm;
pub mod connections_refused;
pub mod deadlock;
pub mod errors_frequent;
pub mod idle_timeouts;
pub mod lock_wait;
pub mod n_plus_one;
pub mod redundant_statement;
pub mod server_incident;
pub mod short_sessions;
pub mod slow_statement;
pub mod temporary_file;
pub mod unread_lines;
