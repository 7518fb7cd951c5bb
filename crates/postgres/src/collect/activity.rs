//! `pg_stat_activity`, with the literals of its texts hidden.

use dbvitals_model::pg::activity::Session;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role, SEES_STATS},
    field_names::field_names,
    mask::mask,
};
use crate::{DecodeError, Table};

/// So much of a text tells what runs.
const SHOWN_CHARACTERS: usize = 1_000;

pub(super) static COLLECTOR: Collector = Collector {
    name: "activity",
    section: "activity",
    role: Role::Any,
    texts: &[(13, include_str!("activity/13.sql")), (14, include_str!("activity/14.sql"))],
    limit: 10_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[SEES_STATS],
    columns: field_names::<Session>,
    file: File::Instance(|snapshot, found| snapshot.activity = found.section(sessions)),
};

fn sessions(table: &Table) -> Result<Vec<Session>, DecodeError> {
    let mut sessions: Vec<Session> = table.decode()?;
    for session in &mut sessions {
        session.query = mask(&session.query).chars().take(SHOWN_CHARACTERS).collect();
    }
    Ok(sessions)
}
