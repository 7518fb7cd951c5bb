//! Readers of /proc: pure parsers of bytes from this machine or over SQL.
