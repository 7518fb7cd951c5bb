//! Goes through a tree that is being changed, and knows at each node what stands around it.

use pg_query::{
    Node, NodeEnum,
    protobuf::{InsertStmt, MergeStmt, OnConflictAction, ReturningClause, SelectStmt, WithClause},
};

use super::{
    Apply, Told,
    below::{children_mut, held_mut, lists_of},
    name,
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
    /// The node is the whole statement.
    pub(super) is_root: bool,
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
    let place = Place { catalogue, levels: Vec::new(), expressions: Vec::new(), is_root: false };
    let names = targets(root).map(|targets| name::of_targets(targets));
    walk.descend(root, &place);
    walk.apply(root, &Place { is_root: true, ..place }, names);
    walk.told
}

/// The names of what a query shows, before it is changed.
type Names = Option<Vec<Option<String>>>;

struct Walk {
    apply: Apply,
    told: Vec<Told>,
}

impl Walk {
    fn visit(&mut self, node: &mut NodeEnum, place: &Place<'_>) {
        let names = targets(node).map(|targets| name::of_targets(targets));
        self.descend(node, place);
        self.apply(node, place, names);
    }

    /// Asks the rule about one node. What a query shows keeps its names.
    fn apply(&mut self, node: &mut NodeEnum, place: &Place<'_>, names: Names) {
        self.told.extend((self.apply)(node, place));
        if let (Some(names), Some(targets)) = (names, targets(node)) {
            name::keep(&names, targets);
        }
    }

    fn descend(&mut self, node: &mut NodeEnum, place: &Place<'_>) {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select, place),
            NodeEnum::UpdateStmt(_) | NodeEnum::DeleteStmt(_) => self.write(node, place),
            NodeEnum::InsertStmt(insert) => self.insert(insert, place),
            NodeEnum::MergeStmt(merge) => self.merge(merge, place),
            _ => {
                if let Some(query) = held_mut(node) {
                    self.one(Some(query), place);
                } else {
                    children_mut(node, &mut |child| self.visit(child, place));
                }
            }
        }
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
        self.one(select.where_clause.as_deref_mut(), &inside);
        self.one(select.having_clause.as_deref_mut(), &inside);
        for list in lists_of(select) {
            self.all(list, &inside);
        }
        self.one(select.limit_count.as_deref_mut(), &inside);
        self.one(select.limit_offset.as_deref_mut(), &inside);
    }

    /// `UPDATE` and `DELETE`.
    fn write(&mut self, node: &mut NodeEnum, place: &Place<'_>) {
        let (with, relation, from, targets, condition, returning) = match node {
            NodeEnum::UpdateStmt(e) => (
                e.with_clause.as_mut(),
                &e.relation,
                &mut e.from_clause,
                Some(&mut e.target_list),
                e.where_clause.as_deref_mut(),
                e.returning_clause.as_mut(),
            ),
            NodeEnum::DeleteStmt(e) => (
                e.with_clause.as_mut(),
                &e.relation,
                &mut e.using_clause,
                None,
                e.where_clause.as_deref_mut(),
                e.returning_clause.as_mut(),
            ),
            _ => return,
        };
        let mut inside = self.with(with, place);
        let mut level = Level::of(from, &inside.expressions);
        if let Some(table) = relation {
            level.add_table(table, &[]);
        }
        inside.levels.push(level);
        self.all(from, &inside);
        self.one(condition, &inside);
        if let Some(targets) = targets {
            self.all(targets, &inside);
        }
        self.returning(returning, &inside);
    }

    /// `INSERT`. The query of one with `ON CONFLICT` is left alone: which of two rows comes first decides what becomes
    /// of both, and another way to find the same rows may find them in another order.
    fn insert(&mut self, insert: &mut InsertStmt, place: &Place<'_>) {
        let mut inside = self.with(insert.with_clause.as_mut(), place);
        let mut level = Level::default();
        if let Some(table) = &insert.relation {
            level.add_table(table, &[]);
        }
        let Some(conflict) = &mut insert.on_conflict_clause else {
            self.one(insert.select_stmt.as_deref_mut(), &inside);
            inside.levels.push(level);
            self.returning(insert.returning_clause.as_mut(), &inside);
            return;
        };
        if conflict.action == OnConflictAction::OnconflictUpdate as i32 {
            // The row that was refused has the columns of the table; what it holds is not stored.
            let mut both = inside.clone();
            let mut refused = level.clone();
            refused.rename("excluded");
            level.items.extend(refused.items);
            level.pad();
            both.levels.push(level.clone());
            self.all(&mut conflict.target_list, &both);
            self.one(conflict.where_clause.as_deref_mut(), &both);
            level.items.pop();
        }
        inside.levels.push(level);
        self.returning(insert.returning_clause.as_mut(), &inside);
    }

    /// `MERGE`. A row may be missing on either side, so nothing is known not to be NULL.
    fn merge(&mut self, merge: &mut MergeStmt, place: &Place<'_>) {
        let mut inside = self.with(merge.with_clause.as_mut(), place);
        let source: Vec<Node> = merge.source_relation.iter().map(|node| (**node).clone()).collect();
        let mut level = Level::of(&source, &inside.expressions);
        if let Some(table) = &merge.relation {
            level.add_table(table, &[]);
        }
        level.pad();
        self.one(merge.source_relation.as_deref_mut(), &inside);
        inside.levels.push(level);
        self.one(merge.join_condition.as_deref_mut(), &inside);
        self.all(&mut merge.merge_when_clauses, &inside);
        self.returning(merge.returning_clause.as_mut(), &inside);
    }

    fn returning(&mut self, clause: Option<&mut ReturningClause>, place: &Place<'_>) {
        let Some(clause) = clause else { return };
        let names = name::of_targets(&clause.exprs);
        self.all(&mut clause.exprs, place);
        name::keep(&names, &mut clause.exprs);
    }
}

/// What a query shows.
fn targets(node: &mut NodeEnum) -> Option<&mut Vec<Node>> {
    match node {
        NodeEnum::SelectStmt(select) => Some(&mut select.target_list),
        _ => None,
    }
}
