//! A queue read with `FOR UPDATE`, without `SKIP LOCKED`.

use pg_query::{
    NodeEnum,
    protobuf::{LockClauseStrength, LockWaitPolicy, LockingClause, SelectStmt},
};

use super::{Said, look::Look, made::edited, query::Query};
use crate::rewrite::shape::inner;

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

/// The locks that keep other workers waiting.
fn waits(select: &SelectStmt) -> bool {
    let waits = |lock: &LockingClause| {
        let strong = [LockClauseStrength::LcsForupdate, LockClauseStrength::LcsFornokeyupdate];
        lock.wait_policy == LockWaitPolicy::LockWaitBlock as i32
            && strong.iter().any(|strength| lock.strength == *strength as i32)
    };
    select
        .locking_clause
        .iter()
        .any(|node| matches!(inner(Some(node)), Some(NodeEnum::LockingClause(lock)) if waits(lock)))
}

fn one(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt) -> Option<Said> {
    let limit = inner(select.limit_count.as_deref())?;
    let (relation, range) = query.only_table()?;
    if matches!(limit, NodeEnum::AConst(value) if value.isnull)
        || !waits(select)
        || look.is_pinned(query, relation)
    {
        return None;
    }
    let own = range.location;
    let text = edited(look.root, &mut |node| {
        if let NodeEnum::SelectStmt(same) = node
            && matches!(same.from_clause.as_slice(), [from] if matches!(inner(Some(from)), Some(NodeEnum::RangeVar(table)) if table.location == own))
        {
            for lock in &mut same.locking_clause {
                if let Some(NodeEnum::LockingClause(lock)) = lock.node.as_mut() {
                    lock.wait_policy = LockWaitPolicy::LockWaitSkip as i32;
                }
            }
        }
    });
    Some(Said {
        at: own,
        why: format!(
            "Every worker that takes its row from {} picks the same first row and waits until the one before it commits: they \
             work one after the other.",
            look.name(relation)
        ),
        instead: "Add SKIP LOCKED: each worker takes the first row nobody else holds.".to_owned(),
        changes: "Rows that another transaction holds are passed over: the order is no longer strict, and no row does not \
                  mean that none is left."
            .to_owned(),
        text,
        ..Said::default()
    })
}
