//! By which columns an index could find the rows a policy's condition lets through.

use pg_query::{
    Node, NodeEnum,
    protobuf::{AExpr, AExprKind, BoolExpr, BoolExprType, NullTest, NullTestType, TypeName},
};

use super::{names, refers, string_of};
use crate::condition::{conjuncts, names_column};

/// A column that is held against a value which is the same for every row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Compared {
    /// The column.
    pub column: String,
    /// By equality, or for being null: not by a bound.
    pub is_equality: bool,
    /// The text of the column is (`(tenant)::text`), which an index on a column of another type does not hold.
    pub is_as_text: bool,
    /// It is a condition by itself: an index that begins with it answers it, but is seldom worth making.
    pub is_flag: bool,
    /// Functions that are called for the value outside of subqueries, by name.
    pub calls: Vec<String>,
}

/// Arms that must all be served for an index scan to find the rows; of each the columns that would do, the best one
/// first. Conditions that must all hold are one arm, those of which one suffices are an arm each.
pub type Way = Vec<Vec<Compared>>;

/// The ways of a condition: by what must hold of every row, then by each OR whose arms all compare a column.
pub(super) fn ways(condition: Option<&Node>, table: &str) -> Ways {
    let parts = conjuncts(condition);
    let mut plain = best_first(parts.iter().filter_map(|part| comparison(part, table)).collect());
    plain.extend(parts.iter().filter_map(|part| flag(part)));
    let either: Vec<Option<Way>> = parts
        .iter()
        .filter_map(|part| match part {
            NodeEnum::BoolExpr(any) if any.boolop == BoolExprType::OrExpr as i32 => {
                Some(arms(any, table))
            }
            _ => None,
        })
        .collect();
    let has_or = !either.is_empty();
    let looks_within = parts.iter().any(|part| looks_within(part));
    let first = (!plain.is_empty()).then(|| vec![plain]);
    Ways {
        all: first.into_iter().chain(either.into_iter().flatten()).collect(),
        has_or,
        looks_within,
    }
}

/// The ways of a condition.
pub(super) struct Ways {
    pub(super) all: Vec<Way>,
    /// An OR must hold.
    pub(super) has_or: bool,
    /// `value = ANY (column)` must.
    pub(super) looks_within: bool,
}

fn looks_within(part: &NodeEnum) -> bool {
    let NodeEnum::AExpr(e) = part else { return false };
    e.kind == AExprKind::AexprOpAny as i32
        && sides(e).is_some_and(|(_, right)| matches!(right, NodeEnum::ColumnRef(_)))
}

/// The arms of an OR, those of ORs within it as well; `None` where one compares no column.
fn arms(any: &BoolExpr, table: &str) -> Option<Way> {
    let mut all = Way::new();
    for arg in &any.args {
        match arg.node.as_ref()? {
            NodeEnum::BoolExpr(inner) if inner.boolop == BoolExprType::OrExpr as i32 => {
                all.extend(arms(inner, table)?);
            }
            _ => {
                let parts = conjuncts(Some(arg));
                let mut of_arm: Vec<Compared> =
                    parts.iter().filter_map(|part| comparison(part, table)).collect();
                of_arm = best_first(of_arm);
                // Few rows are null where a null stands for something.
                of_arm.extend(parts.iter().filter_map(|part| null(part)));
                of_arm.extend(parts.iter().filter_map(|part| flag(part)));
                if of_arm.is_empty() {
                    return None;
                }
                all.push(of_arm);
            }
        }
    }
    Some(all)
}

fn best_first(mut all: Vec<Compared>) -> Vec<Compared> {
    all.sort_by_key(|compared| !compared.is_equality);
    all
}

fn null(part: &NodeEnum) -> Option<Compared> {
    let NodeEnum::NullTest(test) = part else { return None };
    let NullTest { arg, nulltesttype, .. } = &**test;
    if *nulltesttype != NullTestType::IsNull as i32 {
        return None;
    }
    let (column, is_as_text) = column_of(arg.as_ref()?.node.as_ref()?)?;
    let compared = Compared { column, is_equality: true, ..Compared::default() };
    (!is_as_text).then_some(compared)
}

fn flag(part: &NodeEnum) -> Option<Compared> {
    let NodeEnum::ColumnRef(column) = part else { return None };
    let column = names(column).pop()?;
    Some(Compared { column, is_equality: true, is_flag: true, ..Compared::default() })
}

fn comparison(part: &NodeEnum, table: &str) -> Option<Compared> {
    let NodeEnum::AExpr(e) = part else { return None };
    let operator = string_of(e.name.last()?.node.as_ref()?)?;
    let is_equality = operator == "=";
    let is = |kind: AExprKind| e.kind == kind as i32;
    let is_single = is(AExprKind::AexprOp) && (is_equality || is_bound(operator));
    let is_among = is_equality && (is(AExprKind::AexprOpAny) || is(AExprKind::AexprIn));
    if !is_single && !is_among {
        return None;
    }
    let (left, right) = sides(e)?;
    let held = |column: &NodeEnum, value: &NodeEnum| {
        let (column, is_as_text) = column_of(column)?;
        if names_column(value) || refers(value, table) {
            return None;
        }
        let mut calls = Vec::new();
        called(value, &mut calls);
        Some(Compared { column, is_equality, is_as_text, is_flag: false, calls })
    };
    // `value = ANY (column)` looks into the column: a B-tree does not.
    held(left, right).or_else(|| is_single.then(|| held(right, left)).flatten())
}

fn is_bound(operator: &str) -> bool {
    matches!(operator, "<" | "<=" | ">" | ">=")
}

fn sides(e: &AExpr) -> Option<(&NodeEnum, &NodeEnum)> {
    Some((e.lexpr.as_ref()?.node.as_ref()?, e.rexpr.as_ref()?.node.as_ref()?))
}

/// The column an expression is, and whether it is its text.
fn column_of(node: &NodeEnum) -> Option<(String, bool)> {
    match node {
        NodeEnum::ColumnRef(column) => Some((names(column).pop()?, false)),
        NodeEnum::TypeCast(cast) if cast.type_name.as_ref().is_some_and(is_text) => {
            let NodeEnum::ColumnRef(column) = cast.arg.as_ref()?.node.as_ref()? else {
                return None;
            };
            Some((names(column).pop()?, true))
        }
        _ => None,
    }
}

fn is_text(name: &TypeName) -> bool {
    let last = name.names.last().and_then(|part| string_of(part.node.as_ref()?));
    name.array_bounds.is_empty() && last == Some("text")
}

/// Functions that are called by name. A subquery is asked before the scan begins.
fn called(node: &NodeEnum, calls: &mut Vec<String>) {
    match node {
        NodeEnum::SubLink(_) => return,
        NodeEnum::FuncCall(call) => {
            let name = call.funcname.last().and_then(|part| string_of(part.node.as_ref()?));
            calls.extend(name.map(str::to_owned));
        }
        _ => {}
    }
    crate::tree::children(node, &mut |child| called(child, calls));
}

#[cfg(test)]
mod tests {
    use super::super::policy_text;

    /// `a|b, c`: columns of an arm, the arms, and after `; ` the next way.
    fn ways(condition: &str) -> String {
        let ways = policy_text(condition, "Do cs").unwrap().ways;
        let arm = |arm: &Vec<super::Compared>| {
            arm.iter().map(|c| c.column.clone()).collect::<Vec<_>>().join("|")
        };
        let way = |way: &super::Way| way.iter().map(arm).collect::<Vec<_>>().join(", ");
        ways.iter().map(way).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_must_hold_is_one_arm_equality_first() {
        assert_eq!(ways("((NOT gone) AND (tenant = f()) AND (b = 3))"), "tenant|b");
        assert_eq!(ways("((a > 0) AND (f() >= b) AND (c < d) AND (\"E e\" = 1))"), "E e|a|b");
        assert_eq!(ways("(team = ANY (ARRAY( SELECT m.team FROM members m)))"), "team");
        assert_eq!(ways("((gone IS NULL) AND \"Shared\" AND (tenant = f()))"), "tenant|Shared");
    }

    #[test]
    fn an_or_is_served_where_each_arm_is() {
        assert_eq!(ways("((tenant = f()) OR (\"Owner\" = g()))"), "tenant, Owner");
        assert_eq!(
            ways("((a = 1) OR ((b = 2) OR ((c > 3) AND (d = 4) AND (NOT e))))"),
            "a, b, d|c"
        );
        assert_eq!(ways("((tenant IS NULL) OR (tenant = f()))"), "tenant, tenant");
        assert_eq!(ways("((x = 1) AND ((a = 1) OR (b = 2)))"), "x; a, b");
        assert_eq!(
            ways("((tenant = f()) OR (shared AND (a = 1)) OR shared)"),
            "tenant, a|shared, shared"
        );
        assert_eq!(ways("((tenant = f()) OR (NOT shared))"), "");
        assert_eq!(ways("((tenant = f()) OR (f() = 'admin'::text))"), "");
        assert_eq!(ways("((a = 1) OR (EXISTS ( SELECT 1 FROM m WHERE (m.a = \"Do cs\".a))))"), "");
    }

    #[test]
    fn values_that_differ_from_row_to_row_serve_nothing() {
        assert_eq!(ways("(a = b)"), "");
        assert_eq!(ways("(a = ( SELECT m.a FROM m WHERE (m.b = \"Do cs\".b)))"), "");
        assert_eq!(ways("(a = ( SELECT m.a FROM m WHERE (m.b = f())))"), "a");
        assert_eq!(ways("(f() = ANY (members))"), "");
        assert_eq!(ways("(lower(owner) = f())"), "");
        assert_eq!(ways("(team IN ( SELECT m.team FROM members m))"), "");
        assert_eq!(ways("(NOT (a IS DISTINCT FROM f()))"), "");
        assert_eq!(ways("(a <> f())"), "");
    }

    #[test]
    fn a_value_among_those_of_a_column_is_told_from_a_column_among_values() {
        let within = |condition| policy_text(condition, "t").unwrap().looks_within;
        assert!(within("(f() = ANY (members))"));
        assert!(!within("(member = ANY (f()))"));
    }

    #[test]
    fn the_text_of_a_column_and_the_calls_for_a_value_are_told() {
        let text = |condition| policy_text(condition, "t").unwrap().ways.remove(0).remove(0);
        let one = text("((tenant)::text = current_setting('app.tenant'::text, true))").remove(0);
        assert!(one.is_as_text && one.calls == ["current_setting"]);
        let one = text("(tenant = (NULLIF(auth.uid(), ''::text))::uuid)").remove(0);
        assert!(!one.is_as_text && one.calls == ["uid"]);
        assert!(text("(tenant = ( SELECT auth.uid() AS uid))")[0].calls.is_empty());
    }
}
