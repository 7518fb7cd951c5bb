//! The children of a node of a planned statement.

use pg_query::{
    Node, NodeEnum,
    protobuf::{SelectStmt, WindowDef, WithClause},
};

/// What is called for each child.
pub(crate) type Visit<'v, 'n> = &'v mut dyn FnMut(&'n NodeEnum);

fn one<'n>(node: Option<&'n Node>, visit: Visit<'_, 'n>) {
    if let Some(node) = node.and_then(|node| node.node.as_ref()) {
        visit(node);
    }
}

fn many<'n>(nodes: &'n [Node], visit: Visit<'_, 'n>) {
    nodes.iter().filter_map(|node| node.node.as_ref()).for_each(visit);
}

/// The children of one arm of a `SELECT`, without its common table expressions and its arms.
pub(crate) fn of_select<'n>(select: &'n SelectStmt, visit: Visit<'_, 'n>) {
    for list in [
        &select.distinct_clause,
        &select.target_list,
        &select.from_clause,
        &select.group_clause,
        &select.window_clause,
        &select.values_lists,
        &select.sort_clause,
    ] {
        many(list, visit);
    }
    for clause in
        [&select.where_clause, &select.having_clause, &select.limit_offset, &select.limit_count]
    {
        one(clause.as_deref(), visit);
    }
}

/// The common table expressions of a statement.
pub(crate) fn with_clause(node: &NodeEnum) -> Option<&WithClause> {
    match node {
        NodeEnum::SelectStmt(s) => s.with_clause.as_ref(),
        NodeEnum::InsertStmt(s) => s.with_clause.as_ref(),
        NodeEnum::UpdateStmt(s) => s.with_clause.as_ref(),
        NodeEnum::DeleteStmt(s) => s.with_clause.as_ref(),
        NodeEnum::MergeStmt(s) => s.with_clause.as_ref(),
        _ => None,
    }
}

/// The query a statement is about that is none itself: of `EXPLAIN`, `PREPARE`, `DECLARE`, `CREATE TABLE AS`,
/// `CREATE VIEW`, `COPY (…) TO`.
pub(crate) fn held(node: &NodeEnum) -> Option<&Node> {
    match node {
        NodeEnum::ExplainStmt(s) => s.query.as_deref(),
        NodeEnum::PrepareStmt(s) => s.query.as_deref(),
        NodeEnum::DeclareCursorStmt(s) => s.query.as_deref(),
        NodeEnum::CreateTableAsStmt(s) => s.query.as_deref(),
        NodeEnum::ViewStmt(s) => s.query.as_deref(),
        NodeEnum::CopyStmt(s) => s.query.as_deref(),
        _ => None,
    }
}

fn of_window<'n>(window: &'n WindowDef, visit: Visit<'_, 'n>) {
    many(&window.partition_clause, visit);
    many(&window.order_clause, visit);
    one(window.start_offset.as_deref(), visit);
    one(window.end_offset.as_deref(), visit);
}

/// The children of a statement that writes, without its target and its common table expressions.
fn of_write<'n>(node: &'n NodeEnum, visit: Visit<'_, 'n>) {
    match node {
        NodeEnum::InsertStmt(s) => {
            one(s.select_stmt.as_deref(), visit);
            if let Some(conflict) = &s.on_conflict_clause {
                many(&conflict.target_list, visit);
                one(conflict.where_clause.as_deref(), visit);
            }
            s.returning_clause.iter().for_each(|clause| many(&clause.exprs, visit));
        }
        NodeEnum::UpdateStmt(s) => {
            many(&s.target_list, visit);
            many(&s.from_clause, visit);
            one(s.where_clause.as_deref(), visit);
            s.returning_clause.iter().for_each(|clause| many(&clause.exprs, visit));
        }
        NodeEnum::DeleteStmt(s) => {
            many(&s.using_clause, visit);
            one(s.where_clause.as_deref(), visit);
            s.returning_clause.iter().for_each(|clause| many(&clause.exprs, visit));
        }
        NodeEnum::MergeStmt(s) => {
            one(s.source_relation.as_deref(), visit);
            one(s.join_condition.as_deref(), visit);
            many(&s.merge_when_clauses, visit);
            s.returning_clause.iter().for_each(|clause| many(&clause.exprs, visit));
        }
        NodeEnum::MergeWhenClause(s) => {
            one(s.condition.as_deref(), visit);
            many(&s.target_list, visit);
            many(&s.values, visit);
        }
        _ => one(held(node), visit),
    }
}

/// Calls `visit` for the children of a table, an expression or a statement that writes. A `SELECT` has none here:
/// see [`of_select`].
pub(crate) fn children<'n>(node: &'n NodeEnum, visit: Visit<'_, 'n>) {
    match node {
        NodeEnum::JoinExpr(e) => {
            for side in [&e.larg, &e.rarg, &e.quals] {
                one(side.as_deref(), visit);
            }
        }
        NodeEnum::RangeSubselect(e) => one(e.subquery.as_deref(), visit),
        NodeEnum::RangeFunction(e) => many(&e.functions, visit),
        NodeEnum::RangeTableSample(e) => {
            one(e.relation.as_deref(), visit);
            many(&e.args, visit);
            one(e.repeatable.as_deref(), visit);
        }
        NodeEnum::RangeTableFunc(e) => {
            one(e.docexpr.as_deref(), visit);
            one(e.rowexpr.as_deref(), visit);
            many(&e.namespaces, visit);
            many(&e.columns, visit);
        }
        NodeEnum::RangeTableFuncCol(e) => {
            one(e.colexpr.as_deref(), visit);
            one(e.coldefexpr.as_deref(), visit);
        }
        NodeEnum::List(e) => many(&e.items, visit),
        NodeEnum::ResTarget(e) => {
            many(&e.indirection, visit);
            one(e.val.as_deref(), visit);
        }
        NodeEnum::SortBy(e) => one(e.node.as_deref(), visit),
        NodeEnum::GroupingSet(e) => many(&e.content, visit),
        NodeEnum::WindowDef(e) => of_window(e, visit),
        NodeEnum::MultiAssignRef(e) => one(e.source.as_deref(), visit),
        NodeEnum::AExpr(e) => {
            for side in [&e.lexpr, &e.rexpr] {
                one(side.as_deref(), visit);
            }
        }
        NodeEnum::BoolExpr(e) => many(&e.args, visit),
        NodeEnum::SubLink(e) => {
            one(e.testexpr.as_deref(), visit);
            one(e.subselect.as_deref(), visit);
        }
        NodeEnum::FuncCall(e) => {
            many(&e.args, visit);
            many(&e.agg_order, visit);
            one(e.agg_filter.as_deref(), visit);
            if let Some(window) = &e.over {
                of_window(window, visit);
            }
        }
        _ => of_operand(node, visit),
    }
}

/// The children of what stands beside operators, and of what writes.
fn of_operand<'n>(node: &'n NodeEnum, visit: Visit<'_, 'n>) {
    match node {
        NodeEnum::TypeCast(e) => one(e.arg.as_deref(), visit),
        NodeEnum::CollateClause(e) => one(e.arg.as_deref(), visit),
        NodeEnum::NullTest(e) => one(e.arg.as_deref(), visit),
        NodeEnum::BooleanTest(e) => one(e.arg.as_deref(), visit),
        NodeEnum::AIndirection(e) => {
            one(e.arg.as_deref(), visit);
            many(&e.indirection, visit);
        }
        NodeEnum::AIndices(e) => {
            one(e.lidx.as_deref(), visit);
            one(e.uidx.as_deref(), visit);
        }
        NodeEnum::AArrayExpr(e) => many(&e.elements, visit),
        NodeEnum::RowExpr(e) => many(&e.args, visit),
        NodeEnum::GroupingFunc(e) => many(&e.args, visit),
        NodeEnum::CoalesceExpr(e) => many(&e.args, visit),
        NodeEnum::MinMaxExpr(e) => many(&e.args, visit),
        NodeEnum::XmlExpr(e) => {
            many(&e.named_args, visit);
            many(&e.args, visit);
        }
        NodeEnum::XmlSerialize(e) => one(e.expr.as_deref(), visit),
        NodeEnum::CaseExpr(e) => {
            one(e.arg.as_deref(), visit);
            many(&e.args, visit);
            one(e.defresult.as_deref(), visit);
        }
        NodeEnum::CaseWhen(e) => {
            one(e.expr.as_deref(), visit);
            one(e.result.as_deref(), visit);
        }
        NodeEnum::NamedArgExpr(e) => one(e.arg.as_deref(), visit),
        _ => of_write(node, visit),
    }
}

/// Calls `visit` for a node and all below it, those of queries among them.
pub(crate) fn deep<'n>(node: &'n NodeEnum, visit: Visit<'_, 'n>) {
    visit(node);
    let ctes = with_clause(node).into_iter().flat_map(|with| &with.ctes);
    for cte in ctes.filter_map(|cte| cte.node.as_ref()) {
        if let NodeEnum::CommonTableExpr(cte) = cte {
            one(cte.ctequery.as_deref(), &mut |query| deep(query, visit));
        }
    }
    match node {
        NodeEnum::SelectStmt(select) => deep_select(select, visit),
        _ => children(node, &mut |child| deep(child, visit)),
    }
}

fn deep_select<'n>(select: &'n SelectStmt, visit: Visit<'_, 'n>) {
    of_select(select, &mut |child| deep(child, visit));
    // An arm is no node of its own.
    for arm in [&select.larg, &select.rarg].into_iter().flatten() {
        for cte in arm.with_clause.iter().flat_map(|with| &with.ctes) {
            if let Some(NodeEnum::CommonTableExpr(cte)) = &cte.node {
                one(cte.ctequery.as_deref(), &mut |query| deep(query, visit));
            }
        }
        deep_select(arm, visit);
    }
}
