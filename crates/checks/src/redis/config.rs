//! Settings and version.
