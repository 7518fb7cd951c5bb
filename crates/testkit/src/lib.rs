//! Throwaway PostgreSQL and Redis servers, hostile sockets and builders for tests and the demo.
