//! Under which conditions a statement is planned: role, settings, without policies, with an index that is not there.

use std::time::Duration;

use super::{Explaining, identifier, literal, opening};
use crate::{Error, session::Session};

/// Under which conditions a statement is planned and executed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Under<'a> {
    /// Settings with their values; they come after the role's own.
    pub settings: &'a [(String, String)],
    /// Without row-level security, as the role that connected: of [`Explaining::role`] only the settings hold. The
    /// server refuses where policies bind the one that connected.
    pub is_exempt: bool,
    /// Of what is executed only the whole is timed, so that reading the clock costs nothing.
    pub is_untimed: bool,
    /// Indexes that are in the mind of the planner alone.
    pub imagined: Option<Imagined<'a>>,
}

/// Indexes that `hypopg` lets the planner believe in. They are in the memory of the connection, and forgotten at the end.
#[derive(Debug, Clone, Copy)]
pub struct Imagined<'a> {
    /// Where the extension is installed.
    pub schema: &'a str,
    /// `CREATE INDEX ON …`, of each.
    pub create: &'a [String],
}

impl Session {
    /// Brings the conditions about; the answer is why the server refuses one.
    pub(super) async fn put_under(
        &mut self,
        wanted: &Explaining<'_>,
        patience: Duration,
    ) -> Result<Option<Error>, Error> {
        let under = wanted.under;
        if let Some(indexes) = under.imagined {
            let schema = identifier(indexes.schema);
            for create in indexes.create {
                let sql = format!(
                    "SELECT indexname FROM {schema}.hypopg_create_index({})",
                    literal(create)
                );
                if let Err(error) = self.attempt(&sql, patience).await? {
                    return Ok(Some(error));
                }
            }
        }
        if let Some(role) = wanted.role {
            self.assume(role, under.is_exempt, patience).await?;
        }
        if under.is_exempt {
            self.say("SET LOCAL row_security = off", patience).await?;
        }
        for (name, value) in under.settings {
            let Some(set) = opening::taken_over(&format!("{name}={value}")) else { continue };
            if let Err(error) = self.attempt(&set, patience).await? {
                return Ok(Some(error));
            }
            self.keep(patience).await?;
        }
        self.keep(patience).await?;
        Ok(None)
    }

    /// What was said so far outlives a statement that fails.
    async fn keep(&mut self, patience: Duration) -> Result<(), Error> {
        self.say("RELEASE SAVEPOINT dbvitals; SAVEPOINT dbvitals", patience).await
    }

    /// Forgets imagined indexes.
    pub(super) async fn forget(
        &mut self,
        wanted: &Explaining<'_>,
        patience: Duration,
    ) -> Result<(), Error> {
        if let Some(indexes) = wanted.under.imagined {
            let schema = identifier(indexes.schema);
            self.say("SET LOCAL ROLE NONE", patience).await?;
            self.attempt(&format!("SELECT {schema}.hypopg_reset()"), patience).await?.ok();
        }
        Ok(())
    }

    /// Changes role, and takes over the settings that new sessions of that role start with: they decide about plans,
    /// and `SET ROLE` does not bring them.
    async fn assume(
        &mut self,
        role: &str,
        only_settings: bool,
        patience: Duration,
    ) -> Result<(), Error> {
        let own = self.column(&opening::settings_of(role), patience).await?.unwrap_or_default();
        if !only_settings {
            self.say(&format!("SET LOCAL ROLE {}", identifier(role)), patience).await?;
        }
        self.keep(patience).await?;
        for setting in own {
            if let Some(set) = opening::taken_over(&setting)
                && self.attempt(&set, patience).await?.is_ok()
            {
                self.keep(patience).await?;
            }
        }
        Ok(())
    }
}
