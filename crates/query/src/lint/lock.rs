//! Which locks a statement takes on which tables.

use pg_query::{
    Node, NodeEnum,
    protobuf::{
        AlterTableCmd, AlterTableType, ConstrType, Constraint, ObjectType, RangeVar,
        ReindexObjectType,
    },
};

use super::name::{has_option, inner, text_of};
use crate::statement::TableName;

/// A lock on a table, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    /// Of statements that write rows.
    RowExclusive,
    /// Of `VACUUM`, `VALIDATE CONSTRAINT`, `… CONCURRENTLY`.
    ShareUpdateExclusive,
    /// Of `CREATE INDEX`.
    Share,
    /// Of `ADD FOREIGN KEY`, `CREATE TRIGGER`.
    ShareRowExclusive,
    /// Of `REFRESH MATERIALIZED VIEW CONCURRENTLY`.
    Exclusive,
    /// Of most of `ALTER TABLE`.
    AccessExclusive,
}

impl Lock {
    /// Its name in the server's documentation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RowExclusive => "ROW EXCLUSIVE",
            Self::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Self::Share => "SHARE",
            Self::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Self::Exclusive => "EXCLUSIVE",
            Self::AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// Its name in `pg_locks`.
    pub fn mode(self) -> &'static str {
        match self {
            Self::RowExclusive => "RowExclusiveLock",
            Self::ShareUpdateExclusive => "ShareUpdateExclusiveLock",
            Self::Share => "ShareLock",
            Self::ShareRowExclusive => "ShareRowExclusiveLock",
            Self::Exclusive => "ExclusiveLock",
            Self::AccessExclusive => "AccessExclusiveLock",
        }
    }

    /// What waits while it is held.
    pub fn blocks(self) -> &'static str {
        match self {
            Self::RowExclusive => "index builds and changes of the table's definition",
            Self::ShareUpdateExclusive => {
                "autovacuum, index builds and other changes of the table's definition"
            }
            Self::Share | Self::ShareRowExclusive | Self::Exclusive => "every write",
            Self::AccessExclusive => "every read and write",
        }
    }

    /// Whether programs wait for it.
    pub(super) fn is_heavy(self) -> bool {
        self >= Self::Share
    }
}

/// A lock on one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The table; of `DROP INDEX` and the like the index, whose table is locked as well.
    pub table: TableName,
    /// The lock.
    pub lock: Lock,
}

pub(super) fn table(range: &RangeVar) -> TableName {
    let schema = (!range.schemaname.is_empty()).then(|| range.schemaname.clone());
    TableName { schema, name: range.relname.clone() }
}

fn on(range: Option<&RangeVar>, lock: Lock) -> Vec<Taken> {
    range.into_iter().map(|range| Taken { table: table(range), lock }).collect()
}

fn on_all(nodes: &[Node], lock: Lock) -> Vec<Taken> {
    let ranges = nodes.iter().filter_map(|node| match inner(Some(node))? {
        NodeEnum::RangeVar(range) => Some(range),
        NodeEnum::VacuumRelation(relation) => relation.relation.as_ref(),
        _ => None,
    });
    ranges.map(|range| Taken { table: table(range), lock }).collect()
}

/// The locks a statement takes on tables that exist, the strongest of each; not those of statements that merely read.
pub(super) fn of(node: &NodeEnum, version: u32) -> Vec<Taken> {
    use Lock::{
        AccessExclusive, Exclusive, RowExclusive, Share, ShareRowExclusive, ShareUpdateExclusive,
    };
    match node {
        NodeEnum::IndexStmt(index) => {
            on(index.relation.as_ref(), if index.concurrent { ShareUpdateExclusive } else { Share })
        }
        NodeEnum::AlterTableStmt(alter) => {
            let cmds = alter.cmds.iter().filter_map(|cmd| match inner(Some(cmd))? {
                NodeEnum::AlterTableCmd(cmd) => Some(cmd),
                _ => None,
            });
            let is_index = alter.objtype == ObjectType::ObjectIndex as i32;
            let lock = cmds.clone().map(|cmd| of_command(cmd, is_index)).max();
            let mut taken = on(alter.relation.as_ref(), lock.unwrap_or(AccessExclusive));
            cmds.for_each(|cmd| taken.extend(of_others(cmd, is_index, version)));
            taken
        }
        NodeEnum::RenameStmt(rename) => {
            let is_index = rename.rename_type == ObjectType::ObjectIndex as i32;
            on(
                rename.relation.as_ref(),
                if is_index { ShareUpdateExclusive } else { AccessExclusive },
            )
        }
        NodeEnum::DropStmt(drop) => {
            let lock = if drop.concurrent { ShareUpdateExclusive } else { AccessExclusive };
            dropped(drop).into_iter().map(|table| Taken { table, lock }).collect()
        }
        NodeEnum::TruncateStmt(truncate) => on_all(&truncate.relations, AccessExclusive),
        NodeEnum::VacuumStmt(vacuum)
            if vacuum.is_vacuumcmd && has_option(&vacuum.options, "full") =>
        {
            on_all(&vacuum.rels, AccessExclusive)
        }
        NodeEnum::ClusterStmt(cluster) => on(cluster.relation.as_ref(), AccessExclusive),
        NodeEnum::ReindexStmt(reindex) => {
            let is_index = reindex.kind == ReindexObjectType::ReindexObjectIndex as i32;
            let lock = match (has_option(&reindex.params, "concurrently"), is_index) {
                (true, _) => ShareUpdateExclusive,
                (false, true) => AccessExclusive,
                (false, false) => Share,
            };
            on(reindex.relation.as_ref(), lock)
        }
        NodeEnum::RefreshMatViewStmt(refresh) => on(
            refresh.relation.as_ref(),
            if refresh.concurrent { Exclusive } else { AccessExclusive },
        ),
        NodeEnum::CreateTrigStmt(trigger) => on(trigger.relation.as_ref(), ShareRowExclusive),
        NodeEnum::UpdateStmt(update) => on(update.relation.as_ref(), RowExclusive),
        NodeEnum::DeleteStmt(delete) => on(delete.relation.as_ref(), RowExclusive),
        _ => Vec::new(),
    }
}

/// Tables, indexes and materialized views that a statement drops.
pub(super) fn dropped(drop: &pg_query::protobuf::DropStmt) -> Vec<TableName> {
    let kinds = [ObjectType::ObjectTable, ObjectType::ObjectIndex, ObjectType::ObjectMatview];
    if !kinds.iter().any(|kind| drop.remove_type == *kind as i32) {
        return Vec::new();
    }
    let lists = drop.objects.iter().filter_map(|object| match inner(Some(object))? {
        NodeEnum::List(list) => Some(list),
        _ => None,
    });
    lists
        .filter_map(|list| {
            let mut parts: Vec<String> = list.items.iter().filter_map(text_of).collect();
            let name = parts.pop()?;
            Some(TableName { schema: parts.pop(), name })
        })
        .collect()
}

/// The lock of one part of `ALTER TABLE` on the table itself.
fn of_command(cmd: &AlterTableCmd, is_index: bool) -> Lock {
    use AlterTableType as T;
    match T::try_from(cmd.subtype).unwrap_or(T::Undefined) {
        T::AtSetStatistics
        | T::AtClusterOn
        | T::AtDropCluster
        | T::AtValidateConstraint
        | T::AtSetOptions
        | T::AtDetachPartitionFinalize
        | T::AtResetOptions => Lock::ShareUpdateExclusive,
        T::AtAttachPartition if !is_index => Lock::ShareUpdateExclusive,
        T::AtSetRelOptions | T::AtResetRelOptions => of_options(cmd),
        T::AtDetachPartition => match inner(cmd.def.as_deref()) {
            Some(NodeEnum::PartitionCmd(part)) if part.concurrent => Lock::ShareUpdateExclusive,
            _ => Lock::AccessExclusive,
        },
        T::AtEnableTrig
        | T::AtEnableAlwaysTrig
        | T::AtEnableReplicaTrig
        | T::AtDisableTrig
        | T::AtEnableTrigAll
        | T::AtDisableTrigAll
        | T::AtEnableTrigUser
        | T::AtDisableTrigUser => Lock::ShareRowExclusive,
        T::AtAddConstraint if foreign(cmd).is_some() => Lock::ShareRowExclusive,
        _ => Lock::AccessExclusive,
    }
}

/// Storage parameters that vacuum and the planner read need little; the others everything.
fn of_options(cmd: &AlterTableCmd) -> Lock {
    let light = |name: &str| {
        let name = name.trim_start_matches("toast.");
        ["autovacuum_", "log_autovacuum", "vacuum_"].iter().any(|start| name.starts_with(start))
            || ["fillfactor", "parallel_workers", "toast_tuple_target", "n_distinct"]
                .contains(&name)
    };
    let names = match inner(cmd.def.as_deref()) {
        Some(NodeEnum::List(list)) => &list.items[..],
        _ => &[],
    };
    let is_light = names.iter().all(|node| match inner(Some(node)) {
        Some(NodeEnum::DefElem(option)) => light(&option.defname),
        _ => false,
    });
    if is_light { Lock::ShareUpdateExclusive } else { Lock::AccessExclusive }
}

/// The foreign key that a part of `ALTER TABLE` adds.
pub(super) fn foreign(cmd: &AlterTableCmd) -> Option<&Constraint> {
    match inner(cmd.def.as_deref())? {
        NodeEnum::Constraint(c) if c.contype == ConstrType::ConstrForeign as i32 => Some(c),
        _ => None,
    }
}

/// The locks of one part of `ALTER TABLE` on other tables.
fn of_others(cmd: &AlterTableCmd, is_index: bool, version: u32) -> Vec<Taken> {
    match inner(cmd.def.as_deref()) {
        Some(NodeEnum::Constraint(c)) => on(c.pktable.as_ref(), Lock::ShareRowExclusive),
        Some(NodeEnum::ColumnDef(column)) => {
            let referred = column.constraints.iter().filter_map(|node| match inner(Some(node))? {
                NodeEnum::Constraint(c) => c.pktable.as_ref(),
                _ => None,
            });
            referred.flat_map(|range| on(Some(range), Lock::ShareRowExclusive)).collect()
        }
        Some(NodeEnum::PartitionCmd(part)) if !is_index => {
            let detaches = cmd.subtype != AlterTableType::AtAttachPartition as i32;
            // Before 14 a partition could still be read while it was detached.
            let is_light = detaches && (part.concurrent || version < 14);
            let lock = if is_light { Lock::ShareUpdateExclusive } else { Lock::AccessExclusive };
            on(part.name.as_ref(), lock)
        }
        _ => Vec::new(),
    }
}
