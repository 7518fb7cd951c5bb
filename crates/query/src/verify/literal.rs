//! The constants of a statement: data must hold them, or its conditions are never met.

use pg_query::{NodeEnum, protobuf::a_const};

use crate::{Statement, tree};

/// More are not tried.
const MOST: usize = 40;

/// Each constant once, as text.
pub fn constants(statement: &Statement) -> Vec<String> {
    let mut found = Vec::new();
    tree::deep(statement.root(), &mut |node| {
        let NodeEnum::AConst(value) = node else { return };
        let text = match &value.val {
            Some(a_const::Val::Ival(n)) => n.ival.to_string(),
            Some(a_const::Val::Fval(n)) => n.fval.clone(),
            Some(a_const::Val::Sval(text)) => text.sval.clone(),
            _ => return,
        };
        if found.len() < MOST && text.len() <= 200 && !found.contains(&text) {
            found.push(text);
        }
    });
    found
}
