//! `BETWEEN` on times that ends at midnight, or a second before.

use pg_query::{NodeEnum, protobuf::AExprKind};

use super::{
    Said,
    look::{Found, Look, literal},
    made::{edited, type_name},
    query::Query,
};
use crate::{
    rewrite::shape::{condition, inner, operator},
    role::condition::text_of,
};

/// How the end of a range is written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// A day, or its first instant.
    Midnight(String),
    /// The last second or minute of a day.
    AlmostOver(String),
}

pub(super) fn find(look: &Look<'_>, said: &mut Vec<Said>) {
    look.in_conditions(&mut |query, node| said.extend(one(look, query, node)));
}

fn one<'a>(look: &Look<'a>, query: &Query<'a>, node: &'a NodeEnum) -> Option<Said> {
    let NodeEnum::AExpr(e) = node else { return None };
    let column = inner(e.lexpr.as_deref())?;
    let found = look.column(query, column)?;
    let right = inner(e.rexpr.as_deref())?;
    let (low, high) = match right {
        NodeEnum::List(list) if e.kind == AExprKind::AexprBetween as i32 => {
            let [low, high] = list.items.as_slice() else { return None };
            (Some(inner(Some(low))?), inner(Some(high))?)
        }
        _ if operator(node) == Some("<=") => (None, right),
        _ => return None,
    };
    if !is_time(&found, high, !look.facts.is_known()) {
        return None;
    }
    let end = end_of(high)?;
    let (End::Midnight(day) | End::AlmostOver(day)) = &end;
    let name = text_of(column)?;
    let day_after = condition(&format!("'{day}'::date + 1"), &[])?;
    let better = match low {
        Some(low) => condition("_0 >= _1 AND _0 < _2", &[column.clone(), low.clone(), day_after]),
        None => condition("_0 < _1", &[column.clone(), day_after]),
    }?;
    let text = edited(look.root, &mut |node| {
        if matches!(node, NodeEnum::AExpr(same) if same.location == e.location && same.kind == e.kind)
        {
            *node = better.clone();
        }
    });
    let why = match end {
        End::Midnight(_) => format!(
            "{name} holds times, and {day} as a time is {day} 00:00:00: what happened later that day is not in the range."
        ),
        End::AlmostOver(_) => {
            format!(
                "{name} holds fractions of a second: what happened in the last second of {day} is not in the range."
            )
        }
    };
    Some(Said {
        at: e.location,
        why,
        instead: "End the range before the next day: >= the first, < the day after the last."
            .to_owned(),
        changes: format!("The rows of the rest of {day} are found, too."),
        text,
        ..Said::default()
    })
}

/// Whether a column holds times; without a catalogue, whether it is compared as one.
fn is_time(found: &Found<'_>, high: &NodeEnum, is_offline: bool) -> bool {
    match found.column {
        Some(column) => ["timestamp", "timestamptz"].contains(&column.type_id.as_str()),
        None => {
            is_offline
                && matches!(high, NodeEnum::TypeCast(cast) if cast.type_name.as_ref().is_some_and(
                    |name| matches!(type_name(&name.names), Some("timestamp" | "timestamptz"))))
        }
    }
}

fn end_of(node: &NodeEnum) -> Option<End> {
    let text = literal(node)?.trim();
    let (day, rest) = (text.get(..10)?, text.get(10..)?);
    let is_day = day.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    if !is_day {
        return None;
    }
    let time = rest.trim_start_matches(['T', ' ']);
    let zero = |c: char| matches!(c, '0' | ':' | '.');
    if time.chars().all(zero) {
        Some(End::Midnight(day.to_owned()))
    } else if matches!(time, "23:59" | "23:59:59") || time.starts_with("23:59:59.") {
        // Microseconds are all there is.
        (time != "23:59:59.999999").then(|| End::AlmostOver(day.to_owned()))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_days_are_known() {
        let end = |text: &str| end_of(&condition(&format!("'{text}'"), &[]).unwrap());
        let midnight = Some(End::Midnight("2024-01-31".into()));
        for text in ["2024-01-31", "2024-01-31 00:00", "2024-01-31T00:00:00.000"] {
            assert_eq!(end(text), midnight, "{text}");
        }
        let late = Some(End::AlmostOver("2024-01-31".into()));
        for text in ["2024-01-31 23:59", "2024-01-31 23:59:59", "2024-01-31 23:59:59.999"] {
            assert_eq!(end(text), late, "{text}");
        }
        for text in [
            "2024-01-31 12:00",
            "2024-01-31 23:59:59.999999",
            "infinity",
            "é024-01-31",
            "31.1.2024",
        ] {
            assert_eq!(end(text), None, "{text}");
        }
    }
}
