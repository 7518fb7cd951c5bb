//! `lower(col) = …` → an index on the expression.

use pg_query::NodeEnum;

use super::{
    Said,
    look::{Look, Size},
    made::{Wanted, for_index, index, is_indexed, plain},
    query::Query,
};
use crate::{
    condition::equality,
    rewrite::shape::{function_name, inner},
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let side = equality(e)?.column;
    let NodeEnum::FuncCall(call) = side else { return None };
    let name = function_name(call).filter(|name| ["lower", "upper"].contains(name))?;
    let [argument] = call.args.as_slice() else { return None };
    let found = look.column(query, inner(Some(argument))?)?;
    if found.column.is_some_and(|c| !["text", "varchar", "bpchar"].contains(&c.type_id.as_str())) {
        return None;
    }
    let Size::Matters(table) = look.size(found.relation) else { return None };
    let is_there =
        table.is_some_and(|table| plain(side).is_some_and(|key| is_indexed(table, &key)));
    if is_there || look.is_served(query, found.relation) {
        return None;
    }
    let element = for_index(side)?;
    let named = vec![found.name.clone(), name.to_owned()];
    let wanted =
        Wanted { relation: found.relation, method: "", element, named, before: Vec::new() };
    let mut needs = Vec::new();
    if table.is_none() {
        needs.push(format!("whether there is an index on {}", for_index(side)?));
    }
    Some(Said {
        at: call.location,
        why: format!(
            "{} is computed for every row of {}, and its share of rows is guessed: an index on {} does not know it.",
            text_of(side)?,
            look.sized(found.relation),
            found.name
        ),
        instead: "Make an index on the expression; ANALYZE then keeps statistics of it, too. Where the column is never to tell \
                  cases apart, give it a collation that is not deterministic (12 and later; LIKE on it from 18 on), or the type \
                  citext."
            .to_owned(),
        changes: "The result stays. With such a collation or citext, every comparison of the column is blind to case."
            .to_owned(),
        fix: index(look, wanted),
        needs,
        ..Said::default()
    })
}
