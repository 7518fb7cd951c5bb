//! `pg_locks`: how full the lock table is, and who waits.

use dbvitals_model::pg::activity::{LockWait, Locks};
use serde::Deserialize;

use super::{
    collector::{CHEAP, Collector, Cost, File, Role},
    field_names::field_names,
};
use crate::{DecodeError, Table};

pub(super) static COLLECTOR: Collector = Collector {
    name: "locks",
    section: "locks",
    role: Role::Any,
    texts: &[(13, include_str!("locks/13.sql")), (14, include_str!("locks/14.sql"))],
    limit: 2_000,
    timeout: CHEAP,
    cost: Cost::Cheap,
    needs: &[],
    columns: || [vec!["in_table"], field_names::<LockWait>()].concat(),
    file: File::Instance(|snapshot, found| snapshot.locks = found.section(locks)),
};

/// What every row repeats; a row without a pid stands for nobody waiting.
#[derive(Deserialize)]
struct Head {
    in_table: i64,
}

fn locks(table: &Table) -> Result<Locks, DecodeError> {
    let heads: Vec<Head> = table.decode()?;
    let mut waits: Vec<LockWait> = table.decode()?;
    waits.retain(|wait| wait.pid != 0);
    Ok(Locks { in_table: heads.first().map_or(0, |head| head.in_table), waits })
}
