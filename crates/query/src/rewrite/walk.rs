//! Goes through a tree that is being changed, and knows at each node what stands around it.

use pg_query::{
    Node, NodeEnum,
    protobuf::{BoolExprType, JoinExpr, SelectStmt, WithClause},
};

use super::{
    Apply, Told,
    scope::{Catalogue, Found, Level, find},
};

/// What stands around a node.
#[derive(Clone)]
pub(crate) struct Place<'a> {
    pub(super) catalogue: &'a dyn Catalogue,
    /// The tables that can be named, the innermost query last.
    pub(super) levels: Vec<Level>,
    /// Names of common table expressions.
    pub(super) expressions: Vec<String>,
}

impl Place<'_> {
    /// The column of a table that a node means; `None` where that is not certain.
    pub(super) fn column(&self, node: &NodeEnum) -> Option<Found> {
        match node {
            NodeEnum::ColumnRef(column) => find(column, &self.levels, self.catalogue),
            _ => None,
        }
    }

    pub(super) fn level_of(&self, select: &SelectStmt) -> Level {
        Level::of_select(select, &self.expressions)
    }
}

/// Applies a rule wherever it can be, from the inside out.
pub(super) fn apply_everywhere(
    root: &mut NodeEnum,
    catalogue: &dyn Catalogue,
    apply: Apply,
) -> Vec<Told> {
    let mut walk = Walk { apply, told: Vec::new() };
    let place = Place { catalogue, levels: Vec::new(), expressions: Vec::new() };
    walk.visit(root, &place);
    walk.told
}

struct Walk {
    apply: Apply,
    told: Vec<Told>,
}

impl Walk {
    fn visit(&mut self, node: &mut NodeEnum, place: &Place<'_>) {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select, place),
            NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) | NodeEnum::InsertStmt(_) => {
                self.write(node, place);
            }
            NodeEnum::ExplainStmt(e) => self.one(e.query.as_deref_mut(), place),
            NodeEnum::DeclareCursorStmt(e) => self.one(e.query.as_deref_mut(), place),
            NodeEnum::CreateTableAsStmt(e) => self.one(e.query.as_deref_mut(), place),
            NodeEnum::ViewStmt(e) => self.one(e.query.as_deref_mut(), place),
            NodeEnum::CopyStmt(e) => self.one(e.query.as_deref_mut(), place),
            NodeEnum::BoolExpr(e) if e.boolop != BoolExprType::NotExpr as i32 => {
                self.all(&mut e.args, place);
            }
            NodeEnum::JoinExpr(join) => self.join(join, place),
            _ => {
                children_mut(node, &mut |child| self.visit(child, place));
            }
        }
        self.told.extend((self.apply)(node, place));
    }

    fn one(&mut self, node: Option<&mut Node>, place: &Place<'_>) {
        if let Some(node) = node.and_then(|node| node.node.as_mut()) {
            self.visit(node, place);
        }
    }

    fn all(&mut self, nodes: &mut [Node], place: &Place<'_>) {
        for node in nodes {
            self.one(Some(node), place);
        }
    }

    fn join(&mut self, join: &mut JoinExpr, place: &Place<'_>) {
        self.one(join.larg.as_deref_mut(), place);
        self.one(join.rarg.as_deref_mut(), place);
        self.one(join.quals.as_deref_mut(), place);
    }

    /// Walks the common table expressions; the place of what follows them.
    fn with<'a>(&mut self, with: Option<&mut WithClause>, place: &Place<'a>) -> Place<'a> {
        let mut after = place.clone();
        let Some(with) = with else { return after };
        let name = |cte: &Node| match cte.node.as_ref() {
            Some(NodeEnum::CommonTableExpr(cte)) => Some(cte.ctename.clone()),
            _ => None,
        };
        after.expressions.extend(with.ctes.iter().filter_map(name));
        for cte in &mut with.ctes {
            if let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_mut() {
                self.one(cte.ctequery.as_deref_mut(), &after);
            }
        }
        after
    }

    fn select(&mut self, select: &mut SelectStmt, place: &Place<'_>) {
        let outer = self.with(select.with_clause.as_mut(), place);
        for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
            // An arm of a set is no node of its own.
            let mut whole = NodeEnum::SelectStmt(arm.clone());
            self.visit(&mut whole, &outer);
            if let NodeEnum::SelectStmt(changed) = whole {
                *arm = changed;
            }
        }
        let mut inside = outer.clone();
        inside.levels.push(Level::of_select(select, &outer.expressions));
        self.all(&mut select.from_clause, &inside);
        self.one(select.where_clause.as_deref_mut(), &inside);
        self.one(select.having_clause.as_deref_mut(), &inside);
        for list in [
            &mut select.distinct_clause,
            &mut select.target_list,
            &mut select.group_clause,
            &mut select.window_clause,
            &mut select.values_lists,
            &mut select.sort_clause,
        ] {
            self.all(list, &inside);
        }
        self.one(select.limit_count.as_deref_mut(), &inside);
        self.one(select.limit_offset.as_deref_mut(), &inside);
    }

    fn write(&mut self, node: &mut NodeEnum, place: &Place<'_>) {
        match node {
            NodeEnum::UpdateStmt(update) => {
                let mut inside = self.with(update.with_clause.as_mut(), place);
                let mut level = Level::of(&update.from_clause, &inside.expressions);
                update.relation.iter().for_each(|table| level.add_table(table, &[]));
                inside.levels.push(level);
                self.all(&mut update.target_list, &inside);
                self.all(&mut update.from_clause, &inside);
                self.one(update.where_clause.as_deref_mut(), &inside);
            }
            NodeEnum::DeleteStmt(delete) => {
                let mut inside = self.with(delete.with_clause.as_mut(), place);
                let mut level = Level::of(&delete.using_clause, &inside.expressions);
                delete.relation.iter().for_each(|table| level.add_table(table, &[]));
                inside.levels.push(level);
                self.all(&mut delete.using_clause, &inside);
                self.one(delete.where_clause.as_deref_mut(), &inside);
            }
            NodeEnum::InsertStmt(insert) => {
                let inside = self.with(insert.with_clause.as_mut(), place);
                self.one(insert.select_stmt.as_deref_mut(), &inside);
            }
            _ => {}
        }
    }
}

/// Calls `visit` for the children of a table or an expression, queries among them; a query's own are the walk's.
pub(super) fn children_mut(node: &mut NodeEnum, visit: &mut dyn FnMut(&mut NodeEnum)) {
    let mut lists: Vec<&mut Vec<Node>> = Vec::new();
    let mut ones: Vec<&mut Option<Box<Node>>> = Vec::new();
    match node {
        NodeEnum::RangeSubselect(e) => ones.push(&mut e.subquery),
        NodeEnum::RangeFunction(e) => lists.push(&mut e.functions),
        NodeEnum::List(e) => lists.push(&mut e.items),
        NodeEnum::ResTarget(e) => ones.push(&mut e.val),
        NodeEnum::SortBy(e) => ones.push(&mut e.node),
        NodeEnum::MultiAssignRef(e) => ones.push(&mut e.source),
        NodeEnum::AExpr(e) => ones.extend([&mut e.lexpr, &mut e.rexpr]),
        NodeEnum::BoolExpr(e) => lists.push(&mut e.args),
        NodeEnum::SubLink(e) => ones.extend([&mut e.testexpr, &mut e.subselect]),
        NodeEnum::FuncCall(e) => {
            lists.extend([&mut e.args, &mut e.agg_order]);
            ones.push(&mut e.agg_filter);
        }
        NodeEnum::TypeCast(e) => ones.push(&mut e.arg),
        NodeEnum::CollateClause(e) => ones.push(&mut e.arg),
        NodeEnum::NullTest(e) => ones.push(&mut e.arg),
        NodeEnum::BooleanTest(e) => ones.push(&mut e.arg),
        NodeEnum::AIndirection(e) => ones.push(&mut e.arg),
        NodeEnum::AArrayExpr(e) => lists.push(&mut e.elements),
        NodeEnum::RowExpr(e) => lists.push(&mut e.args),
        NodeEnum::CoalesceExpr(e) => lists.push(&mut e.args),
        NodeEnum::MinMaxExpr(e) => lists.push(&mut e.args),
        NodeEnum::CaseExpr(e) => {
            ones.extend([&mut e.arg, &mut e.defresult]);
            lists.push(&mut e.args);
        }
        NodeEnum::CaseWhen(e) => ones.extend([&mut e.expr, &mut e.result]),
        _ => {}
    }
    let of_lists = lists.into_iter().flatten().filter_map(|node| node.node.as_mut());
    of_lists.for_each(&mut *visit);
    ones.into_iter().flatten().filter_map(|node| node.node.as_mut()).for_each(&mut *visit);
}

/// Calls `visit` for a node and all below it, those of queries among them, from the inside out.
pub(super) fn deep(node: &mut NodeEnum, visit: &mut dyn FnMut(&mut NodeEnum)) {
    match node {
        NodeEnum::SelectStmt(select) => deep_select(select, visit),
        NodeEnum::UpdateStmt(e) => {
            deep_with(e.with_clause.as_mut(), visit);
            deep_all(&mut e.target_list, visit);
            deep_all(&mut e.from_clause, visit);
            deep_one(e.where_clause.as_deref_mut(), visit);
        }
        NodeEnum::DeleteStmt(e) => {
            deep_with(e.with_clause.as_mut(), visit);
            deep_all(&mut e.using_clause, visit);
            deep_one(e.where_clause.as_deref_mut(), visit);
        }
        NodeEnum::JoinExpr(e) => {
            for side in [&mut e.larg, &mut e.rarg, &mut e.quals] {
                deep_one(side.as_deref_mut(), visit);
            }
        }
        _ => children_mut(node, &mut |child| deep(child, visit)),
    }
    visit(node);
}

fn deep_one(node: Option<&mut Node>, visit: &mut dyn FnMut(&mut NodeEnum)) {
    if let Some(node) = node.and_then(|node| node.node.as_mut()) {
        deep(node, visit);
    }
}

fn deep_all(nodes: &mut [Node], visit: &mut dyn FnMut(&mut NodeEnum)) {
    for node in nodes {
        deep_one(Some(node), visit);
    }
}

fn deep_with(with: Option<&mut WithClause>, visit: &mut dyn FnMut(&mut NodeEnum)) {
    for cte in with.into_iter().flat_map(|with| &mut with.ctes) {
        if let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_mut() {
            deep_one(cte.ctequery.as_deref_mut(), visit);
        }
    }
}

fn deep_select(select: &mut SelectStmt, visit: &mut dyn FnMut(&mut NodeEnum)) {
    deep_with(select.with_clause.as_mut(), visit);
    for arm in [&mut select.larg, &mut select.rarg].into_iter().flatten() {
        deep_select(arm, visit);
    }
    for list in [
        &mut select.from_clause,
        &mut select.distinct_clause,
        &mut select.target_list,
        &mut select.group_clause,
        &mut select.window_clause,
        &mut select.values_lists,
        &mut select.sort_clause,
    ] {
        deep_all(list, visit);
    }
    for one in [
        &mut select.where_clause,
        &mut select.having_clause,
        &mut select.limit_count,
        &mut select.limit_offset,
    ] {
        deep_one(one.as_deref_mut(), visit);
    }
}
