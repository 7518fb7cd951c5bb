//! `OFFSET` → the rows behind the last one seen.

use dbvitals_model::words;
use pg_query::{
    NodeEnum,
    protobuf::{SelectStmt, SortByDir, SortByNulls},
};

use super::{
    Said,
    look::{Look, Size},
    made::{parsed, selected},
    query::Query,
};
use crate::{
    lint::name::quoted,
    rewrite::{
        below::deep,
        shape::{Constant, and, column, condition, constant, inner},
    },
};

/// Rows that may be skipped without a word.
const SKIPPED: i32 = 1_000;

/// One key of the order.
struct Key {
    name: String,
    descends: bool,
}

/// What stands in the way of a text.
enum Order {
    /// These keys, which no two rows share.
    Total(Vec<Key>),
    /// It lacks something, told as a sentence.
    Lacks(String),
}

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    for query in &look.queries {
        if let Some(select) = query.select() {
            said.extend(one(look, query, select));
        }
    }
}

fn one(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt) -> Option<Said> {
    let offset = inner(select.limit_offset.as_deref())?;
    let skipped = constant(offset);
    if matches!(skipped, Some(Constant::Integer(n)) if n < SKIPPED) {
        return None;
    }
    let (relation, range) = query.only_table()?;
    let Size::Matters(_) = look.size(relation) else { return None };
    if query.draws_together() {
        return None;
    }
    let rows = match skipped {
        Some(Constant::Integer(n)) => format!("{} rows", words::count(f64::from(n))),
        _ => "all rows of the pages before".to_owned(),
    };
    let order = order(look, query, select, relation);
    let mut needs = Vec::new();
    let (instead, text) = match &order {
        Order::Total(keys) => {
            let names: Vec<&str> = keys.iter().map(|key| key.name.as_str()).collect();
            if look.table(relation).is_none() {
                needs.push(format!("whether {} is unique and never NULL", names.join(", ")));
            }
            let told = format!(
                "Keep {} of the last row of a page, and ask for the rows behind it; an index in that order finds them at once.",
                names.join(", ")
            );
            (told, look.whole(query).and_then(|whole| behind(whole, look.alias(relation), keys)))
        }
        Order::Lacks(what) => (format!("Ask for the rows behind the last one seen. {what}"), None),
    };
    Some(Said {
        at: range.location,
        why: format!(
            "{rows} of {} are read, and thrown away, before the first is shown; rows that come or go meanwhile shift the \
             pages, so that rows are shown twice or never.",
            look.name(relation)
        ),
        instead,
        changes: "The page follows the last row seen, not its number: a jump to page 500 is no longer possible.".to_owned(),
        text,
        needs,
        ..Said::default()
    })
}

fn order(look: &Look<'_>, query: &Query<'_>, select: &SelectStmt, relation: usize) -> Order {
    let table = look.table(relation);
    let unique = table.and_then(super::fact::Table::total_key);
    let mut keys: Vec<Key> = Vec::new();
    for sort in &select.sort_clause {
        let Some(NodeEnum::SortBy(sort)) = inner(Some(sort)) else { continue };
        let plain = sort.sortby_nulls == SortByNulls::SortbyNullsDefault as i32;
        let found = inner(sort.node.as_deref()).and_then(|node| look.column(query, node));
        let Some(found) = found.filter(|found| plain && found.relation == relation) else {
            return Order::Lacks(
                "That needs an order of plain columns, without NULLS FIRST or LAST.".into(),
            );
        };
        if found.column.is_some_and(|column| !column.is_not_null) {
            return Order::Lacks(format!(
                "That needs an order without NULL: {} may be NULL, and no row is behind NULL.",
                found.name
            ));
        }
        let descends = sort.sortby_dir == SortByDir::SortbyDesc as i32;
        keys.push(Key { name: found.name, descends });
    }
    let holds = |key: &[String]| key.iter().all(|name| keys.iter().any(|own| own.name == *name));
    let is_total = match table {
        Some(table) => table.keys().into_iter().any(holds),
        None => keys.iter().any(|key| key.name == "id"),
    };
    if is_total {
        return Order::Total(keys);
    }
    match unique {
        Some(unique) => {
            let descends = keys.last().is_some_and(|last| last.descends);
            for name in unique {
                if !keys.iter().any(|key| key.name == *name) {
                    keys.push(Key { name: name.clone(), descends });
                }
            }
            Order::Total(keys)
        }
        None if keys.is_empty() => Order::Lacks(
            "That needs ORDER BY, with a unique key at its end; without it pages overlap anyway."
                .into(),
        ),
        None => Order::Lacks(format!(
            "That needs a unique key, NOT NULL, at the end of ORDER BY: several rows may have the same {}.",
            keys.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The statement without its `OFFSET`, for the rows behind a row whose keys are parameters.
fn behind(select: &SelectStmt, alias: &str, keys: &[Key]) -> Option<String> {
    let mut bare = select.clone();
    bare.limit_offset = None;
    let mut highest = 0;
    let mut whole = NodeEnum::SelectStmt(Box::new(bare));
    deep(&mut whole, &mut |node| {
        if let NodeEnum::ParamRef(parameter) = node {
            highest = highest.max(parameter.number);
        }
    });
    let columns: Vec<NodeEnum> =
        keys.iter().map(|key| column(alias, &key.name)).collect::<Option<_>>()?;
    let number = |place: usize| highest + 1 + i32::try_from(place).unwrap_or_default();
    let op = |key: &Key| if key.descends { "<" } else { ">" };
    let first = keys.first()?;
    let template = if keys.len() == 1 {
        format!("_0 {} ${}", op(first), number(0))
    } else if keys.iter().all(|key| key.descends == first.descends) {
        let names: Vec<String> = (0..keys.len()).map(|place| format!("_{place}")).collect();
        let values: Vec<String> =
            (0..keys.len()).map(|place| format!("${}", number(place))).collect();
        format!("({}) {} ({})", names.join(", "), op(first), values.join(", "))
    } else {
        let arm = |last: usize| {
            let equal = (0..last).map(|place| format!("_{place} = ${}", number(place)));
            let own = format!("_{last} {} ${}", op(&keys[last]), number(last));
            format!("({})", equal.chain([own]).collect::<Vec<_>>().join(" AND "))
        };
        (0..keys.len()).map(arm).collect::<Vec<_>>().join(" OR ")
    };
    let condition = condition(&template, &columns)?;
    let order: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(
                "{}.{}{}",
                quoted(alias),
                quoted(&key.name),
                if key.descends { " DESC" } else { "" }
            )
        })
        .collect();
    let sorted = parsed(&format!("SELECT 1 ORDER BY {}", order.join(", ")))?;
    selected(select, |changed| {
        changed.limit_offset = None;
        changed.sort_clause = sorted.sort_clause;
        and(&mut changed.where_clause, condition);
        Some(())
    })
}
