//! Client connections.

pub mod blocked_clients;
pub mod clients_near_limit;
pub mod connection_churn;
pub mod idle_clients;
pub mod rejected_connections;
