//! `a <> 1 OR a <> 2`.

use pg_query::{NodeEnum, protobuf::BoolExprType};

use super::{Said, look::Look, made::edited};
use crate::{
    rewrite::shape::{as_column, comparison, constant, inner},
    role::condition::text_of,
};

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |_, node| said.extend(one(look, node)));
}

fn one(look: &Look<'_>, node: &NodeEnum) -> Option<Said> {
    let NodeEnum::BoolExpr(any) = node else { return None };
    if any.boolop != BoolExprType::OrExpr as i32 {
        return None;
    }
    let (mut column, mut values) = (None, Vec::new());
    for arm in &any.args {
        let (left, op, right) = comparison(inner(Some(arm))?, |side| as_column(side).is_some())?;
        let fields = &as_column(left)?.fields;
        // Places differ, names must not.
        let name = text_of(left)?;
        if op != "<>" || fields.is_empty() || *column.get_or_insert(name.clone()) != name {
            return None;
        }
        values.push(constant(right)?);
    }
    let column = column?;
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return None;
    }
    let text = edited(look.root, &mut |node| {
        if let NodeEnum::BoolExpr(same) = node
            && same.boolop == any.boolop
            && same.location == any.location
            && same.args == any.args
        {
            same.boolop = BoolExprType::AndExpr as i32;
        }
    });
    Some(Said {
        at: any.location,
        why: format!(
            "Whatever {column} is, it differs from one of the two: only NULL does not pass."
        ),
        instead: "Join inequalities by AND, or write NOT IN.".to_owned(),
        changes: format!("Rows whose {column} is one of these values are left out."),
        text,
        ..Said::default()
    })
}
