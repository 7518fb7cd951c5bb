//! What a policy's condition asks for: settings, roles, other tables, and the columns an index could serve.

mod served;

use pg_query::{
    NodeEnum,
    protobuf::{ColumnRef, SqlValueFunctionOp, a_const},
};

pub use self::served::{Compared, Way};
use crate::{
    condition::names_column,
    statement::Refused,
    tree::{children, of_select},
};

/// What stands in a condition, as `pg_get_expr` shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyText {
    /// Settings of the application's own (`app.tenant`) it asks `current_setting` for, sorted.
    pub settings: Vec<String>,
    /// It compares the current role with a name: what `TO` is for.
    pub tests_role: bool,
    /// How an index could find the rows it lets through.
    pub ways: Vec<Way>,
    /// An OR is among what must hold.
    pub has_or: bool,
    /// A value is looked for in a column that holds several: `value = ANY (column)`.
    pub looks_within: bool,
    /// Its subqueries that read tables, in the order of the text, those within others too.
    pub subqueries: Vec<PolicySubquery>,
}

/// A subquery of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySubquery {
    /// Names of the tables it reads.
    pub tables: Vec<String>,
    /// It stands within another subquery that reads tables.
    pub is_nested: bool,
    /// It refers to the row the policy is asked about, so its answer differs from row to row.
    pub depends_on_row: bool,
}

/// Reads a condition of the table of that name.
pub fn policy_text(condition: &str, table: &str) -> Result<PolicyText, Refused> {
    let parsed = pg_query::parse(&format!("SELECT WHERE {condition}"), 0)?.protobuf.stmts;
    let root = parsed.first().and_then(|raw| raw.stmt.as_ref()?.node.as_ref());
    let Some(NodeEnum::SelectStmt(select)) = root else { return Err(Refused::Empty) };
    let ways = served::ways(select.where_clause.as_deref(), table);
    let mut text = PolicyText {
        ways: ways.all,
        has_or: ways.has_or,
        looks_within: ways.looks_within,
        ..PolicyText::default()
    };
    of_select(select, &mut |child| visit(child, table, &mut text));
    text.settings.sort();
    text.settings.dedup();
    Ok(text)
}

fn visit(node: &NodeEnum, table: &str, text: &mut PolicyText) {
    match node {
        NodeEnum::FuncCall(call) => {
            let name = call.funcname.last().and_then(|part| string_of(part.node.as_ref()?));
            let first = || constant(call.args.first()?.node.as_ref()?);
            match name {
                Some("current_setting") => {
                    text.settings.extend(first().filter(|setting| setting.contains('.')));
                }
                Some("pg_has_role") => {
                    let mut args = call.args.iter().filter_map(|arg| arg.node.as_ref());
                    text.tests_role |= !args.any(names_column);
                }
                _ => {}
            }
        }
        NodeEnum::AExpr(e) => {
            let side = |side: &Option<Box<pg_query::Node>>| {
                side.as_ref().and_then(|node| node.node.as_ref()).map(is_role)
            };
            let other = |side: &Option<Box<pg_query::Node>>| {
                side.as_ref().and_then(|node| node.node.as_ref()).is_some_and(is_constant)
            };
            text.tests_role |= (side(&e.lexpr) == Some(true) && other(&e.rexpr))
                || (side(&e.rexpr) == Some(true) && other(&e.lexpr));
        }
        NodeEnum::SubLink(sub) => {
            if let Some(test) = sub.testexpr.as_ref().and_then(|test| test.node.as_ref()) {
                visit(test, table, text);
            }
            if let Some(query) = sub.subselect.as_ref().and_then(|query| query.node.as_ref()) {
                subquery(query, table, text);
            }
            return;
        }
        NodeEnum::SelectStmt(_) => {
            subquery(node, table, text);
            return;
        }
        _ => {}
    }
    children(node, &mut |child| visit(child, table, text));
}

fn subquery(query: &NodeEnum, table: &str, text: &mut PolicyText) {
    let NodeEnum::SelectStmt(select) = query else { return };
    for arm in [&select.larg, &select.rarg].into_iter().flatten() {
        subquery(&NodeEnum::SelectStmt(arm.clone()), table, text);
    }
    let mut tables = Vec::new();
    let mut known = Vec::new();
    for from in select.from_clause.iter().filter_map(|from| from.node.as_ref()) {
        sources(from, &mut tables, &mut known);
    }
    if !tables.is_empty() {
        let mut depends_on_row = false;
        // The server writes columns of the row with the table's name as soon as another table is about.
        of_select(select, &mut |child| {
            depends_on_row |= refers(child, table) && !known.iter().any(|name| name == table);
        });
        text.subqueries.push(PolicySubquery { tables, is_nested: false, depends_on_row });
    }
    let outer = text.subqueries.len();
    let reads = !known.is_empty();
    of_select(select, &mut |child| visit(child, table, text));
    for inner in text.subqueries.iter_mut().skip(outer) {
        inner.is_nested |= reads;
    }
}

/// The tables of a `FROM`, and the names they go by.
fn sources(node: &NodeEnum, tables: &mut Vec<String>, known: &mut Vec<String>) {
    match node {
        NodeEnum::RangeVar(range) => {
            tables.push(range.relname.clone());
            let alias = range.alias.as_ref().map(|alias| alias.aliasname.clone());
            known.push(alias.unwrap_or_else(|| range.relname.clone()));
        }
        NodeEnum::JoinExpr(_) => children(node, &mut |child| sources(child, tables, known)),
        _ => {}
    }
}

/// Whether a column of that table is named, at any depth.
fn refers(node: &NodeEnum, table: &str) -> bool {
    match node {
        NodeEnum::ColumnRef(column) => {
            let names = names(column);
            names.len() > 1 && names[names.len() - 2] == table
        }
        NodeEnum::SelectStmt(select) => {
            let mut found = false;
            of_select(select, &mut |child| found |= refers(child, table));
            found
        }
        NodeEnum::SubLink(sub) => [&sub.testexpr, &sub.subselect]
            .into_iter()
            .flatten()
            .filter_map(|side| side.node.as_ref())
            .any(|side| refers(side, table)),
        _ => {
            let mut found = false;
            children(node, &mut |child| found |= refers(child, table));
            found
        }
    }
}

fn names(column: &ColumnRef) -> Vec<String> {
    let parts = column.fields.iter().filter_map(|field| string_of(field.node.as_ref()?));
    parts.map(str::to_owned).collect()
}

fn string_of(node: &NodeEnum) -> Option<&str> {
    match node {
        NodeEnum::String(text) => Some(&text.sval),
        _ => None,
    }
}

/// The text of a literal, cast or not.
fn constant(node: &NodeEnum) -> Option<String> {
    match node {
        NodeEnum::TypeCast(cast) => constant(cast.arg.as_ref()?.node.as_ref()?),
        NodeEnum::AConst(value) => match value.val.as_ref()? {
            a_const::Val::Sval(text) => Some(text.sval.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// A literal, or a list or an array of them.
fn is_constant(node: &NodeEnum) -> bool {
    let all = |nodes: &[pg_query::Node]| {
        nodes.iter().filter_map(|node| node.node.as_ref()).all(is_constant)
    };
    match node {
        NodeEnum::AConst(_) => true,
        NodeEnum::TypeCast(cast) => {
            cast.arg.as_ref().and_then(|arg| arg.node.as_ref()).is_some_and(is_constant)
        }
        NodeEnum::AArrayExpr(array) => all(&array.elements),
        NodeEnum::List(list) => all(&list.items),
        _ => false,
    }
}

/// The current role, however it is asked for.
fn is_role(node: &NodeEnum) -> bool {
    match node {
        NodeEnum::SqlvalueFunction(value) => matches!(
            SqlValueFunctionOp::try_from(value.op),
            Ok(SqlValueFunctionOp::SvfopCurrentRole
                | SqlValueFunctionOp::SvfopCurrentUser
                | SqlValueFunctionOp::SvfopUser
                | SqlValueFunctionOp::SvfopSessionUser)
        ),
        NodeEnum::FuncCall(call) => {
            let name = call.funcname.last().and_then(|part| string_of(part.node.as_ref()?));
            let setting = || call.args.first().and_then(|arg| constant(arg.node.as_ref()?));
            name == Some("current_setting") && setting().as_deref() == Some("role")
                || (name == Some("role") && call.args.is_empty())
        }
        NodeEnum::TypeCast(cast) => {
            cast.arg.as_ref().and_then(|arg| arg.node.as_ref()).is_some_and(is_role)
        }
        // `(SELECT auth.role())` is asked once, and is a question about the role all the same.
        NodeEnum::SubLink(sub) => {
            let query = sub.subselect.as_ref().and_then(|query| query.node.as_ref());
            let Some(NodeEnum::SelectStmt(select)) = query else { return false };
            let shown = select.target_list.iter().filter_map(|target| target.node.as_ref());
            select.from_clause.is_empty()
                && shown.into_iter().any(|target| match target {
                    NodeEnum::ResTarget(target) => {
                        target.val.as_ref().and_then(|val| val.node.as_ref()).is_some_and(is_role)
                    }
                    _ => false,
                })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(condition: &str) -> PolicyText {
        policy_text(condition, "docs").unwrap()
    }

    #[test]
    fn settings_are_those_of_the_application() {
        let both = "((tenant = (current_setting('app.tenant'::text))::int) OR (x = ( SELECT current_setting('app.b'::text, true) AS c)))";
        assert_eq!(text(both).settings, ["app.b", "app.tenant"]);
        assert!(text("(zone = current_setting('TimeZone'::text))").settings.is_empty());
    }

    #[test]
    fn questions_about_the_role_are_told_from_columns_that_hold_it() {
        assert!(text("(CURRENT_USER = 'batch'::name)").tests_role);
        assert!(text("((auth.role() = 'authenticated'::text) AND (a = 1))").tests_role);
        assert!(text("(( SELECT auth.role() AS role) = 'authenticated'::text)").tests_role);
        assert!(text("(CURRENT_USER = ANY (ARRAY['a'::name, 'b'::name]))").tests_role);
        assert!(text("pg_has_role('staff'::name, 'member'::text)").tests_role);
        assert!(!text("(owner = CURRENT_USER)").tests_role);
        assert!(!text("pg_has_role(owner, 'member'::text)").tests_role);
    }

    #[test]
    fn subqueries_tell_their_tables_and_whether_they_depend_on_the_row() {
        let exists = "(EXISTS ( SELECT 1 FROM (members m JOIN teams t ON ((t.id = m.team))) WHERE ((m.doc = docs.id) AND (m.who = f()))))";
        let one = text(exists).subqueries.remove(0);
        assert_eq!((one.tables.join(", ").as_str(), one.depends_on_row), ("members, teams", true));
        let once = "(team IN ( SELECT members.team FROM members WHERE (members.who = f())))";
        assert!(!text(once).subqueries[0].depends_on_row);
        assert!(text("(owner = ( SELECT f() AS f))").subqueries.is_empty());
        let own = "(id IN ( SELECT docs.id FROM other docs))";
        assert!(!text(own).subqueries[0].depends_on_row, "a table of the same alias");
        let nested =
            "(a IN ( SELECT x.a FROM x WHERE (EXISTS ( SELECT 1 FROM y WHERE (y.id = docs.id)))))";
        let all: Vec<bool> = text(nested).subqueries.iter().map(|s| s.depends_on_row).collect();
        assert_eq!(all, [true, true]);
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        assert!(policy_text("(a = ", "docs").is_err());
    }
}
