//! The line of a node in the text format: `->  Index Scan using i on app.t x  (cost=…) (actual …)`.

use super::tree::{Fields, Tree};

/// Names of nodes by which a root is known when it has neither cost nor times. Longer ones first where one begins
/// like another.
const KINDS: [&str; 41] = [
    "Result",
    "ProjectSet",
    "Insert",
    "Update",
    "Delete",
    "Merge Append",
    "Merge",
    "Append",
    "Recursive Union",
    "BitmapAnd",
    "BitmapOr",
    "Nested Loop",
    "Hash",
    "Seq Scan",
    "Sample Scan",
    "Gather Merge",
    "Gather",
    "Index Scan",
    "Index Only Scan",
    "Bitmap Index Scan",
    "Bitmap Heap Scan",
    "Tid Scan",
    "Tid Range Scan",
    "Subquery Scan",
    "Function Scan",
    "Table Function Scan",
    "Values Scan",
    "CTE Scan",
    "Named Tuplestore Scan",
    "WorkTable Scan",
    "Foreign Scan",
    "Materialize",
    "Memoize",
    "Sort",
    "Incremental Sort",
    "Group",
    "WindowAgg",
    "Unique",
    "SetOp",
    "LockRows",
    "Limit",
];

/// What a line says of a node.
pub(super) struct Header {
    pub(super) fields: Fields,
    /// Whether costs, times or rows stand behind the name: then it is a node beyond doubt.
    pub(super) has_figures: bool,
}

/// Reads the line of a node, without white space and arrow before it.
pub(super) fn header(content: &str) -> Option<Header> {
    let start = figures_start(content);
    let (name, figures) = match start {
        Some(at) => content.split_at(at),
        None => (content, ""),
    };
    let mut fields = Vec::new();
    named(name.trim(), &mut fields)?;
    if start.is_some() && !numbers(figures, &mut fields) {
        return None;
    }
    Some(Header { fields, has_figures: start.is_some() })
}

/// Whether a line without figures can be a root: its name is known and nothing but names follows.
pub(super) fn is_bare_root(content: &str) -> bool {
    let (_, name) = flags(content);
    let (name, _) = partial_mode(name);
    let (kind, target) = split_target(name);
    let kind = kind.split(" using ").next().unwrap_or(kind);
    let kind = kind.strip_suffix(" Backward").unwrap_or(kind);
    let known = KINDS.contains(&kind)
        || kind.starts_with("Custom Scan (")
        || ["Join", "Aggregate"].iter().any(|end| kind.ends_with(end))
        || kind.starts_with("SetOp ")
        || kind.starts_with("HashSetOp ");
    known && target.is_none_or(|target| identifiers(target).is_some())
}

fn figures_start(content: &str) -> Option<usize> {
    let mark = |mark: &str| content.rfind(mark);
    mark("(cost=")
        .or_else(|| mark("(actual time="))
        .or_else(|| mark("(actual rows="))
        .or_else(|| mark("(never executed)"))
}

/// `(cost=0.00..35.50 rows=2550 width=4) (actual time=0.01..0.02 rows=3 loops=1)`; whether there is any.
fn numbers(text: &str, fields: &mut Fields) -> bool {
    let mut put = |key: &str, value: &str| {
        fields.push((key.to_owned(), Tree::Text(value.to_owned())));
    };
    let mut found = false;
    if let Some(inner) = group(text, "(cost=") {
        let mut words = inner.split(' ');
        let (first, last) =
            words.next().and_then(|range| range.split_once("..")).unwrap_or_default();
        put("Startup Cost", first);
        put("Total Cost", last);
        for word in words {
            match word.split_once('=') {
                Some(("rows", rows)) => put("Plan Rows", rows),
                Some(("width", width)) => put("Plan Width", width),
                _ => {}
            }
        }
        found = true;
    }
    if let Some(inner) = group(text, "(actual ") {
        actual(inner, &mut put);
        found = true;
    } else if text.contains("(never executed)") {
        put("Actual Rows", "0");
        put("Actual Loops", "0");
        found = true;
    }
    found
}

/// `time=0.01..0.02 rows=3 loops=1`.
pub(super) fn actual(text: &str, put: &mut impl FnMut(&str, &str)) {
    for word in text.split(' ') {
        match word.split_once('=') {
            Some(("time", range)) => {
                let (first, last) = range.split_once("..").unwrap_or((range, range));
                put("Actual Startup Time", first);
                put("Actual Total Time", last);
            }
            Some(("rows", rows)) => put("Actual Rows", rows),
            Some(("loops", loops)) => put("Actual Loops", loops),
            _ => {}
        }
    }
}

fn group<'a>(text: &'a str, open: &str) -> Option<&'a str> {
    let inner = &text[text.find(open)? + open.len()..];
    inner.find(')').map(|end| &inner[..end])
}

/// `Parallel ` and `Async ` before the name.
fn flags(name: &str) -> (Vec<&'static str>, &str) {
    let mut flags = Vec::new();
    let mut rest = name;
    for (word, key) in [("Parallel ", "Parallel Aware"), ("Async ", "Async Capable")] {
        if let Some(after) = rest.strip_prefix(word) {
            flags.push(key);
            rest = after;
        }
    }
    (flags, rest)
}

fn partial_mode(name: &str) -> (&str, Option<&'static str>) {
    for mode in ["Partial", "Finalize"] {
        if let Some(rest) = name.strip_prefix(mode).and_then(|rest| rest.strip_prefix(' ')) {
            return (rest, Some(mode));
        }
    }
    (name, None)
}

/// The name of the step, and what stands behind ` on `.
fn split_target(name: &str) -> (&str, Option<&str>) {
    // The provider of a custom scan may have any name.
    let from = name.strip_prefix("Custom Scan (").and_then(|rest| rest.find(')')).unwrap_or(0);
    match name[from..].find(" on ") {
        Some(at) => (&name[..from + at], Some(name[from + at + 4..].trim())),
        None => (name, None),
    }
}

fn named(name: &str, fields: &mut Fields) -> Option<()> {
    if name.is_empty() {
        return None;
    }
    let (flags, name) = flags(name);
    let (name, mode) = partial_mode(name);
    let (step, target) = split_target(name);
    let mut put = |key: &str, value: &str| {
        fields.push((key.to_owned(), Tree::Text(value.to_owned())));
    };
    for flag in flags {
        put(flag, "true");
    }
    if let Some(mode) = mode {
        put("Partial Mode", mode);
    }
    let (step, index) = match step.split_once(" using ") {
        Some((step, index)) => (step, Some(index)),
        None => (step, None),
    };
    let step = match step.strip_suffix(" Backward") {
        Some(step) => {
            put("Scan Direction", "Backward");
            step
        }
        None => step,
    };
    if let Some(index) = index {
        put("Index Name", &identifiers(index)?.pop()?.pop()?);
    }
    let kind = kind_of(step, &mut put);
    put("Node Type", kind);
    if let Some(target) = target {
        place(kind, target, &mut put)?;
    }
    Some(())
}

/// The name of the structured formats, and what they tell apart from it.
fn kind_of<'a>(step: &'a str, put: &mut impl FnMut(&str, &str)) -> &'a str {
    if let Some(provider) = step.strip_prefix("Custom Scan (") {
        put("Custom Plan Provider", provider.trim_end_matches(')'));
        return "Custom Scan";
    }
    for (word, kind) in
        [("Nested Loop", "Nested Loop"), ("Hash", "Hash Join"), ("Merge", "Merge Join")]
    {
        let Some(rest) = step.strip_prefix(word) else { continue };
        if rest.is_empty() && word == "Nested Loop" {
            put("Join Type", "Inner");
            return kind;
        }
        if let Some(join) = rest.strip_suffix("Join") {
            put("Join Type", if join.trim().is_empty() { "Inner" } else { join.trim() });
            return kind;
        }
    }
    for (word, strategy) in
        [("Hash", "Hashed"), ("Group", "Sorted"), ("Mixed", "Mixed"), ("", "Plain")]
    {
        if step.strip_prefix(word) == Some("Aggregate") {
            put("Strategy", strategy);
            return "Aggregate";
        }
    }
    for (word, strategy) in [("HashSetOp", "Hashed"), ("SetOp", "Sorted")] {
        if let Some(command) = step.strip_prefix(word) {
            put("Strategy", strategy);
            put("Command", command.trim());
            return "SetOp";
        }
    }
    match step {
        "Insert" | "Update" | "Delete" | "Merge" => {
            put("Operation", step);
            "ModifyTable"
        }
        "Foreign Insert" | "Foreign Update" | "Foreign Delete" => {
            put("Operation", step.trim_start_matches("Foreign "));
            "Foreign Scan"
        }
        _ => step,
    }
}

/// `app.orders o`, `"*VALUES*"`, `orders_pkey`.
fn place(kind: &str, target: &str, put: &mut impl FnMut(&str, &str)) -> Option<()> {
    let mut names = identifiers(target)?;
    let mut object = if names.is_empty() { return None } else { names.remove(0) };
    let alias = names.pop().and_then(|mut name| name.pop());
    let name = object.pop()?;
    let key = match kind {
        "Bitmap Index Scan" => "Index Name",
        "Function Scan" => "Function Name",
        "Table Function Scan" => "Table Function Name",
        "CTE Scan" | "WorkTable Scan" => "CTE Name",
        "Named Tuplestore Scan" => "Tuplestore Name",
        "Subquery Scan" | "Values Scan" => {
            put("Alias", &name);
            return Some(());
        }
        _ => "Relation Name",
    };
    put(key, &name);
    if let Some(schema) = object.pop() {
        put("Schema", &schema);
    }
    if kind != "Bitmap Index Scan" {
        put("Alias", alias.as_deref().unwrap_or(&name));
    }
    Some(())
}

/// One or two names, each perhaps qualified, as `quote_identifier` writes them; `None` for anything else.
fn identifiers(text: &str) -> Option<Vec<Vec<String>>> {
    let mut names = vec![Vec::new()];
    let mut rest = text;
    loop {
        let name;
        (name, rest) = identifier(rest)?;
        names.last_mut()?.push(name);
        if rest.is_empty() {
            return Some(names);
        }
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
        } else {
            rest = rest.strip_prefix(' ')?;
            names.push(Vec::new());
        }
        if names.len() > 2 || names.last()?.len() > 2 {
            return None;
        }
    }
}

fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(inner) = text.strip_prefix('"') else {
        let end = text.find([' ', '.']).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut rest = inner;
    loop {
        let at = rest.find('"')?;
        name.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}
