//! Queues of a connection pooler in front of PostgreSQL, as `PgBouncer`'s console shows them.

pub mod pooler_clients_near_limit;
pub mod pooler_exhausted;
pub mod pooler_no_server;
pub mod pooler_no_wait_limit;
pub mod pooler_oversubscribed;
pub mod pooler_paused;
pub mod pooler_waiting;
pub mod queued;
