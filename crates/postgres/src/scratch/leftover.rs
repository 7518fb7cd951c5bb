//! Databases that a process which was killed outright left behind: found by the comment they were made with.

use std::time::Duration;

use super::MAKING;
use crate::{
    Error, Session,
    explain::{identifier, literal},
};

/// What every name begins with.
pub(super) const PREFIX: &str = "dbvitals_verify_";

/// What every comment begins with; the time of making, by the server's clock, stands behind it.
const COMMENT: &str = "scratch database of dbvitals query analyze --verify, made ";

/// How the time is written.
const TIME: &str = r#"YYYY-MM-DD"T"HH24:MI:SS"Z""#;

/// A database of that age is left over. Verifying takes seconds for a statement, and whoever verifies is connected.
const AGE: &str = "1 hour";

/// Time for looking.
const LOOKING: Duration = Duration::from_secs(5);

impl Session {
    /// Writes on a database whose it is and when it was made.
    pub(super) async fn mark(&mut self, name: &str) -> Result<(), Error> {
        let now = format!(
            "SELECT pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC', {})",
            literal(TIME)
        );
        let now = self.rows_of(&now, LOOKING).await?;
        let now = now.into_iter().flatten().flatten().next().unwrap_or_default();
        let comment = literal(&format!("{COMMENT}{now}"));
        self.carry_out(&format!("COMMENT ON DATABASE {} IS {comment}", identifier(name)), MAKING)
            .await
    }

    /// Drops what is surely left over: our name, our comment, an hour old, nobody connected, and ours to drop. Tells
    /// the names. A server that refuses to drop one (somebody connected in between) keeps it.
    pub(super) async fn sweep(&mut self) -> Result<Vec<String>, Error> {
        let found = self.rows_of(&leftovers(), LOOKING).await?;
        let mut dropped = Vec::new();
        for name in found.into_iter().flatten().flatten() {
            let drop = format!("DROP DATABASE {}", identifier(&name));
            match self.carry_out(&drop, MAKING).await {
                Ok(()) => dropped.push(name),
                Err(error) if error.is_lost() || error.sqlstate().is_none() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(dropped)
    }
}

fn leftovers() -> String {
    // Times of that form are ordered as their texts are; no cast can fail on one that is none.
    format!(
        "SELECT d.datname FROM pg_catalog.pg_database AS d \
         JOIN pg_catalog.pg_shdescription AS s \
           ON s.objoid = d.oid AND s.classoid = 'pg_catalog.pg_database'::pg_catalog.regclass \
         WHERE d.datname ~ '^{PREFIX}[0-9]+_[0-9a-f]{{16}}$' \
           AND s.description ~ '^{COMMENT}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}T[0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}Z$' \
           AND pg_catalog.right(s.description, 20) COLLATE \"C\" \
             < pg_catalog.to_char(pg_catalog.now() AT TIME ZONE 'UTC' - INTERVAL '{AGE}', {}) \
           AND pg_catalog.pg_has_role(d.datdba, 'USAGE') \
           AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity AS a WHERE a.datid = d.oid) \
         ORDER BY d.datname",
        literal(TIME)
    )
}
