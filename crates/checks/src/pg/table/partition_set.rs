//! A partitioned table with its partitions.

use std::collections::BTreeMap;

use dbvitals_model::{
    Subject,
    pg::relation::{Partition, Relation},
};

use super::{
    ordinary::{by_oid, is_users, subject},
    partition_bound::{Range, range},
};
use crate::view::DatabaseView;

/// One partitioned table of the user's own.
#[derive(Debug)]
pub struct Set<'a> {
    /// The parent.
    pub parent: &'a Relation,
    /// Its partitions, the default among them.
    pub partitions: Vec<&'a Partition>,
}

/// All partitioned tables, in the order of their oids. Extensions' and vanished ones are left out.
pub fn sets<'a>(partitions: &'a [Partition], relations: &'a [Relation]) -> Vec<Set<'a>> {
    let mut by_parent: BTreeMap<i64, Vec<&Partition>> = BTreeMap::new();
    for partition in partitions {
        by_parent.entry(partition.parent_oid).or_default().push(partition);
    }
    by_parent
        .into_iter()
        .filter_map(|(oid, partitions)| {
            let parent = by_oid(relations, oid).filter(|parent| is_users(parent))?;
            Some(Set { parent, partitions })
        })
        .collect()
}

impl Set<'_> {
    /// The parent as a subject.
    pub fn subject(&self, db: &DatabaseView<'_>) -> Subject {
        subject(db, self.parent)
    }

    /// The default partition.
    pub fn default(&self) -> Option<&Partition> {
        self.partitions.iter().copied().find(|partition| partition.is_default)
    }

    /// The strategy of the parent.
    pub fn strategy(&self) -> &str {
        self.partitions.first().map_or("", |partition| partition.strategy.as_str())
    }

    /// The ranges in their order; `None` where not all of them could be read. A partition being detached
    /// takes no rows any more.
    pub fn ranges(&self) -> Option<Vec<(Range, &Partition)>> {
        let mut ranges = self
            .partitions
            .iter()
            .filter(|partition| !partition.is_default && !partition.detach_pending)
            .map(|partition| Some((range(&partition.bound)?, *partition)))
            .collect::<Option<Vec<_>>>()?;
        ranges.sort_by(|(a, _), (b, _)| {
            a.from.partial_cmp(&b.from).unwrap_or(std::cmp::Ordering::Equal)
        });
        Some(ranges)
    }
}
