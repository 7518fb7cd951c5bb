//! Plans in the part of YAML that PostgreSQL writes: block lists and block maps, keys bare, texts in JSON's quotes.

use super::{
    Fault, Found, MAX_DEPTH, json,
    tree::{Fields, Tree},
    whole,
};

/// Every plan of every document in a text.
pub(super) fn plans(text: &str) -> Found {
    let mut plans = Vec::new();
    let mut broken = None;
    let mut lines = Lines { text, at: 0 };
    while let Some(line) = lines.peek() {
        if !begins(line.content) {
            lines.skip();
            continue;
        }
        match document(&mut lines) {
            Ok(tree) => plans.extend(whole::plans_in(tree)),
            Err(fault) => {
                broken = broken.or(Some(fault));
                lines.skip();
            }
        }
    }
    (plans, broken)
}

fn begins(content: &str) -> bool {
    let bare = content.strip_prefix("- ").unwrap_or(content);
    bare == "Plan:" || bare.starts_with("Query Text: \"")
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
}

#[derive(Clone, Copy)]
struct Line<'a> {
    /// The byte the content begins at.
    at: usize,
    /// White space before it.
    column: usize,
    content: &'a str,
}

impl<'a> Lines<'a> {
    /// The next line that holds something.
    fn peek(&mut self) -> Option<Line<'a>> {
        loop {
            let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
            let line = rest.split('\n').next().unwrap_or(rest);
            let content = line.trim();
            if !content.is_empty() {
                let column = line.len() - line.trim_start().len();
                return Some(Line { at: self.at + column, column, content });
            }
            self.at += line.len() + 1;
        }
    }

    fn skip(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.find('\n').map_or(rest.len(), |end| end + 1);
    }
}

/// An open list, or open fields with the name whose value the next lines hold.
enum Open {
    List(Vec<Tree>),
    Map(Fields, Option<String>),
}

/// Containers that are open, each with the column of its items.
struct Nest(Vec<(usize, Open)>);

impl Nest {
    fn open(&mut self, line: Line<'_>, column: usize, container: Open) -> Result<(), Fault> {
        if self.0.len() >= MAX_DEPTH {
            return Err(Fault { at: line.at, reason: "nested deeper than any plan" });
        }
        self.0.push((column, container));
        Ok(())
    }

    /// Closes what began right of a column, or everything; answers the whole when nothing is left open.
    fn close_to(&mut self, column: Option<usize>) -> Option<Tree> {
        while self.0.last().is_some_and(|(begun, _)| column.is_none_or(|column| *begun > column)) {
            let tree = match self.0.pop()?.1 {
                Open::List(items) => Tree::List(items),
                Open::Map(mut fields, pending) => {
                    fields.extend(pending.map(|key| (key, Tree::Text(String::new()))));
                    Tree::Map(fields)
                }
            };
            match self.0.last_mut() {
                None => return Some(tree),
                Some((_, Open::List(items))) => items.push(tree),
                Some((_, Open::Map(fields, pending))) => {
                    fields.push((pending.take().unwrap_or_default(), tree));
                }
            }
        }
        None
    }
}

/// One document from the present line on; ends before the first line that is no part of it.
fn document(lines: &mut Lines<'_>) -> Result<Tree, Fault> {
    let mut nest = Nest(Vec::new());
    while let Some(line) = lines.peek() {
        if let Some(whole) = nest.close_to(Some(line.column)) {
            return Ok(whole);
        }
        let taken = match list_item(line.content) {
            Some(item) => take_item(&mut nest, line, item)?,
            None => take_field(&mut nest, line, line.column, line.content)?,
        };
        if !taken {
            break;
        }
        lines.skip();
    }
    nest.close_to(None).ok_or(Fault { at: lines.at, reason: "expected a plan" })
}

fn list_item(content: &str) -> Option<&str> {
    if content == "-" { Some("") } else { content.strip_prefix("- ") }
}

/// `- key: value` or `- value`; whether it fits here.
fn take_item(nest: &mut Nest, line: Line<'_>, item: &str) -> Result<bool, Fault> {
    match nest.0.last() {
        Some((column, Open::List(_))) if *column == line.column => {}
        None | Some((_, Open::Map(_, Some(_)))) => {
            nest.open(line, line.column, Open::List(Vec::new()))?;
        }
        Some(_) => return Ok(false),
    }
    let item = item.trim_start();
    if field(item).is_some() {
        let column = line.column + (line.content.len() - item.len());
        nest.open(line, column, Open::Map(Vec::new(), None))?;
        return take_field(nest, line, column, item);
    }
    let value = scalar(line, item)?;
    if let Some((_, Open::List(items))) = nest.0.last_mut() {
        items.push(value);
    }
    Ok(true)
}

/// `key: value`; whether it fits here.
fn take_field(
    nest: &mut Nest,
    line: Line<'_>,
    column: usize,
    content: &str,
) -> Result<bool, Fault> {
    let Some((key, value)) = field(content) else { return Ok(false) };
    match nest.0.last() {
        Some((begun, Open::Map(..))) if *begun == column => {}
        None | Some((_, Open::Map(_, Some(_)))) => {
            nest.open(line, column, Open::Map(Vec::new(), None))?;
        }
        Some(_) => return Ok(false),
    }
    let Some((_, Open::Map(fields, pending))) = nest.0.last_mut() else { return Ok(false) };
    if let Some(empty) = pending.take() {
        fields.push((empty, Tree::Text(String::new())));
    }
    if value.is_empty() {
        *pending = Some(key.to_owned());
    } else {
        fields.push((key.to_owned(), scalar(line, value)?));
    }
    Ok(true)
}

fn field(content: &str) -> Option<(&str, &str)> {
    if content.starts_with(['"', '[', '{']) {
        return None;
    }
    match content.split_once(": ") {
        Some((key, value)) => Some((key, value.trim())),
        None => content.strip_suffix(':').map(|key| (key, "")),
    }
}

/// The value that a line ends with.
fn scalar(line: Line<'_>, text: &str) -> Result<Tree, Fault> {
    if text.starts_with('"') {
        let before = line.content.rfind(text).unwrap_or(0);
        return json::string(text, 0)
            .map(|(text, _)| Tree::Text(text))
            .map_err(|fault| Fault { at: line.at + before + fault.at, ..fault });
    }
    Ok(Tree::Text(text.to_owned()))
}
