//! Settings: what was typed, merged (flags over environment over file over defaults), and validated.

pub(crate) mod file;
pub(crate) mod ignore;
pub(crate) mod in_force;
pub(crate) mod judging;
pub(crate) mod known;
pub(crate) mod merged;
pub(crate) mod show;
pub(crate) mod target;

/// The commented default file, which is the manual. Parsed by a test.
pub(crate) const DEFAULT_FILE: &str = include_str!("config/default.toml");
