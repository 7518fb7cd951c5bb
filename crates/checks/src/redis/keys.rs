//! Keys and their expiry.
