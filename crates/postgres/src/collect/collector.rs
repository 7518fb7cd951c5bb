//! What a collector is: one section, its texts by server version, its needs and limits.

use std::time::Duration;

use dbvitals_model::pg::{DatabaseSnapshot, PgSnapshot};

use super::found::Found;

/// One section of a snapshot and how it is read. Its texts lie in the folder of its name.
#[derive(Debug)]
pub struct Collector {
    /// Unique; also the tag in the text and the name costs are booked under.
    pub name: &'static str,
    /// The field of the snapshot it fills.
    pub section: &'static str,
    /// Which servers have it.
    pub role: Role,
    /// Texts by the smallest major version they are for, ascending.
    pub texts: &'static [(u32, &'static str)],
    /// Most rows the texts answer.
    pub limit: usize,
    /// The server cancels it after this time.
    pub timeout: Duration,
    /// How much work it is for the server.
    pub cost: Cost,
    /// Privileges it needs, with their remedies.
    pub needs: &'static [Need],
    /// The columns every text answers: the field names of the rows' struct.
    pub columns: fn() -> Vec<&'static str>,
    /// Puts what was found into its place.
    pub file: File,
}

/// The kind of server that has a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Every server.
    Any,
    /// Only a server in recovery.
    Standby,
}

/// How much work a collector is for the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// A few rows, milliseconds.
    Cheap,
    /// Reads a catalogue once.
    Catalog,
    /// Opens relations or reads large statistics; bounded in its text.
    Heavy,
}

/// A privilege. `{role}` in a remedy stands for the quoted name of our role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without membership in any of these roles, part of the rows is hidden.
    Sees {
        /// Roles, each of which is enough.
        any_of: &'static [&'static str],
        /// What is hidden without, as a fragment.
        hidden: &'static str,
        /// The grant that shows it.
        remedy: &'static str,
    },
    /// Without it the server refuses.
    Grant(&'static str),
}

/// Where a collector runs and where its section goes.
#[derive(Debug, Clone, Copy)]
pub enum File {
    /// Once per server.
    Instance(fn(&mut PgSnapshot, Found)),
    /// Once per database.
    Database(fn(&mut DatabaseSnapshot, Found)),
}

/// The roles that see other roles' activity.
pub(super) const SEES_STATS: Need = Need::Sees {
    any_of: &["pg_read_all_stats", "pg_monitor"],
    hidden: "what other roles' sessions do is hidden",
    remedy: "GRANT pg_monitor TO {role};",
};

/// Functions that list the server's folders.
pub(super) const LISTS_FOLDERS: Need = Need::Grant("GRANT pg_monitor TO {role};");

/// Time limits by cost: what is cheap should be over at once.
pub(super) const CHEAP: Duration = Duration::from_secs(5);
/// See [`CHEAP`].
pub(super) const CATALOG: Duration = Duration::from_secs(10);
/// See [`CHEAP`].
pub(super) const HEAVY: Duration = Duration::from_secs(20);

/// Where a text opens relations, it asks this first.
const MAY_OPEN: &str = "true as may_open";

impl Collector {
    /// The text for a server of this major version; `None` where it has no such section.
    pub fn text(&self, major: u32) -> Option<&'static str> {
        self.texts.iter().rev().find(|(least, _)| *least <= major).map(|(_, text)| *text)
    }

    /// The text that opens no relation and so meets no lock: sizes come from the catalogue, expressions are
    /// absent. `None` where the usual text opens none either.
    pub fn fallback(&self, major: u32) -> Option<String> {
        let text = self.text(major)?;
        text.contains(MAY_OPEN).then(|| text.replacen(MAY_OPEN, "false as may_open", 1))
    }

    /// The oldest major version that has the section.
    pub fn oldest(&self) -> u32 {
        self.texts.first().map_or(u32::MAX, |(least, _)| *least)
    }

    /// Whether it runs once per database.
    pub fn is_per_database(&self) -> bool {
        matches!(self.file, File::Database(_))
    }
}
