//! Until when its makers mend a release.

use dbvitals_model::{ServerVersion, redis::Server};
use jiff::civil::{Date, date};

/// Flavour, major and minor version, and the last day of support. Releases whose end was not
/// announced when this was written are not listed: of them nothing is said.
const ENDS: &[(&str, u32, u32, Date)] = &[
    ("redis", 6, 0, date(2022, 5, 31)),
    ("redis", 7, 0, date(2024, 7, 29)),
    ("redis", 8, 0, date(2026, 2, 11)),
    ("valkey", 7, 2, date(2029, 4, 16)),
    ("valkey", 8, 0, date(2027, 9, 15)),
    ("valkey", 8, 1, date(2030, 3, 31)),
    ("valkey", 9, 0, date(2028, 10, 21)),
];

/// The last day of support of a server's release, where it is known.
pub fn end_of_support(server: &Server) -> Option<Date> {
    let ServerVersion { major, minor, .. } = server.version;
    ENDS.iter()
        .find(|(flavour, x, y, _)| *flavour == server.flavour && (*x, *y) == (major, minor))
        .map(|(.., end)| *end)
}
