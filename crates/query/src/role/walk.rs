//! Goes through the queries of a statement and notes what each does with columns.

use pg_query::{
    Node, NodeEnum,
    protobuf::{
        JoinExpr, RangeVar, ResTarget, SelectStmt, SetOperation, SortBy, SortByDir, SortByNulls,
        a_const,
    },
};

use super::{
    Columns, Relation, Role, Use,
    scope::{Item, Scope, is_star},
};
use crate::{
    survey::name_of,
    tree::{children, held, with_clause},
};

/// The tables found so far.
pub(super) struct Walk<'n, 'c> {
    pub(super) found: Vec<Relation>,
    pub(super) columns: &'c dyn Columns,
    levels: usize,
    /// Names of common table expressions in scope.
    expressions: Vec<&'n str>,
}

/// What a list of tables brings: its items, and the conditions they are joined by.
#[derive(Default)]
struct From<'n> {
    items: Vec<Item>,
    conditions: Vec<&'n NodeEnum>,
    /// Names of `USING`, with the items left and right of it.
    using: Vec<(&'n str, Vec<Item>, Vec<Item>)>,
}

pub(super) fn relations(root: &NodeEnum, columns: &dyn Columns) -> Vec<Relation> {
    let mut walk = Walk { found: Vec::new(), columns, levels: 0, expressions: Vec::new() };
    walk.query(root, &Scope::default());
    walk.found
}

pub(super) fn inner(node: Option<&Node>) -> Option<&NodeEnum> {
    node.and_then(|node| node.node.as_ref())
}

impl<'n> Walk<'n, '_> {
    /// Walks a query that stands where `outer` is visible.
    pub(super) fn query(&mut self, node: &'n NodeEnum, outer: &Scope) {
        let names = self.expressions.len();
        self.common(node, outer);
        match node {
            NodeEnum::SelectStmt(select) => self.select(select, outer),
            NodeEnum::InsertStmt(insert) => {
                let level = self.next_level();
                let target = insert.relation.as_ref().map(|table| self.written(table, level));
                if let Some(query) = inner(insert.select_stmt.as_deref()) {
                    self.query(query, outer);
                }
                let shown = insert.returning_clause.iter().flat_map(|clause| &clause.exprs);
                self.show(shown, &scope_of(outer, target.into_iter().collect()));
            }
            NodeEnum::UpdateStmt(update) => {
                let written = update.relation.as_ref();
                let scope = self.open(written, &update.from_clause, outer);
                self.set(&update.target_list, &scope);
                self.where_clause(update.where_clause.as_deref(), &scope);
                let shown = update.returning_clause.iter().flat_map(|clause| &clause.exprs);
                self.show(shown, &scope);
            }
            NodeEnum::DeleteStmt(delete) => {
                let scope = self.open(delete.relation.as_ref(), &delete.using_clause, outer);
                self.where_clause(delete.where_clause.as_deref(), &scope);
                let shown = delete.returning_clause.iter().flat_map(|clause| &clause.exprs);
                self.show(shown, &scope);
            }
            NodeEnum::MergeStmt(merge) => {
                let source = merge.source_relation.as_deref().map(std::slice::from_ref);
                let scope = self.open(merge.relation.as_ref(), source.unwrap_or_default(), outer);
                self.where_clause(merge.join_condition.as_deref(), &scope);
            }
            _ => self.inside(held(node), outer),
        }
        self.expressions.truncate(names);
    }

    fn inside(&mut self, node: Option<&'n Node>, outer: &Scope) {
        if let Some(query) = inner(node) {
            self.query(query, outer);
        }
    }

    fn next_level(&mut self) -> usize {
        self.levels += 1;
        self.levels - 1
    }

    /// Walks the common table expressions of a statement and brings their names into scope.
    fn common(&mut self, node: &'n NodeEnum, outer: &Scope) {
        let with = with_clause(node);
        let expressions = with.into_iter().flat_map(|with| &with.ctes);
        for cte in expressions {
            if let Some(NodeEnum::CommonTableExpr(cte)) = cte.node.as_ref() {
                let recursive = with.is_some_and(|with| with.recursive);
                if recursive {
                    self.expressions.push(&cte.ctename);
                }
                self.inside(cte.ctequery.as_deref(), outer);
                if !recursive {
                    self.expressions.push(&cte.ctename);
                }
            }
        }
    }

    fn select(&mut self, select: &'n SelectStmt, outer: &Scope) {
        if select.op != SetOperation::SetopNone as i32 {
            for arm in [&select.larg, &select.rarg].into_iter().flatten() {
                let names = self.expressions.len();
                self.select(arm, outer);
                self.expressions.truncate(names);
            }
            return;
        }
        let scope = self.open(None, &select.from_clause, outer);
        self.where_clause(select.where_clause.as_deref(), &scope);
        self.group(select, &scope);
        if let Some(having) = inner(select.having_clause.as_deref()) {
            self.mention(having, &Role::Filter, &scope);
        }
        self.show(&select.target_list, &scope);
        self.order(select, &scope);
        for value in select.values_lists.iter().filter_map(|node| node.node.as_ref()) {
            self.subqueries(value, &scope);
        }
        for limit in [&select.limit_count, &select.limit_offset] {
            if let Some(limit) = inner(limit.as_deref()) {
                self.subqueries(limit, &scope);
            }
        }
    }

    /// Brings the tables of a query into scope and walks the conditions they are joined by.
    fn open(&mut self, written: Option<&'n RangeVar>, from: &'n [Node], outer: &Scope) -> Scope {
        let level = self.next_level();
        let mut found = From::default();
        found.items.extend(written.map(|table| self.written(table, level)));
        for item in from.iter().filter_map(|node| node.node.as_ref()) {
            self.item(item, level, outer, &mut found);
        }
        let scope = scope_of(outer, found.items);
        for condition in found.conditions {
            self.condition(condition, &scope, false);
        }
        for (name, left, right) in found.using {
            self.join_by_name(name, left, right);
        }
        scope
    }

    fn written(&mut self, table: &RangeVar, level: usize) -> Item {
        let item = self.table(table, level);
        if let Some(relation) = item.relation.and_then(|place| self.found.get_mut(place)) {
            relation.is_written = true;
        }
        item
    }

    fn table(&mut self, table: &RangeVar, level: usize) -> Item {
        let alias = table.alias.as_ref().map_or(&table.relname, |alias| &alias.aliasname).clone();
        let is_expression =
            table.schemaname.is_empty() && self.expressions.contains(&table.relname.as_str());
        if is_expression {
            return Item { alias, relation: None };
        }
        self.found.push(Relation {
            table: name_of(table),
            alias: alias.clone(),
            level,
            uses: Vec::new(),
            shows_all: false,
            is_written: false,
        });
        Item { alias, relation: Some(self.found.len() - 1) }
    }

    fn item(&mut self, node: &'n NodeEnum, level: usize, outer: &Scope, into: &mut From<'n>) {
        match node {
            NodeEnum::RangeVar(table) => {
                let item = self.table(table, level);
                into.items.push(item);
            }
            NodeEnum::JoinExpr(join) => self.join(join, level, outer, into),
            NodeEnum::RangeTableSample(sample) => {
                if let Some(table) = inner(sample.relation.as_deref()) {
                    self.item(table, level, outer, into);
                }
            }
            NodeEnum::RangeSubselect(sub) => {
                let around =
                    if sub.lateral { scope_of(outer, into.items.clone()) } else { outer.clone() };
                self.inside(sub.subquery.as_deref(), &around);
                let alias = sub.alias.as_ref().map(|alias| alias.aliasname.clone());
                into.items.push(Item { alias: alias.unwrap_or_default(), relation: None });
            }
            NodeEnum::RangeFunction(function) => {
                let alias = function.alias.as_ref().map(|alias| alias.aliasname.clone());
                let around = scope_of(outer, into.items.clone());
                children(node, &mut |child| self.subqueries(child, &around));
                into.items.push(Item { alias: alias.unwrap_or_default(), relation: None });
            }
            _ => {}
        }
    }

    fn join(&mut self, join: &'n JoinExpr, level: usize, outer: &Scope, into: &mut From<'n>) {
        let start = into.items.len();
        if let Some(left) = inner(join.larg.as_deref()) {
            self.item(left, level, outer, into);
        }
        let middle = into.items.len();
        if let Some(right) = inner(join.rarg.as_deref()) {
            self.item(right, level, outer, into);
        }
        into.conditions.extend(inner(join.quals.as_deref()));
        for name in &join.using_clause {
            if let Some(NodeEnum::String(name)) = name.node.as_ref() {
                let (left, right) = (&into.items[start..middle], &into.items[middle..]);
                into.using.push((&name.sval, left.to_vec(), right.to_vec()));
            }
        }
    }

    /// `USING`: the first table of each side that has the column, or may have it.
    fn join_by_name(&mut self, name: &str, left: Vec<Item>, right: Vec<Item>) {
        let has = |item: &&Item, found: &[Relation]| {
            let table = item.relation.and_then(|place| found.get(place));
            table.is_some_and(|relation| {
                self.columns
                    .of(&relation.table)
                    .is_none_or(|columns| columns.iter().any(|column| column == name))
            })
        };
        let side = |items: Vec<Item>, found: &[Relation]| {
            items.iter().find(|item| has(item, found)).and_then(|item| item.relation)
        };
        let (Some(left), Some(right)) = (side(left, &self.found), side(right, &self.found)) else {
            return;
        };
        self.note_join((left, name), (right, name), "=", false);
    }

    /// Both sides of a comparison of two tables.
    pub(super) fn note_join(
        &mut self,
        left: (usize, &str),
        right: (usize, &str),
        operator: &str,
        is_optional: bool,
    ) {
        for (own, other) in [(left, right), (right, left)] {
            let Some(alias) = self.found.get(other.0).map(|relation| relation.alias.clone()) else {
                continue;
            };
            let role = Role::Join(alias, other.1.to_owned(), operator.to_owned());
            self.note(own.0, vec![own.1.to_owned()], None, role, is_optional);
        }
    }

    pub(super) fn note(
        &mut self,
        relation: usize,
        columns: Vec<String>,
        expression: Option<String>,
        role: Role,
        is_optional: bool,
    ) {
        if let Some(relation) = self.found.get_mut(relation) {
            relation.uses.push(Use { columns, expression, role, is_optional });
        }
    }

    fn where_clause(&mut self, node: Option<&'n Node>, scope: &Scope) {
        if let Some(condition) = inner(node) {
            self.condition(condition, scope, false);
        }
    }

    fn set(&mut self, targets: &'n [Node], scope: &Scope) {
        let written = scope.levels.last().and_then(|level| level.first()?.relation);
        for target in targets {
            if let (Some(NodeEnum::ResTarget(target)), Some(written)) = (&target.node, written) {
                self.note(written, vec![target.name.clone()], None, Role::Set, false);
                if let Some(value) = inner(target.val.as_deref()) {
                    self.mention(value, &Role::Shown, scope);
                }
            }
        }
    }

    fn show(&mut self, targets: impl IntoIterator<Item = &'n Node>, scope: &Scope) {
        for target in targets {
            let Some(value) = target_value(target) else { continue };
            match value {
                NodeEnum::ColumnRef(column) if is_star(column) => {
                    for place in scope.all(column) {
                        if let Some(relation) = self.found.get_mut(place) {
                            relation.shows_all = true;
                        }
                    }
                }
                value => self.mention(value, &Role::Shown, scope),
            }
        }
    }

    fn group(&mut self, select: &'n SelectStmt, scope: &Scope) {
        let distinct = select.distinct_clause.iter().filter(|node| node.node.is_some());
        let mut keys: Vec<&'n Node> = select.group_clause.iter().chain(distinct).collect();
        if keys.is_empty() && !select.distinct_clause.is_empty() {
            keys = select.target_list.iter().collect();
        }
        for (place, key) in keys.into_iter().enumerate() {
            if let Some(key) = meant(key, &select.target_list) {
                self.key(key, Role::Group(place), scope);
            }
        }
    }

    fn order(&mut self, select: &'n SelectStmt, scope: &Scope) {
        for (place, sort) in select.sort_clause.iter().enumerate() {
            let Some(NodeEnum::SortBy(sort)) = &sort.node else { continue };
            let Some(key) = sort.node.as_deref().and_then(|node| meant(node, &select.target_list))
            else {
                continue;
            };
            let (descends, nulls_first) = direction(sort);
            let is_limited = select.limit_count.is_some();
            self.key(key, Role::Order { place, descends, nulls_first, is_limited }, scope);
        }
    }
}

fn direction(sort: &SortBy) -> (bool, bool) {
    let descends = sort.sortby_dir == SortByDir::SortbyDesc as i32;
    let nulls_first = match sort.sortby_nulls {
        nulls if nulls == SortByNulls::SortbyNullsFirst as i32 => true,
        nulls if nulls == SortByNulls::SortbyNullsLast as i32 => false,
        _ => descends,
    };
    (descends, nulls_first)
}

fn target_value(node: &Node) -> Option<&NodeEnum> {
    match node.node.as_ref()? {
        NodeEnum::ResTarget(target) => inner(target.val.as_deref()),
        other => Some(other),
    }
}

/// What a key of `GROUP BY` or `ORDER BY` means: a number or a new name stands for what is shown.
fn meant<'n>(key: &'n Node, targets: &'n [Node]) -> Option<&'n NodeEnum> {
    let named = |target: &'n Node| match target.node.as_ref() {
        Some(NodeEnum::ResTarget(target)) => Some(target.as_ref()),
        _ => None,
    };
    let value = |target: &'n ResTarget| inner(target.val.as_deref());
    match target_value(key)? {
        NodeEnum::AConst(number) => match &number.val {
            Some(a_const::Val::Ival(number)) => {
                let place = usize::try_from(number.ival).ok()?.checked_sub(1)?;
                value(named(targets.get(place)?)?)
            }
            _ => None,
        },
        NodeEnum::ColumnRef(column) => {
            let name = match column.fields.as_slice() {
                [Node { node: Some(NodeEnum::String(name)) }] => name.sval.as_str(),
                _ => return target_value(key),
            };
            let alias = targets.iter().filter_map(named).find(|target| target.name == name);
            alias.map_or_else(|| target_value(key), value)
        }
        other => Some(other),
    }
}

fn scope_of(outer: &Scope, items: Vec<Item>) -> Scope {
    let mut scope = outer.clone();
    scope.levels.push(items);
    scope
}
