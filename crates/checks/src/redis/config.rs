//! Settings and version.

pub mod config_appendfsync;
pub mod config_lazyfree;
pub mod config_maxmemory_policy;
pub mod config_repl_backlog;
pub mod config_save;
pub mod config_tcp_backlog;
pub mod config_tcp_keepalive;
pub mod config_timeout;
pub mod support_dates;
pub mod version_end_of_life;
