//! What a check sees of a connection pooler.

use std::collections::BTreeMap;

use dbvitals_model::{
    Snapshot, TargetData, TargetSnapshot,
    pooler::{Pool, PoolerDatabase, PoolerSnapshot, Queue},
};

use super::{PgView, Reads, SectionState, state_of};
use crate::skip::Skip;

/// One connection pooler.
#[derive(Debug, Clone, Copy)]
pub struct PoolerView<'a> {
    snapshot: &'a Snapshot,
    target: &'a TargetSnapshot,
    pooler: &'a PoolerSnapshot,
    reads: &'a Reads,
}

view_of!(PoolerView.pooler: Pooler, "a pooler that answered");

sections!(PoolerView.pooler, reads, POOLER_SECTIONS:
    pools: Vec<Pool>,
    databases: Vec<PoolerDatabase>,
    config: BTreeMap<String, String>,
    lists: BTreeMap<String, i64>,
    queue: Queue,
);

impl<'a> PoolerView<'a> {
    /// The PostgreSQL server at an address, where it was audited too.
    pub fn server_at(&self, host: &str, port: i64) -> Option<PgView<'a>> {
        let address = format!("{host}:{port}");
        let at = |target: &&TargetSnapshot| {
            target.endpoint.split('/').next().is_some_and(|place| place == address)
        };
        let target = self.snapshot.targets.iter().find(at)?;
        PgView::of(self.snapshot, target, self.reads)
    }
}
