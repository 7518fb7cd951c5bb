//! Client connections.

pub mod blocked_clients;
pub mod clients_evicted;
pub mod clients_near_limit;
pub mod connection_churn;
pub mod idle_clients;
mod lost_connections;
pub mod monitor_running;
pub mod output_buffer_disconnects;
pub mod rejected_connections;
