//! Configuration and version.
