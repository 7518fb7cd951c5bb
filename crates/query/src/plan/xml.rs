//! Plans in XML.

use super::{
    Fault, Found, MAX_DEPTH, WORK,
    tree::{Fields, Tree},
    whole,
};

/// Every plan of every `<explain>` in a text.
pub(super) fn plans(text: &str) -> Found {
    let mut plans = Vec::new();
    let mut broken = None;
    let mut budget = WORK.saturating_mul(text.len());
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| rest.find("<explain")) {
        match element(text, at + found) {
            Ok((tree, end)) => {
                plans.extend(whole::plans_in(tree));
                at = end;
            }
            Err(fault) => {
                budget = budget.saturating_sub(text.len() - at);
                broken = broken.or(Some(fault));
                at += found + 1;
                if budget == 0 {
                    break;
                }
            }
        }
    }
    (plans, broken)
}

/// An element whose end has not come.
struct Open<'a> {
    tag: &'a str,
    text: String,
    children: Fields,
}

/// The element that begins at a byte, and the byte behind it.
fn element(text: &str, start: usize) -> Result<(Tree, usize), Fault> {
    let mut open: Vec<Open<'_>> = Vec::new();
    let mut at = start;
    let unfinished = |at| Fault { at, reason: "the plan ends here, in the middle" };
    loop {
        let less = at + text[at..].find('<').ok_or(unfinished(text.len()))?;
        if let Some(inner) = open.last_mut() {
            inner.text.push_str(&unescaped(&text[at..less]));
        }
        let greater = less + text[less..].find('>').ok_or(unfinished(less))?;
        let tag = &text[less + 1..greater];
        at = greater + 1;
        if tag.starts_with(['?', '!']) {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            let closed = open.pop().filter(|inner| inner.tag == name.trim());
            let closed =
                closed.ok_or(Fault { at: less, reason: "an end tag without its start" })?;
            if let Some(tree) = attach(&mut open, closed) {
                return Ok((tree, at));
            }
            continue;
        }
        let name = tag.split([' ', '/', '\n']).next().unwrap_or_default();
        if open.len() >= MAX_DEPTH {
            return Err(Fault { at: less, reason: "nested deeper than any plan" });
        }
        open.push(Open { tag: name, text: String::new(), children: Vec::new() });
        if tag.ends_with('/') {
            let Some(closed) = open.pop() else { continue };
            if let Some(tree) = attach(&mut open, closed) {
                return Ok((tree, at));
            }
        }
    }
}

/// Hands an element to the one that holds it; answers it when there is none.
fn attach(open: &mut [Open<'_>], closed: Open<'_>) -> Option<Tree> {
    let key = key(closed.tag);
    let is_list = matches!(closed.tag, "explain" | "Plans" | "Workers" | "Triggers")
        || closed.children.iter().any(|(tag, _)| tag == "Item");
    let tree = if closed.children.is_empty() {
        Tree::Text(closed.text)
    } else if is_list {
        Tree::List(closed.children.into_iter().map(|(_, child)| child).collect())
    } else {
        Tree::Map(closed.children)
    };
    match open.last_mut() {
        None => Some(tree),
        Some(holder) => {
            holder.children.push((key, tree));
            None
        }
    }
}

/// The name the other formats give a tag: `Startup-Cost` is `Startup Cost`.
fn key(tag: &str) -> String {
    match tag {
        "Full-sort-Groups" => "Full-sort Groups".to_owned(),
        "Pre-sorted-Groups" => "Pre-sorted Groups".to_owned(),
        "One-Time-Filter" => "One-Time Filter".to_owned(),
        _ => tag.replace('-', " ").replace("I O ", "I/O "),
    }
}

fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest entity there is has ten characters.
        let end = rest.bytes().take(12).position(|c| c == b';').map_or(1, |end| end + 1);
        match entity(&rest[..end]) {
            Some(c) => out.push(c),
            None => out.push_str(&rest[..end]),
        }
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

fn entity(text: &str) -> Option<char> {
    match text {
        "&lt;" => Some('<'),
        "&gt;" => Some('>'),
        "&amp;" => Some('&'),
        "&quot;" => Some('"'),
        "&apos;" => Some('\''),
        _ => {
            let digits = text.strip_prefix("&#")?.strip_suffix(';')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
