//! Numbers and texts as messages say them.

pub use dbvitals_model::words::*;
