//! Finds the queries of a statement, and what each of them sees.

use pg_query::{
    Node, NodeEnum,
    protobuf::{CommonTableExpr, JoinType, RangeVar, SelectStmt, SetOperation, SubLinkType},
};

use super::{
    fact::Facts,
    look::Look,
    query::{Is, Kind, Query, Source, Stands, each, is_one_row},
};
use crate::{
    rewrite::shape::inner,
    role::{
        Relation,
        scope::{Item, Scope},
    },
    survey::name_of,
    tree::{held, with_clause},
};

/// A common table expression.
#[derive(Clone)]
struct Named {
    name: String,
    is_one_row: bool,
    is_sorted: bool,
}

struct Walk<'a> {
    queries: Vec<Query<'a>>,
    relations: Vec<Relation>,
    /// Common table expressions in scope.
    named: Vec<Named>,
}

pub(super) fn look<'a>(root: &'a NodeEnum, facts: &'a Facts<'a>) -> Look<'a> {
    let mut walk = Walk { queries: Vec::new(), relations: Vec::new(), named: Vec::new() };
    match (inner(held(root)), root) {
        (Some(query), NodeEnum::ExplainStmt(_)) => {
            walk.query(query, &Scope::default(), Stands::Top);
        }
        (Some(query), _) => walk.query(query, &Scope::default(), Stands::Stored),
        (None, root) => walk.query(root, &Scope::default(), Stands::Top),
    }
    Look { root, facts, queries: walk.queries, relations: walk.relations }
}

impl<'a> Walk<'a> {
    fn query(&mut self, node: &'a NodeEnum, outer: &Scope, stands: Stands) {
        let names = self.named.len();
        self.common(node, outer);
        match node {
            NodeEnum::SelectStmt(s) => self.select(s, outer, stands),
            NodeEnum::UpdateStmt(s) => {
                self.open(Kind::Update(s), s.relation.as_ref(), &s.from_clause, outer, stands);
            }
            NodeEnum::DeleteStmt(s) => {
                self.open(Kind::Delete(s), s.relation.as_ref(), &s.using_clause, outer, stands);
            }
            NodeEnum::InsertStmt(s) => {
                self.open(Kind::Insert(s), s.relation.as_ref(), &[], outer, stands);
                if let Some(query) = inner(s.select_stmt.as_deref()) {
                    self.query(query, outer, Stands::Stored);
                }
            }
            NodeEnum::MergeStmt(s) => {
                let source = s.source_relation.as_deref().map(std::slice::from_ref);
                let from = source.unwrap_or_default();
                self.open(Kind::Merge(s), s.relation.as_ref(), from, outer, stands);
            }
            _ => {}
        }
        self.named.truncate(names);
    }

    fn common(&mut self, node: &'a NodeEnum, outer: &Scope) {
        let with = with_clause(node);
        for cte in with.into_iter().flat_map(|with| &with.ctes) {
            let Some(NodeEnum::CommonTableExpr(cte)) = inner(Some(cte)) else { continue };
            // Its own name is seen within only where it is recursive; a name too many there hides a table at most.
            let named = named(cte);
            if with.is_some_and(|with| with.recursive) {
                self.named.push(Named { is_one_row: false, ..named.clone() });
            }
            if let Some(query) = inner(cte.ctequery.as_deref()) {
                self.query(query, outer, Stands::Expression);
            }
            self.named.push(named);
        }
    }

    fn select(&mut self, select: &'a SelectStmt, outer: &Scope, stands: Stands) {
        if select.op == SetOperation::SetopNone as i32 {
            let stands = if select.into_clause.is_some() { Stands::Stored } else { stands };
            self.open(Kind::Select(select), None, &select.from_clause, outer, stands);
            return;
        }
        self.open(Kind::Select(select), None, &[], outer, stands);
        for arm in [&select.larg, &select.rarg].into_iter().flatten() {
            let names = self.named.len();
            self.select(arm, outer, Stands::Arm);
            self.named.truncate(names);
        }
    }

    /// Notes a query, and walks what stands in it.
    fn open(
        &mut self,
        kind: Kind<'a>,
        written: Option<&'a RangeVar>,
        from: &'a [Node],
        outer: &Scope,
        stands: Stands,
    ) {
        let place = self.queries.len();
        let mut query =
            Query { kind, stands, scope: outer.clone(), sources: Vec::new(), joins: Vec::new() };
        query.scope.levels.push(Vec::new());
        self.queries.push(Query {
            kind,
            stands,
            scope: Scope::default(),
            sources: Vec::new(),
            joins: Vec::new(),
        });
        if let Some(table) = written {
            let is = self.table(table);
            add(&mut query, alias_of(table), is, false);
        }
        for item in from.iter().filter_map(|node| inner(Some(node))) {
            self.item(item, &mut query, outer, false);
        }
        for expression in query.expressions() {
            self.subqueries(expression, &query.scope);
        }
        if let Some(slot) = self.queries.get_mut(place) {
            *slot = query;
        }
    }

    fn item(&mut self, node: &'a NodeEnum, query: &mut Query<'a>, outer: &Scope, padded: bool) {
        match node {
            NodeEnum::RangeVar(table) => {
                let is = self.table(table);
                add(query, alias_of(table), is, padded);
            }
            NodeEnum::RangeTableSample(sample) => {
                if let Some(table) = inner(sample.relation.as_deref()) {
                    self.item(table, query, outer, padded);
                }
            }
            NodeEnum::JoinExpr(join) => {
                let is = |kind: JoinType| join.jointype == kind as i32;
                let left = padded || is(JoinType::JoinRight) || is(JoinType::JoinFull);
                let right = padded || is(JoinType::JoinLeft) || is(JoinType::JoinFull);
                for (side, padded) in [(&join.larg, left), (&join.rarg, right)] {
                    if let Some(side) = inner(side.as_deref()) {
                        self.item(side, query, outer, padded);
                    }
                }
                query.joins.push(join);
            }
            NodeEnum::RangeSubselect(sub) => {
                let alias = sub.alias.as_ref().map(|alias| alias.aliasname.clone());
                let scope = if sub.lateral { query.scope.clone() } else { outer.clone() };
                let mut is = Is::Made;
                if let Some(inside) = inner(sub.subquery.as_deref()) {
                    self.query(inside, &scope, Stands::Derived);
                    if let NodeEnum::SelectStmt(select) = inside {
                        is = as_source(select, sub.lateral);
                    }
                }
                add(query, alias.unwrap_or_default(), is, padded);
            }
            NodeEnum::RangeFunction(function) => {
                let alias = function.alias.as_ref().map(|alias| alias.aliasname.clone());
                self.subqueries(node, &query.scope.clone());
                add(query, alias.unwrap_or_default(), Is::Made, padded);
            }
            _ => add(query, String::new(), Is::Made, padded),
        }
    }

    fn table(&mut self, table: &'a RangeVar) -> Is<'a> {
        let named = self.named.iter().rev().find(|named| named.name == table.relname);
        if let Some(named) = named.filter(|_| table.schemaname.is_empty()) {
            if named.is_one_row {
                return Is::OneRow;
            }
            return Is::Query { is_lateral: false, is_sorted: named.is_sorted };
        }
        self.relations.push(Relation {
            table: name_of(table),
            alias: alias_of(table),
            level: 0,
            uses: Vec::new(),
            shows_all: false,
            is_written: false,
        });
        Is::Table(self.relations.len() - 1, table)
    }

    fn subqueries(&mut self, node: &'a NodeEnum, scope: &Scope) {
        let mut found = Vec::new();
        each(node, &mut |node| {
            if let NodeEnum::SubLink(sub) = node {
                found.push(sub);
            }
        });
        for sub in found {
            let is = |kind: SubLinkType| sub.sub_link_type == kind as i32;
            let stands = if is(SubLinkType::ExistsSublink) {
                Stands::Exists
            } else if is(SubLinkType::ExprSublink) || is(SubLinkType::MultiexprSublink) {
                Stands::Value
            } else {
                Stands::Rows
            };
            if let Some(query) = inner(sub.subselect.as_deref()) {
                self.query(query, scope, stands);
            }
        }
    }
}

fn named(cte: &CommonTableExpr) -> Named {
    let select = match inner(cte.ctequery.as_deref()) {
        Some(NodeEnum::SelectStmt(select)) => Some(select),
        _ => None,
    };
    Named {
        name: cte.ctename.clone(),
        is_one_row: select.is_some_and(|select| is_one_row(select)),
        is_sorted: select.is_some_and(|select| !select.sort_clause.is_empty()),
    }
}

fn as_source<'a>(select: &SelectStmt, is_lateral: bool) -> Is<'a> {
    if is_one_row(select) {
        Is::OneRow
    } else if select.values_lists.is_empty() {
        Is::Query { is_lateral, is_sorted: !select.sort_clause.is_empty() }
    } else {
        Is::Made
    }
}

fn alias_of(table: &RangeVar) -> String {
    table.alias.as_ref().map_or(&table.relname, |alias| &alias.aliasname).clone()
}

fn add<'a>(query: &mut Query<'a>, alias: String, is: Is<'a>, is_padded: bool) {
    let relation = match is {
        Is::Table(place, _) => Some(place),
        _ => None,
    };
    if let Some(own) = query.scope.levels.last_mut() {
        own.push(Item { alias: alias.clone(), relation });
    }
    query.sources.push(Source { alias, is, is_padded });
}
