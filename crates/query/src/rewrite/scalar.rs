//! `SELECT (SELECT sum(u.n) FROM u WHERE u.t_id = t.id) FROM t` → `… FROM t LEFT JOIN (… GROUP BY u.t_id) …`.

use pg_query::{
    Node, NodeEnum,
    protobuf::{FuncCall, SelectStmt, SubLink, SubLinkType},
};

use super::{
    Told,
    below::children_mut,
    distinct::{is_inner, shows_all},
    glance::Glance,
    not_in::only_target,
    scope::{Found, parts},
    shape::{
        and, as_column, boxed, compares_exactly, comparison, condition, constant, function_name,
        inner, is_plain, may_be_volatile, node as wrapped, query,
    },
    walk::Place,
    whole::mentions,
};
use crate::{condition::conjuncts, tree};

/// Aggregates that do not depend on the order of rows and are NULL without any.
const BLIND: &[&str] = &["bool_and", "bool_or", "every", "max", "min"];

/// The same, for these types of argument only: sums of floating point depend on the order.
const EXACT: &[&str] = &["avg", "sum"];
const EXACT_TYPES: &[&str] = &["bigint", "integer", "numeric", "smallint"];

/// A subquery that is a value.
pub(super) fn concerns(at: Glance<'_>) -> bool {
    matches!(at.other(), Some(NodeEnum::SubLink(sub)) if sub.sub_link_type == SubLinkType::ExprSublink as i32)
}

pub(super) fn apply(node: &mut NodeEnum, place: &Place<'_>) -> Option<Told> {
    let NodeEnum::SelectStmt(select) = node else { return None };
    // A star would show the columns of the join; names of the query must not be those that are made up.
    if !is_plain(select) || select.from_clause.is_empty() || shows_all(select) {
        return None;
    }
    let mut inside = place.clone();
    inside.levels.push(place.level_of(select));
    let whole = NodeEnum::SelectStmt(select.clone());
    let mut changed = select.clone();
    let mut joins: Vec<Joined> = Vec::new();
    let mut visit = |node: &mut NodeEnum| {
        replace(node, &mut |sub| {
            let made = joined(sub, &inside, &fresh(sub, &whole, joins.len())?)?;
            let shown = made.shown.clone();
            joins.push(made);
            Some(shown)
        });
    };
    let targets = changed.target_list.iter_mut().filter_map(|node| node.node.as_mut());
    targets.for_each(&mut visit);
    changed.where_clause.iter_mut().filter_map(|node| node.node.as_mut()).for_each(&mut visit);
    let because = joins.first()?.because.clone();
    for join in joins {
        attach(&mut changed, join)?;
    }
    *select = changed;
    Some(Told::equivalent(because))
}

/// A subquery as something to join.
struct Joined {
    /// The tables whose rows it is for.
    outer: String,
    /// The query, and the name it goes by.
    derived: Box<SelectStmt>,
    alias: String,
    on: NodeEnum,
    /// What stands in its place.
    shown: NodeEnum,
    because: String,
}

/// A column of the subquery, and the one of the query around it that it must equal.
struct Pair {
    own: NodeEnum,
    own_name: String,
    outer: NodeEnum,
    outer_alias: String,
}

/// Replaces subqueries in an expression, but not those inside of others.
fn replace(node: &mut NodeEnum, make: &mut dyn FnMut(&SubLink) -> Option<NodeEnum>) {
    if let NodeEnum::SubLink(sub) = node {
        if let Some(made) = make(sub) {
            *node = made;
        }
        return;
    }
    children_mut(node, &mut |child| replace(child, make));
}

/// A name nobody uses.
fn fresh(sub: &SubLink, whole: &NodeEnum, count: usize) -> Option<String> {
    let NodeEnum::SelectStmt(select) = inner(sub.subselect.as_deref())? else { return None };
    let mut table = None;
    for item in &select.from_clause {
        tree::deep(inner(Some(item))?, &mut |below| {
            if let NodeEnum::RangeVar(range) = below {
                table.get_or_insert_with(|| range.relname.clone());
            }
        });
    }
    let plain: String = table?
        .chars()
        .filter(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .take(30)
        .collect();
    let base =
        if count == 0 { format!("per_{plain}") } else { format!("per_{plain}_{}", count + 1) };
    (!mentions(whole, &base)).then_some(base)
}

fn joined(sub: &SubLink, around: &Place<'_>, alias: &str) -> Option<Joined> {
    let NodeEnum::SelectStmt(select) = inner(sub.subselect.as_deref())? else { return None };
    if sub.sub_link_type != SubLinkType::ExprSublink as i32 || !is_simple(select) {
        return None;
    }
    let whole = NodeEnum::SelectStmt(select.clone());
    let mut deeper = around.clone();
    deeper.levels.push(around.level_of(select));
    if may_be_volatile(&whole, around.catalogue) || holds_query(select) {
        return None;
    }
    let target = only_target(select)?;
    if !is_own(target, &deeper) || !select.from_clause.iter().all(|item| is_own_of(item, &deeper)) {
        return None;
    }
    let (mut pairs, mut rest) = (Vec::new(), None);
    for part in conjuncts(select.where_clause.as_deref()) {
        if is_own(part, &deeper) {
            and(&mut rest, part.clone());
        } else {
            pairs.push(pair(part, &deeper)?);
        }
    }
    let outer = pairs.first()?.outer_alias.clone();
    if pairs.iter().any(|pair| pair.outer_alias != outer) {
        return None;
    }
    let value = value(target, &deeper, alias)?;
    let because = if value.needs_key {
        let key = key(select, &pairs, &deeper)?;
        format!("{key} is unique, so there is at most one row, and NULL where there is none")
    } else {
        "an aggregate without groups is always one row, and grouped by what it is looked up by at most one; where \
         there is none, it is that of no rows"
            .to_owned()
    };
    let derived = derived(select, &pairs, rest, &value, alias)?;
    let mut on = None;
    for (number, pair) in pairs.iter().enumerate() {
        let name = format!("{alias}.{}", key_name(alias, number));
        and(&mut on, condition(&format!("{name} = _0"), std::slice::from_ref(&pair.outer))?);
    }
    let on = on?.node?;
    Some(Joined { outer, derived, alias: alias.to_owned(), on, shown: value.shown, because })
}

fn key_name(alias: &str, number: usize) -> String {
    if number == 0 { format!("{alias}_key") } else { format!("{alias}_key_{}", number + 1) }
}

/// One arm of tables joined, without what draws rows together in another way than an aggregate of all.
fn is_simple(select: &SelectStmt) -> bool {
    let mut bare = select.clone();
    bare.target_list.clear();
    is_plain(&bare)
        && select.distinct_clause.is_empty()
        && select.sort_clause.is_empty()
        && !select.from_clause.is_empty()
        && select.from_clause.iter().all(is_inner)
}

fn holds_query(select: &SelectStmt) -> bool {
    let mut found = false;
    tree::of_select(select, &mut |child| {
        tree::deep(child, &mut |below| found |= matches!(below, NodeEnum::SubLink(_)));
    });
    found
}

/// Whether all columns below are those of the innermost query, for certain.
fn is_own(node: &NodeEnum, place: &Place<'_>) -> bool {
    let mut own = true;
    tree::deep(node, &mut |below| {
        if matches!(below, NodeEnum::ColumnRef(_)) {
            own &= place.column(below).is_some_and(|found| found.depth == 0);
        }
    });
    own
}

fn is_own_of(item: &Node, place: &Place<'_>) -> bool {
    inner(Some(item)).is_some_and(|item| is_own(item, place))
}

/// `own = outer`, where equal means the same on both sides.
fn pair(part: &NodeEnum, place: &Place<'_>) -> Option<Pair> {
    let at = |node: &NodeEnum, depth: usize| -> Option<Found> {
        as_column(node)?;
        place.column(node).filter(|found| found.depth == depth)
    };
    let (own, op, outer) = comparison(part, |side| at(side, 0).is_some())?;
    let (found, other) = (at(own, 0)?, at(outer, 1)?);
    let is_same = compares_exactly(&found.column.type_name, &other.column.type_name);
    (op == "=" && is_same).then(|| Pair {
        own: own.clone(),
        own_name: found.column.name,
        outer: outer.clone(),
        outer_alias: other.alias,
    })
}

/// What the subquery shows.
struct Value {
    /// Inside of the join.
    computed: NodeEnum,
    /// Outside of it.
    shown: NodeEnum,
    /// It is no aggregate, so that a key must make it one row.
    needs_key: bool,
}

fn value(target: &NodeEnum, place: &Place<'_>, alias: &str) -> Option<Value> {
    let name = format!("{alias}.{alias}_value");
    let shown = condition(&name, &[])?;
    match target {
        NodeEnum::ColumnRef(reference) if parts(reference).is_some() => {
            Some(Value { computed: target.clone(), shown, needs_key: true })
        }
        NodeEnum::FuncCall(call) if is_count(call) => Some(Value {
            computed: target.clone(),
            shown: condition(&format!("coalesce({name}, 0)"), &[])?,
            needs_key: false,
        }),
        NodeEnum::FuncCall(call) if is_blind(call, place) => {
            Some(Value { computed: target.clone(), shown, needs_key: false })
        }
        NodeEnum::CoalesceExpr(coalesce) => {
            let [first, other] = coalesce.args.as_slice() else { return None };
            let (first, other) = (inner(Some(first))?, inner(Some(other))?);
            let NodeEnum::FuncCall(call) = first else { return None };
            constant(other)?;
            is_blind(call, place).then_some(())?;
            let shown = condition(&format!("coalesce({name}, _0)"), std::slice::from_ref(other))?;
            Some(Value { computed: first.clone(), shown, needs_key: false })
        }
        _ => None,
    }
}

fn is_aggregate_of_columns(call: &FuncCall) -> bool {
    call.over.is_none()
        && call.agg_filter.is_none()
        && call.agg_order.is_empty()
        && !call.agg_within_group
        && !call.func_variadic
}

fn is_count(call: &FuncCall) -> bool {
    is_aggregate_of_columns(call) && function_name(call) == Some("count")
}

fn is_blind(call: &FuncCall, place: &Place<'_>) -> bool {
    let Some(name) = function_name(call).filter(|_| is_aggregate_of_columns(call)) else {
        return false;
    };
    if BLIND.contains(&name) {
        return true;
    }
    let of = match call.args.as_slice() {
        [argument] => inner(Some(argument)).and_then(|argument| place.column(argument)),
        _ => None,
    };
    EXACT.contains(&name)
        && of.is_some_and(|found| {
            EXACT_TYPES.contains(&found.column.type_name.split('(').next().unwrap_or_default())
        })
}

/// The unique key that makes the subquery one row at most.
fn key(select: &SelectStmt, pairs: &[Pair], place: &Place<'_>) -> Option<String> {
    let level = place.level_of(select);
    let [item] = level.items.as_slice() else { return None };
    let keys = place.catalogue.unique_keys(item.table.as_ref()?);
    let is_met = |key: &&Vec<String>| {
        !key.is_empty() && key.iter().all(|name| pairs.iter().any(|pair| pair.own_name == *name))
    };
    keys.iter().find(is_met).map(|key| format!("{} ({})", item.alias, key.join(", ")))
}

/// The query to be joined: what it is looked up by, and what it shows.
fn derived(
    select: &SelectStmt,
    pairs: &[Pair],
    rest: Option<Box<Node>>,
    value: &Value,
    alias: &str,
) -> Option<Box<SelectStmt>> {
    let mut nodes: Vec<NodeEnum> = pairs.iter().map(|pair| pair.own.clone()).collect();
    let mut shown: Vec<String> = (0..pairs.len())
        .map(|number| format!("_{number} AS {}", key_name(alias, number)))
        .collect();
    shown.push(format!("_{} AS {alias}_value", nodes.len()));
    nodes.push(value.computed.clone());
    let template = query(&format!("SELECT {}", shown.join(", ")), &nodes)?;
    let mut made = Box::new(select.clone());
    made.target_list = template.target_list;
    made.where_clause = rest;
    if !value.needs_key {
        made.group_clause = pairs.iter().map(|pair| wrapped(pair.own.clone())).collect();
    }
    Some(made)
}

/// Puts the join behind the item of the `FROM` list that its condition names.
fn attach(select: &mut SelectStmt, join: Joined) -> Option<()> {
    let item = select.from_clause.iter_mut().find(|item| {
        super::scope::Level::of(std::slice::from_ref(*item), &[])
            .items
            .iter()
            .any(|it| it.alias == join.outer)
    })?;
    let template =
        query(&format!("SELECT 1 FROM a LEFT JOIN (SELECT 1) AS {} ON true", join.alias), &[])?;
    let mut made = template.from_clause.into_iter().next()?.node?;
    if let NodeEnum::JoinExpr(outer) = &mut made {
        outer.larg = Some(Box::new(item.clone()));
        outer.quals = Some(boxed(join.on));
        if let Some(NodeEnum::RangeSubselect(sub)) =
            outer.rarg.as_mut().and_then(|side| side.node.as_mut())
        {
            sub.subquery = Some(boxed(NodeEnum::SelectStmt(join.derived)));
        }
    }
    item.node = Some(made);
    Some(())
}
