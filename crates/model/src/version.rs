//! Server versions, comparable and printable.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A server's version: `16.9` for PostgreSQL, `7.0.15` for Redis.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ServerVersion {
    /// The major version: 16, 7.
    pub major: u32,
    /// The minor version: 9, 0.
    pub minor: u32,
    /// The patch level; always 0 for PostgreSQL, which has none.
    pub patch: u32,
}

impl ServerVersion {
    /// A version from its parts.
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self { major, minor, patch }
    }

    /// Reads PostgreSQL's `server_version_num` (`160009` is 16.9).
    pub fn from_pg_num(num: u32) -> Self {
        Self::new(num / 10_000, num % 10_000, 0)
    }

    /// Reads dotted text such as `7.0.15`, `16.9` or `8.0.0-rc1`; missing parts are 0.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split('.').map(|part| {
            let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u32>().ok()
        });
        let major = parts.next()??;
        let minor = parts.next().flatten().unwrap_or(0);
        let patch = parts.next().flatten().unwrap_or(0);
        Some(Self { major, minor, patch })
    }
}

impl std::fmt::Display for ServerVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.patch == 0 && self.major >= 10 {
            write!(f, "{}.{}", self.major, self.minor)
        } else {
            write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_say() {
        assert_eq!(ServerVersion::from_pg_num(160_009).to_string(), "16.9");
        assert_eq!(ServerVersion::parse("7.0.15").unwrap().to_string(), "7.0.15");
        assert_eq!(ServerVersion::parse("8.0.0-rc1").unwrap(), ServerVersion::new(8, 0, 0));
        assert_eq!(ServerVersion::parse("18beta1").unwrap(), ServerVersion::new(18, 0, 0));
        assert_eq!(ServerVersion::parse("unknown"), None);
    }

    #[test]
    fn orders_by_number_not_by_text() {
        assert!(ServerVersion::new(7, 0, 15) > ServerVersion::new(7, 0, 9));
        assert!(ServerVersion::new(10, 0, 0) > ServerVersion::new(9, 6, 24));
    }
}
