//! The PostgreSQL adapter: connecting, probing and collecting sections of a snapshot.
