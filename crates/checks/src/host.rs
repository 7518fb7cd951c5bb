//! Checks of the machine below.
