//! The dbvitals command.

fn main() {}
