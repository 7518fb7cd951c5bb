//! One query of a statement: its tables, its conditions, where it stands.

use pg_query::{
    Node, NodeEnum,
    protobuf::{
        DeleteStmt, InsertStmt, JoinExpr, JoinType, MergeStmt, RangeVar, SelectStmt, SetOperation,
        UpdateStmt,
    },
};

use crate::{
    call,
    condition::conjuncts,
    rewrite::shape::{Constant, constant, inner},
    role::scope::Scope,
    tree::children,
};

/// What kind of query it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    Select(&'a SelectStmt),
    Insert(&'a InsertStmt),
    Update(&'a UpdateStmt),
    Delete(&'a DeleteStmt),
    Merge(&'a MergeStmt),
}

/// Where a query stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// What it yields goes to the client.
    Top,
    /// One arm of a `UNION` or the like.
    Arm,
    /// In `WITH`.
    Expression,
    /// In `FROM`.
    Derived,
    /// In `EXISTS (…)`.
    Exists,
    /// In `IN (…)`, `= ANY (…)`, `ARRAY(…)`.
    Rows,
    /// In an expression, for one value.
    Value,
    /// What it yields is written or held by the server.
    Stored,
}

/// One item of a list of tables.
#[derive(Debug, Clone)]
pub(super) struct Source<'a> {
    pub(super) alias: String,
    pub(super) is: Is<'a>,
    /// An outer join may fill it with NULL.
    pub(super) is_padded: bool,
}

/// What an item is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Is<'a> {
    /// A table: its place among the relations, and how it is named.
    Table(usize, &'a RangeVar),
    /// One row, by construction: an aggregate, `VALUES` of one row.
    OneRow,
    /// A subquery or a common table expression.
    Query { is_lateral: bool, is_sorted: bool },
    /// A function, a list of values, XML: made on purpose.
    Made,
}

/// One query.
#[derive(Debug)]
pub(super) struct Query<'a> {
    pub(super) kind: Kind<'a>,
    pub(super) stands: Stands,
    /// The names it sees, its own last.
    pub(super) scope: Scope,
    pub(super) sources: Vec<Source<'a>>,
    pub(super) joins: Vec<&'a JoinExpr>,
}

impl<'a> Query<'a> {
    /// The `SELECT` it is, where it is one of a single arm.
    pub(super) fn select(&self) -> Option<&'a SelectStmt> {
        match self.kind {
            Kind::Select(select)
                if select.op == SetOperation::SetopNone as i32
                    && select.values_lists.is_empty() =>
            {
                Some(select)
            }
            _ => None,
        }
    }

    pub(super) fn where_clause(&self) -> Option<&'a Node> {
        match self.kind {
            Kind::Select(s) => s.where_clause.as_deref(),
            Kind::Update(s) => s.where_clause.as_deref(),
            Kind::Delete(s) => s.where_clause.as_deref(),
            Kind::Merge(s) => s.join_condition.as_deref(),
            Kind::Insert(_) => None,
        }
    }

    /// What must hold of every row: the parts of `WHERE`, and of `ON` where no row is padded.
    pub(super) fn conjuncts(&self) -> Vec<&'a NodeEnum> {
        let mut parts = conjuncts(self.where_clause());
        for join in self.joins.iter().filter(|join| join.jointype == JoinType::JoinInner as i32) {
            parts.extend(conjuncts(join.quals.as_deref()));
        }
        parts
    }

    /// The conditions, those of outer joins among them.
    pub(super) fn conditions(&self) -> Vec<&'a NodeEnum> {
        let on = self.joins.iter().filter_map(|join| inner(join.quals.as_deref()));
        inner(self.where_clause()).into_iter().chain(on).collect()
    }

    /// All expressions that belong to it.
    pub(super) fn expressions(&self) -> Vec<&'a NodeEnum> {
        let mut lists: Vec<&'a [Node]> = Vec::new();
        let mut ones: Vec<Option<&'a Node>> = Vec::new();
        match self.kind {
            Kind::Select(s) => {
                lists.extend([
                    s.target_list.as_slice(),
                    &s.distinct_clause,
                    &s.group_clause,
                    &s.window_clause,
                    &s.values_lists,
                    &s.sort_clause,
                ]);
                ones.extend([
                    s.having_clause.as_deref(),
                    s.limit_count.as_deref(),
                    s.limit_offset.as_deref(),
                ]);
            }
            Kind::Update(s) => {
                lists.push(&s.target_list);
                lists.extend(s.returning_clause.iter().map(|clause| clause.exprs.as_slice()));
            }
            Kind::Delete(s) => {
                lists.extend(s.returning_clause.iter().map(|clause| clause.exprs.as_slice()));
            }
            Kind::Insert(s) => {
                lists.extend(s.returning_clause.iter().map(|clause| clause.exprs.as_slice()));
                if let Some(conflict) = s.on_conflict_clause.as_deref() {
                    lists.push(&conflict.target_list);
                    ones.push(conflict.where_clause.as_deref());
                }
            }
            Kind::Merge(s) => lists.push(&s.merge_when_clauses),
        }
        let listed = lists.into_iter().flatten().filter_map(|node| inner(Some(node)));
        let single = ones.into_iter().filter_map(inner);
        listed.chain(single).chain(self.conditions()).collect()
    }

    /// Its only item, where that is a table.
    pub(super) fn only_table(&self) -> Option<(usize, &'a RangeVar)> {
        match self.sources.as_slice() {
            [Source { is: Is::Table(place, range), .. }] => Some((*place, range)),
            _ => None,
        }
    }

    /// Whether rows are drawn together: aggregates, groups, `DISTINCT`, windows.
    pub(super) fn draws_together(&self) -> bool {
        self.select().is_some_and(draws_together)
    }
}

pub(super) fn draws_together(select: &SelectStmt) -> bool {
    !select.group_clause.is_empty()
        || select.having_clause.is_some()
        || !select.distinct_clause.is_empty()
        || select.target_list.iter().filter_map(|target| inner(Some(target))).any(aggregates)
}

/// Whether an aggregate or a window stands in an expression, subqueries apart.
pub(super) fn aggregates(node: &NodeEnum) -> bool {
    crate::rewrite::shape::draws_together(node)
        || matches!(node, NodeEnum::JsonObjectAgg(_) | NodeEnum::JsonArrayAgg(_))
}

/// Calls `visit` for an expression and all in it, subqueries apart.
pub(super) fn each<'a>(node: &'a NodeEnum, visit: &mut dyn FnMut(&'a NodeEnum)) {
    visit(node);
    children(node, &mut |child| {
        if !matches!(child, NodeEnum::SelectStmt(_)) {
            each(child, visit);
        }
    });
}

/// Whether a `SELECT` yields at most one row by its form.
pub(super) fn is_one_row(select: &SelectStmt) -> bool {
    if select.op != SetOperation::SetopNone as i32 {
        return false;
    }
    if !select.values_lists.is_empty() {
        return select.values_lists.len() == 1;
    }
    let aggregates = select.group_clause.is_empty()
        && select.target_list.iter().filter_map(|t| inner(Some(t))).any(holds_aggregate);
    let limit = inner(select.limit_count.as_deref()).and_then(constant);
    aggregates || limit == Some(Constant::Integer(1)) || select.from_clause.is_empty()
}

/// Whether an aggregate that is no window stands in an expression, subqueries apart.
fn holds_aggregate(node: &NodeEnum) -> bool {
    let mut found = false;
    each(node, &mut |node| {
        found |= match node {
            NodeEnum::FuncCall(call) => call.over.is_none() && call::is_aggregate(call),
            NodeEnum::JsonObjectAgg(_) | NodeEnum::JsonArrayAgg(_) => true,
            _ => false,
        };
    });
    found
}
