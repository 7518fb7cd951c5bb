//! What a condition compares, and how.

use pg_query::{
    Node, NodeEnum,
    protobuf::{
        AExpr, AExprKind, BoolExpr, BoolExprType, NullTestType, SubLink, SubLinkType, a_const,
    },
};

use super::{
    Operand, Pattern, Role,
    scope::Scope,
    walk::{Walk, inner},
};
use crate::tree::{children, of_select};

/// One side of a comparison.
#[derive(Clone)]
enum Side {
    /// A column of a table.
    Column(usize, String),
    /// An expression of columns of one table.
    Expression(usize, Vec<String>, Option<String>),
    /// No column in it.
    Constant(Operand),
    /// Columns of several tables, or of none that is known.
    Mixed,
}

impl<'n> Walk<'n, '_> {
    /// Notes what a condition that must hold, or one of several of which one must, does with columns.
    pub(super) fn condition(&mut self, node: &'n NodeEnum, scope: &Scope, is_optional: bool) {
        match node {
            NodeEnum::BoolExpr(e) => self.boolean(e, scope, is_optional),
            NodeEnum::AExpr(e) => self.comparison(e, scope, is_optional),
            NodeEnum::NullTest(test) => {
                let is_null = test.nulltesttype == NullTestType::IsNull as i32;
                if let Some(argument) = inner(test.arg.as_deref()) {
                    self.noted(argument, Role::Null(is_null), scope, is_optional);
                }
            }
            NodeEnum::ColumnRef(_) => {
                let truth = Role::Equal(Operand::Literal("true".to_owned()));
                self.noted(node, truth, scope, is_optional);
            }
            NodeEnum::SubLink(sub) => self.membership(sub, scope, is_optional),
            other => self.mention(other, &Role::Filter, scope),
        }
    }

    fn boolean(&mut self, e: &'n BoolExpr, scope: &Scope, is_optional: bool) {
        let arms = e.args.iter().filter_map(|arm| arm.node.as_ref());
        if e.boolop == BoolExprType::NotExpr as i32 {
            for arm in arms {
                match arm {
                    NodeEnum::ColumnRef(_) => {
                        let falsehood = Role::Equal(Operand::Literal("false".to_owned()));
                        self.noted(arm, falsehood, scope, is_optional);
                    }
                    other => self.mention(other, &Role::Filter, scope),
                }
            }
            return;
        }
        let is_or = e.boolop == BoolExprType::OrExpr as i32;
        for arm in arms {
            self.condition(arm, scope, is_optional || is_or);
        }
    }

    fn comparison(&mut self, e: &'n AExpr, scope: &Scope, is_optional: bool) {
        let (Some(left), Some(right)) = (inner(e.lexpr.as_deref()), inner(e.rexpr.as_deref()))
        else {
            return;
        };
        let operator = operator(e);
        let sides = (self.side(left, scope), self.side(right, scope));
        match sides {
            (Side::Column(one, name), Side::Column(other, its_name)) if one != other => {
                self.note_join((one, &name), (other, &its_name), operator, is_optional);
            }
            (Side::Constant(_), Side::Constant(_)) => {}
            (own, Side::Constant(operand)) => {
                if let Some((low, high)) = bounds(e, right) {
                    self.between(&own, low, high, is_optional);
                    return;
                }
                let role = role_of(e, operator, operand, right);
                self.put(own, role, is_optional);
            }
            (Side::Constant(operand), own) => {
                let role = match commuted(operator) {
                    Some(operator) if e.kind == AExprKind::AexprOp as i32 => {
                        role_of(e, operator, operand, left)
                    }
                    _ => Role::Filter,
                };
                self.put(own, role, is_optional);
            }
            (one, other) => {
                self.put(one, Role::Filter, is_optional);
                self.put(other, Role::Filter, is_optional);
            }
        }
    }

    fn between(&mut self, own: &Side, low: Operand, high: Operand, is_optional: bool) {
        for (operator, bound) in [(">=", low), ("<=", high)] {
            self.put(own.clone(), Role::Range(operator, bound), is_optional);
        }
    }

    fn put(&mut self, side: Side, role: Role, is_optional: bool) {
        match side {
            Side::Column(relation, name) => {
                self.note(relation, vec![name], None, role, is_optional);
            }
            Side::Expression(relation, columns, text) => {
                self.note(relation, columns, text, role, is_optional);
            }
            Side::Constant(_) | Side::Mixed => {}
        }
    }

    /// `x IN (SELECT …)`, `EXISTS (…)` and the like.
    fn membership(&mut self, sub: &'n SubLink, scope: &Scope, is_optional: bool) {
        let is_any = sub.sub_link_type == SubLinkType::AnySublink as i32;
        if let Some(test) = inner(sub.testexpr.as_deref()) {
            let role = if is_any { Role::In(Operand::Rows, None) } else { Role::Filter };
            self.noted(test, role, scope, is_optional);
        }
        if let Some(query) = inner(sub.subselect.as_deref()) {
            self.query(query, scope);
        }
    }

    fn noted(&mut self, node: &'n NodeEnum, role: Role, scope: &Scope, is_optional: bool) {
        let side = self.side(node, scope);
        self.put(side, role, is_optional);
    }

    /// A key of a sort or a group.
    pub(super) fn key(&mut self, node: &'n NodeEnum, role: Role, scope: &Scope) {
        self.noted(node, role, scope, false);
    }

    /// Notes every column of an expression in the same role, and walks its subqueries.
    pub(super) fn mention(&mut self, node: &'n NodeEnum, role: &Role, scope: &Scope) {
        for (relation, name) in self.columns_in(node, scope).into_iter().flatten() {
            self.note(relation, vec![name], None, role.clone(), false);
        }
        self.subqueries(node, scope);
    }

    /// Walks the subqueries of an expression.
    pub(super) fn subqueries(&mut self, node: &'n NodeEnum, scope: &Scope) {
        match node {
            NodeEnum::SubLink(sub) => self.membership(sub, scope, true),
            NodeEnum::SelectStmt(_) => self.query(node, scope),
            _ => children(node, &mut |child| self.subqueries(child, scope)),
        }
    }

    fn side(&mut self, node: &'n NodeEnum, scope: &Scope) -> Side {
        self.subqueries(node, scope);
        let found = self.columns_in(node, scope);
        if found.is_empty() {
            return Side::Constant(operand(node));
        }
        let Some(mut found) = found.into_iter().collect::<Option<Vec<_>>>() else {
            return Side::Mixed;
        };
        if let (NodeEnum::ColumnRef(_), [only]) = (node, found.as_slice()) {
            return Side::Column(only.0, only.1.clone());
        }
        found.sort();
        found.dedup();
        let relation = found.first().map_or(0, |first| first.0);
        if found.iter().any(|other| other.0 != relation) {
            return Side::Mixed;
        }
        let columns = found.into_iter().map(|(_, name)| name).collect();
        Side::Expression(relation, columns, text_of(node))
    }

    /// The columns of an expression outside of its subqueries; `None` for one whose table cannot be told.
    fn columns_in(&self, node: &NodeEnum, scope: &Scope) -> Vec<Option<(usize, String)>> {
        let mut found = Vec::new();
        self.gather(node, scope, &mut found);
        found
    }

    fn gather(&self, node: &NodeEnum, scope: &Scope, into: &mut Vec<Option<(usize, String)>>) {
        match node {
            NodeEnum::ColumnRef(column) => {
                let found = scope.find(column, &self.found, self.columns);
                into.push(found.map(|(relation, name)| (relation, name.to_owned())));
            }
            NodeEnum::SubLink(sub) => {
                if let Some(test) = inner(sub.testexpr.as_deref()) {
                    self.gather(test, scope, into);
                }
                // A subquery that refers to a row of this query is no constant of it.
                if sub.subselect.as_ref().is_some_and(|query| refers_out(query, scope)) {
                    into.push(None);
                }
            }
            _ => children(node, &mut |child| self.gather(child, scope, into)),
        }
    }
}

/// Whether a subquery names an item of the query around it.
fn refers_out(query: &Node, scope: &Scope) -> bool {
    fn looks(node: &NodeEnum, scope: &Scope) -> bool {
        let mut found = false;
        match node {
            NodeEnum::ColumnRef(column) => {
                let qualifier = match column.fields.as_slice() {
                    [.., Node { node: Some(NodeEnum::String(alias)) }, _] => &alias.sval,
                    _ => return false,
                };
                let level = scope.levels.last();
                level.is_some_and(|level| level.iter().any(|item| item.alias == *qualifier))
            }
            NodeEnum::SelectStmt(select) => {
                of_select(select, &mut |child| found |= looks(child, scope));
                found
            }
            _ => {
                children(node, &mut |child| found |= looks(child, scope));
                found
            }
        }
    }
    query.node.as_ref().is_some_and(|node| looks(node, scope))
}

fn operator(e: &AExpr) -> &str {
    match e.name.last().and_then(|name| name.node.as_ref()) {
        Some(NodeEnum::String(name)) => &name.sval,
        _ => "",
    }
}

fn commuted(operator: &str) -> Option<&str> {
    Some(match operator {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "@>" => "<@",
        "<@" => "@>",
        "=" | "&&" | "<>" => operator,
        _ => return None,
    })
}

/// The two ends of a `BETWEEN`.
fn bounds(e: &AExpr, right: &NodeEnum) -> Option<(Operand, Operand)> {
    let is_between = [AExprKind::AexprBetween as i32, AExprKind::AexprBetweenSym as i32];
    let NodeEnum::List(list) = right else { return None };
    match list.items.as_slice() {
        [low, high] if is_between.contains(&e.kind) => {
            Some((operand(low.node.as_ref()?), operand(high.node.as_ref()?)))
        }
        _ => None,
    }
}

/// What comparing a column by this expression to an operand comes to.
fn role_of(e: &AExpr, operator: &str, operand: Operand, other: &NodeEnum) -> Role {
    let is = |kind: AExprKind| e.kind == kind as i32;
    if is(AExprKind::AexprIn) {
        let NodeEnum::List(list) = other else { return Role::Filter };
        return match operator {
            "=" => Role::In(operand, Some(list.items.len())),
            _ => Role::Filter,
        };
    }
    if is(AExprKind::AexprOpAny) {
        return if operator == "=" { Role::In(operand, None) } else { Role::Filter };
    }
    if is(AExprKind::AexprNotDistinct) {
        return Role::Equal(operand);
    }
    if !(is(AExprKind::AexprOp)
        || is(AExprKind::AexprLike)
        || is(AExprKind::AexprIlike)
        || is(AExprKind::AexprSimilar))
    {
        return Role::Filter;
    }
    match operator {
        "=" => Role::Equal(operand),
        "<" => Role::Range("<", operand),
        "<=" => Role::Range("<=", operand),
        ">" => Role::Range(">", operand),
        ">=" => Role::Range(">=", operand),
        "~~" => Role::Like(pattern(other), operand),
        "~~*" => Role::Like(Pattern::CaseInsensitive, operand),
        "~" | "~*" => Role::Like(Pattern::Regular, operand),
        "<>" | "!~~" | "!~~*" | "!~" | "!~*" => Role::Filter,
        other => Role::Operator(other.to_owned(), operand),
    }
}

fn pattern(node: &NodeEnum) -> Pattern {
    match node {
        NodeEnum::AConst(value) => match &value.val {
            Some(a_const::Val::Sval(text)) if text.sval.starts_with(['%', '_']) => Pattern::Infix,
            Some(a_const::Val::Sval(_)) => Pattern::Prefix,
            _ => Pattern::Unknown,
        },
        _ => Pattern::Unknown,
    }
}

/// What an expression without columns is.
fn operand(node: &NodeEnum) -> Operand {
    match node {
        NodeEnum::ParamRef(parameter) => Operand::Parameter(parameter.number),
        NodeEnum::AConst(_) => text_of(node).map_or(Operand::Value, Operand::Literal),
        NodeEnum::TypeCast(cast) => match inner(cast.arg.as_deref()).map(operand) {
            Some(parameter @ Operand::Parameter(_)) => parameter,
            Some(Operand::Literal(_)) => text_of(node).map_or(Operand::Value, Operand::Literal),
            _ => Operand::Value,
        },
        NodeEnum::List(list) => {
            let first = list.items.first().and_then(|item| item.node.as_ref());
            first.map_or(Operand::Value, operand)
        }
        _ => Operand::Value,
    }
}

/// An expression in the words of the parser.
pub(crate) fn text_of(node: &NodeEnum) -> Option<String> {
    // A tree that was parsed has all its enumerations set; one made of defaults would not be taken.
    let mut tree = pg_query::parse("SELECT 1", 0).ok()?.protobuf;
    let raw = tree.stmts.first_mut()?.stmt.as_mut()?;
    let Some(NodeEnum::SelectStmt(select)) = raw.node.as_mut() else { return None };
    let Some(NodeEnum::ResTarget(target)) = select.target_list.first_mut()?.node.as_mut() else {
        return None;
    };
    target.val = Some(Box::new(Node { node: Some(node.clone()) }));
    let text = pg_query::deparse(&tree, pg_query::DeparseOptions::default()).ok()?;
    text.strip_prefix("SELECT ").map(str::to_owned)
}
