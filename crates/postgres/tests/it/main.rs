//! Connecting to real servers and to sockets that mean harm.

mod batch;
