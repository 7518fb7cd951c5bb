//! Cache, WAL, checkpoints and I/O.
