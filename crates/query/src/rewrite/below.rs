//! What stands below a node of a tree that is being changed.

use pg_query::{
    Node, NodeEnum,
    protobuf::{ReturningClause, SelectStmt, WindowDef, WithClause},
};

type Visit<'v> = &'v mut dyn FnMut(&mut NodeEnum);

/// The children of a node, as they are found.
#[derive(Default)]
struct Children<'n> {
    lists: Vec<&'n mut Vec<Node>>,
    ones: Vec<&'n mut Option<Box<Node>>>,
}

impl<'n> Children<'n> {
    fn window(&mut self, window: &'n mut WindowDef) {
        self.lists.extend([&mut window.partition_clause, &mut window.order_clause]);
        self.ones.extend([&mut window.start_offset, &mut window.end_offset]);
    }

    fn returning(&mut self, clause: &'n mut Option<ReturningClause>) {
        self.lists.extend(clause.as_mut().map(|clause| &mut clause.exprs));
    }

    /// What stands in a `FROM` list, or beside the expressions of a query.
    fn of_table(&mut self, node: &'n mut NodeEnum) {
        match node {
            NodeEnum::JoinExpr(e) => self.ones.extend([&mut e.larg, &mut e.rarg, &mut e.quals]),
            NodeEnum::RangeSubselect(e) => self.ones.push(&mut e.subquery),
            NodeEnum::RangeFunction(e) => self.lists.push(&mut e.functions),
            NodeEnum::RangeTableSample(e) => {
                self.lists.push(&mut e.args);
                self.ones.extend([&mut e.relation, &mut e.repeatable]);
            }
            NodeEnum::RangeTableFunc(e) => {
                self.lists.extend([&mut e.namespaces, &mut e.columns]);
                self.ones.extend([&mut e.docexpr, &mut e.rowexpr]);
            }
            NodeEnum::RangeTableFuncCol(e) => {
                self.ones.extend([&mut e.colexpr, &mut e.coldefexpr]);
            }
            NodeEnum::List(e) => self.lists.push(&mut e.items),
            NodeEnum::ResTarget(e) => {
                self.lists.push(&mut e.indirection);
                self.ones.push(&mut e.val);
            }
            NodeEnum::SortBy(e) => self.ones.push(&mut e.node),
            NodeEnum::GroupingSet(e) => self.lists.push(&mut e.content),
            NodeEnum::WindowDef(e) => self.window(e),
            NodeEnum::MultiAssignRef(e) => self.ones.push(&mut e.source),
            NodeEnum::MergeWhenClause(e) => {
                self.lists.extend([&mut e.target_list, &mut e.values]);
                self.ones.push(&mut e.condition);
            }
            _ => self.of_expression(node),
        }
    }

    fn of_expression(&mut self, node: &'n mut NodeEnum) {
        match node {
            NodeEnum::AExpr(e) => self.ones.extend([&mut e.lexpr, &mut e.rexpr]),
            NodeEnum::BoolExpr(e) => self.lists.push(&mut e.args),
            NodeEnum::SubLink(e) => self.ones.extend([&mut e.testexpr, &mut e.subselect]),
            NodeEnum::FuncCall(e) => {
                self.lists.extend([&mut e.args, &mut e.agg_order]);
                self.ones.push(&mut e.agg_filter);
                e.over.iter_mut().for_each(|over| self.window(over));
            }
            NodeEnum::TypeCast(e) => self.ones.push(&mut e.arg),
            NodeEnum::CollateClause(e) => self.ones.push(&mut e.arg),
            NodeEnum::NullTest(e) => self.ones.push(&mut e.arg),
            NodeEnum::BooleanTest(e) => self.ones.push(&mut e.arg),
            NodeEnum::NamedArgExpr(e) => self.ones.push(&mut e.arg),
            NodeEnum::AIndirection(e) => {
                self.lists.push(&mut e.indirection);
                self.ones.push(&mut e.arg);
            }
            NodeEnum::AIndices(e) => self.ones.extend([&mut e.lidx, &mut e.uidx]),
            NodeEnum::AArrayExpr(e) => self.lists.push(&mut e.elements),
            NodeEnum::RowExpr(e) => self.lists.push(&mut e.args),
            NodeEnum::GroupingFunc(e) => self.lists.push(&mut e.args),
            NodeEnum::CoalesceExpr(e) => self.lists.push(&mut e.args),
            NodeEnum::MinMaxExpr(e) => self.lists.push(&mut e.args),
            NodeEnum::XmlExpr(e) => self.lists.extend([&mut e.named_args, &mut e.args]),
            NodeEnum::XmlSerialize(e) => self.ones.push(&mut e.expr),
            NodeEnum::CaseExpr(e) => {
                self.ones.extend([&mut e.arg, &mut e.defresult]);
                self.lists.push(&mut e.args);
            }
            NodeEnum::CaseWhen(e) => self.ones.extend([&mut e.expr, &mut e.result]),
            _ => {}
        }
    }

    /// What stands in a statement that writes, without its common table expressions.
    fn of_write(&mut self, node: &'n mut NodeEnum) {
        match node {
            NodeEnum::UpdateStmt(e) => {
                self.lists.extend([&mut e.target_list, &mut e.from_clause]);
                self.ones.push(&mut e.where_clause);
                self.returning(&mut e.returning_clause);
            }
            NodeEnum::DeleteStmt(e) => {
                self.lists.push(&mut e.using_clause);
                self.ones.push(&mut e.where_clause);
                self.returning(&mut e.returning_clause);
            }
            NodeEnum::InsertStmt(e) => {
                self.ones.push(&mut e.select_stmt);
                if let Some(conflict) = &mut e.on_conflict_clause {
                    self.lists.push(&mut conflict.target_list);
                    self.ones.push(&mut conflict.where_clause);
                }
                self.returning(&mut e.returning_clause);
            }
            NodeEnum::MergeStmt(e) => {
                self.ones.extend([&mut e.source_relation, &mut e.join_condition]);
                self.lists.push(&mut e.merge_when_clauses);
                self.returning(&mut e.returning_clause);
            }
            _ => self.of_table(node),
        }
    }

    fn visit(self, visit: Visit<'_>) {
        let of_lists = self.lists.into_iter().flatten().filter_map(|node| node.node.as_mut());
        of_lists.for_each(&mut *visit);
        self.ones.into_iter().flatten().filter_map(|node| node.node.as_mut()).for_each(visit);
    }
}

/// Calls `visit` for the children of a table or an expression, queries among them; a query's own, and those of a
/// statement that writes, are the walk's.
pub(crate) fn children_mut(node: &mut NodeEnum, visit: Visit<'_>) {
    let mut children = Children::default();
    children.of_table(node);
    children.visit(visit);
}

/// Calls `visit` for a node and all below it, those of queries among them, from the inside out.
pub(crate) fn deep(node: &mut NodeEnum, visit: Visit<'_>) {
    if let NodeEnum::SelectStmt(select) = node {
        deep_select(select, visit);
    } else if let Some(query) = held_mut(node).and_then(|query| query.node.as_mut()) {
        deep(query, visit);
    } else {
        deep_with(with_clause_mut(node), visit);
        let mut children = Children::default();
        children.of_write(node);
        children.visit(&mut |child| deep(child, visit));
    }
    visit(node);
}

/// The common table expressions of a statement.
pub(super) fn with_clause_mut(node: &mut NodeEnum) -> Option<&mut WithClause> {
    match node {
        NodeEnum::SelectStmt(e) => e.with_clause.as_mut(),
        NodeEnum::InsertStmt(e) => e.with_clause.as_mut(),
        NodeEnum::UpdateStmt(e) => e.with_clause.as_mut(),
        NodeEnum::DeleteStmt(e) => e.with_clause.as_mut(),
        NodeEnum::MergeStmt(e) => e.with_clause.as_mut(),
        _ => None,
    }
}

/// The query a statement is about that is none itself, as [`crate::tree::held`].
pub(super) fn held_mut(node: &mut NodeEnum) -> Option<&mut Box<Node>> {
    match node {
        NodeEnum::ExplainStmt(s) => s.query.as_mut(),
        NodeEnum::PrepareStmt(s) => s.query.as_mut(),
        NodeEnum::DeclareCursorStmt(s) => s.query.as_mut(),
        NodeEnum::CreateTableAsStmt(s) => s.query.as_mut(),
        NodeEnum::ViewStmt(s) => s.query.as_mut(),
        NodeEnum::CopyStmt(s) => s.query.as_mut(),
        _ => None,
    }
}

fn deep_with(with: Option<&mut WithClause>, visit: Visit<'_>) {
    for cte in with.into_iter().flat_map(|with| &mut with.ctes) {
        if let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_mut()
            && let Some(query) = cte.ctequery.as_mut().and_then(|query| query.node.as_mut())
        {
            deep(query, visit);
        }
    }
}

/// The lists of one arm of a `SELECT`.
pub(super) fn lists_of(select: &mut SelectStmt) -> [&mut Vec<Node>; 7] {
    [
        &mut select.from_clause,
        &mut select.distinct_clause,
        &mut select.target_list,
        &mut select.group_clause,
        &mut select.window_clause,
        &mut select.values_lists,
        &mut select.sort_clause,
    ]
}

fn deep_select(select: &mut SelectStmt, visit: Visit<'_>) {
    deep_with(select.with_clause.as_mut(), visit);
    for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
        deep_select(arm, visit);
    }
    for node in lists_of(select).into_iter().flatten().filter_map(|node| node.node.as_mut()) {
        deep(node, visit);
    }
    for one in [
        &mut select.where_clause,
        &mut select.having_clause,
        &mut select.limit_count,
        &mut select.limit_offset,
    ] {
        if let Some(node) = one.as_mut().and_then(|node| node.node.as_mut()) {
            deep(node, visit);
        }
    }
}
