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

sections!(PoolerView.pooler, POOLER_SECTIONS:
    pools: Vec<Pool>,
    databases: Vec<PoolerDatabase>,
    config: BTreeMap<String, String>,
    lists: BTreeMap<String, i64>,
    queue: Queue,
);

impl<'a> PoolerView<'a> {
    /// A view of a target, if it is a pooler that answered.
    pub fn of(
        snapshot: &'a Snapshot,
        target: &'a TargetSnapshot,
        reads: &'a Reads,
    ) -> Option<Self> {
        match &target.data {
            TargetData::Pooler(pooler) => Some(Self { snapshot, target, pooler, reads }),
            _ => None,
        }
    }

    /// The name findings carry.
    pub fn name(&self) -> &'a str {
        &self.target.name
    }

    /// The PostgreSQL server at an address, where it was audited too.
    pub fn server_at(&self, host: &str, port: i64) -> Option<PgView<'a>> {
        let address = format!("{host}:{port}");
        let at = |target: &&TargetSnapshot| {
            target.endpoint.split('/').next().is_some_and(|place| place == address)
        };
        let target = self.snapshot.targets.iter().find(at)?;
        PgView::of(self.snapshot, target, self.reads)
    }

    fn note(&self, section: &'static str) {
        self.reads.borrow_mut().insert(section);
    }
}
