//! Plans in the text format: a line for each node, told apart by how far it is indented, and lines below it.

use dbvitals_model::plan::Plan;

use super::{
    Fault, Found, MAX_DEPTH, header, node, property,
    tree::{Fields, Tree},
    whole,
};

/// Bytes of a condition that is looked through for quotes which its line left open.
const LONGEST_WRAPPED: usize = 100_000;

/// Lines of a statement that are taken over, at most.
const STATEMENT_LINES: usize = 10_000;

/// Every plan of a text.
pub(super) fn plans(text: &str) -> Found {
    let mut reader = Reader::default();
    let mut start = 0;
    let mut lines = text.split('\n').peekable();
    while let Some(line) = lines.next() {
        let content = line.trim();
        let place = Place {
            at: start,
            column: line.len() - line.trim_start().len(),
            is_before_arrow: lines.peek().is_some_and(|next| next.trim_start().starts_with("->")),
        };
        start += line.len() + 1;
        if !content.is_empty() {
            reader.line(content, place);
        }
        if reader.fault.is_some() {
            break;
        }
    }
    reader.close();
    let mut plans = reader.plans;
    // A heading may look like a node without figures; where there are plans with figures, it is none.
    let has_figures =
        |plan: &Plan| plan.root().is_some_and(|n| n.estimate.is_some() || n.actual.is_some());
    if plans.iter().any(has_figures) {
        plans.retain(has_figures);
    }
    (plans, reader.fault)
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    column: usize,
    is_before_arrow: bool,
}

/// A node whose lines may still come.
struct Open {
    parent: Option<usize>,
    fields: Fields,
    workers: Vec<Tree>,
}

/// What the lines further to the right belong to.
enum Within {
    Node,
    Worker(usize),
    Planning(usize, Fields),
    Jit(usize, Fields),
    Serialization(usize),
}

#[derive(Default)]
struct Reader {
    plans: Vec<Plan>,
    fault: Option<Fault>,
    statement: Option<Vec<String>>,
    current: Option<Current>,
}

/// The plan that is being read.
struct Current {
    nodes: Vec<Open>,
    /// The arrows above the present line: column and node.
    arrows: Vec<(usize, usize)>,
    root_column: usize,
    label: Option<String>,
    within: Within,
    beside: Fields,
    triggers: Vec<Tree>,
    is_ending: bool,
}

impl Reader {
    fn line(&mut self, content: &str, place: Place) {
        if let Some(text) = content.strip_prefix("Query Text: ") {
            self.close();
            self.statement = Some(vec![text.to_owned()]);
            return;
        }
        if let (Some(after), Some(current)) = (content.strip_prefix("->"), &mut self.current) {
            self.fault = current.arrow(after.trim(), place);
            return;
        }
        if self.is_root(content, place) {
            self.open(content, place);
            return;
        }
        let Some(current) = &mut self.current else {
            if let Some(lines) = self.statement.as_mut().filter(|it| it.len() < STATEMENT_LINES) {
                lines.push(content.to_owned());
            }
            return;
        };
        if !current.take(content, place) {
            self.close();
        }
    }

    /// A node that is nobody's child. Below an open plan, only one that stands as far left begins another.
    fn is_root(&self, content: &str, place: Place) -> bool {
        let is_free = match &self.current {
            None => true,
            Some(current) => place.column <= current.root_column,
        };
        if !is_free || content.starts_with("->") {
            return false;
        }
        let Some(header) = header::header(content) else { return false };
        header.has_figures || header::is_bare_root(content)
    }

    fn open(&mut self, content: &str, place: Place) {
        let statement = self.statement.take();
        self.close();
        let Some(header) = header::header(content) else { return };
        let root = Open { parent: None, fields: header.fields, workers: Vec::new() };
        let mut beside = Vec::new();
        if let Some(lines) = statement {
            beside.push(("Query Text".to_owned(), Tree::Text(lines.join("\n"))));
        }
        self.current = Some(Current {
            nodes: vec![root],
            arrows: Vec::new(),
            root_column: place.column,
            label: None,
            within: Within::Node,
            beside,
            triggers: Vec::new(),
            is_ending: false,
        });
    }

    fn close(&mut self) {
        self.statement = None;
        if let Some(current) = self.current.take() {
            self.plans.push(current.finish());
        }
    }
}

impl Current {
    /// A node below another.
    fn arrow(&mut self, content: &str, place: Place) -> Option<Fault> {
        let header = header::header(content)?;
        self.leave();
        while self.arrows.last().is_some_and(|(column, _)| *column >= place.column) {
            self.arrows.pop();
        }
        if self.arrows.len() >= MAX_DEPTH {
            return Some(Fault { at: place.at, reason: "nested deeper than any plan" });
        }
        let parent = self.arrows.last().map_or(0, |(_, node)| *node);
        let mut fields = header.fields;
        if let Some(label) = self.label.take() {
            let is_sub_plan = label.starts_with("SubPlan");
            let relationship = if is_sub_plan { "SubPlan" } else { "InitPlan" };
            fields.push(("Parent Relationship".to_owned(), Tree::Text(relationship.to_owned())));
            fields.push(("Subplan Name".to_owned(), Tree::Text(label)));
        }
        self.nodes.push(Open { parent: Some(parent), fields, workers: Vec::new() });
        self.arrows.push((place.column, self.nodes.len() - 1));
        None
    }

    /// Any other line; whether it is part of the plan.
    fn take(&mut self, content: &str, place: Place) -> bool {
        if self.is_unfinished() {
            self.go_on(content);
            return true;
        }
        if ["InitPlan ", "SubPlan ", "CTE "].iter().any(|it| content.starts_with(it))
            && place.is_before_arrow
        {
            self.label = Some(content.to_owned());
            return true;
        }
        if self.is_inside(place.column) {
            self.inside(content);
            return true;
        }
        if self.beside(content, place.column) {
            self.is_ending = true;
            return true;
        }
        if self.is_ending || place.column <= self.root_column {
            return false;
        }
        self.leave();
        if let Some(number) =
            content.strip_prefix("Worker ").and_then(|rest| rest.split(':').next())
        {
            let number = ("Worker Number".to_owned(), Tree::Text(number.to_owned()));
            let Some(node) = self.nodes.last_mut() else { return false };
            node.workers.push(Tree::Map(vec![number]));
            self.within = Within::Worker(place.column);
            let rest = content.split_once(':').map_or("", |(_, rest)| rest.trim());
            self.inside(rest);
            return true;
        }
        let Some(node) = self.nodes.last_mut() else { return false };
        match content.split_once(':') {
            Some((key, value)) if is_key(key) => {
                property::fields(key, value.trim(), &mut node.fields);
            }
            // A table that is written besides the first.
            _ => node.fields.push(("Target Tables".to_owned(), Tree::Text(content.to_owned()))),
        }
        true
    }

    /// Whether the last line's value has an open quote: then it goes on.
    fn is_unfinished(&self) -> bool {
        let text = match &self.within {
            Within::Node if !self.is_ending => {
                self.nodes.last().and_then(|node| node.fields.last())
            }
            _ => None,
        };
        let is_condition =
            |key: &str| ["Filter", "Cond", "Output", "Key"].iter().any(|end| key.ends_with(end));
        match text {
            Some((key, Tree::Text(text))) => {
                is_condition(key) && text.len() < LONGEST_WRAPPED && has_open_quote(text)
            }
            _ => false,
        }
    }

    fn go_on(&mut self, content: &str) {
        if let Some((_, Tree::Text(text))) =
            self.nodes.last_mut().and_then(|it| it.fields.last_mut())
        {
            text.push('\n');
            text.push_str(content);
        }
    }

    fn is_inside(&self, column: usize) -> bool {
        match &self.within {
            Within::Node => false,
            Within::Worker(begun)
            | Within::Planning(begun, _)
            | Within::Jit(begun, _)
            | Within::Serialization(begun) => column > *begun,
        }
    }

    /// A line of a worker or of a section beside the tree.
    fn inside(&mut self, content: &str) {
        let Some((key, value)) = split_actual(content).or_else(|| content.split_once(':')) else {
            return;
        };
        let value = value.trim();
        match &mut self.within {
            Within::Worker(_) => {
                let worker = self.nodes.last_mut().and_then(|node| node.workers.last_mut());
                if let Some(Tree::Map(fields)) = worker {
                    property::fields(key, value, fields);
                }
            }
            Within::Planning(_, fields) => property::fields(key, value, fields),
            Within::Jit(_, fields) => {
                let value = match key {
                    "Options" | "Timing" => property::phases(value),
                    _ => Tree::Text(value.to_owned()),
                };
                fields.push((key.to_owned(), value));
            }
            Within::Serialization(_) | Within::Node => {}
        }
    }

    /// Puts a finished section beside the tree.
    fn leave(&mut self) {
        match std::mem::replace(&mut self.within, Within::Node) {
            Within::Planning(_, fields) => {
                self.beside.push(("Planning".to_owned(), Tree::Map(fields)));
            }
            Within::Jit(_, fields) => self.beside.push(("JIT".to_owned(), Tree::Map(fields))),
            Within::Node | Within::Worker(_) | Within::Serialization(_) => {}
        }
    }

    /// A line of the whole plan: times, triggers, compilation; whether it is one.
    fn beside(&mut self, content: &str, column: usize) -> bool {
        if column > self.root_column + 2 {
            return false;
        }
        let Some((key, value)) = content.split_once(':') else { return false };
        let value = value.trim();
        let text = || Tree::Text(value.to_owned());
        let value = match key {
            "Planning" if value.is_empty() => {
                self.leave();
                self.within = Within::Planning(column, Vec::new());
                return true;
            }
            "JIT" => {
                self.leave();
                self.within = Within::Jit(column, Vec::new());
                return true;
            }
            "Planning Time" | "Execution Time" | "Total runtime" | "Query Identifier" => text(),
            "Settings" => property::settings(value),
            "Serialization" => property::serialization(value),
            _ => {
                let trigger = content.strip_prefix("Trigger ").and_then(property::trigger);
                let is_trigger = trigger.is_some();
                self.triggers.extend(trigger);
                return is_trigger;
            }
        };
        self.leave();
        if key == "Serialization" {
            self.within = Within::Serialization(column);
        }
        self.beside.push((key.to_owned(), value));
        true
    }

    fn finish(mut self) -> Plan {
        self.leave();
        let mut plan = Plan::default();
        for mut open in self.nodes {
            if !open.workers.is_empty() {
                open.fields.push(("Workers".to_owned(), Tree::List(open.workers)));
            }
            plan.push(open.parent, node::node(open.fields).0);
        }
        for (key, value) in self.beside {
            whole::set(&mut plan, &key, value);
        }
        whole::set(&mut plan, "Triggers", Tree::List(self.triggers));
        whole::relate(&mut plan);
        plan
    }
}

/// Whether a constant begins and does not end; a quote inside a quoted name begins none.
fn has_open_quote(text: &str) -> bool {
    let mut open = None;
    for c in text.bytes() {
        match open {
            Some(quote) if quote == c => open = None,
            None if matches!(c, b'\'' | b'"') => open = Some(c),
            _ => {}
        }
    }
    open == Some(b'\'')
}

/// `actual time=… rows=… loops=…`, which has no colon.
fn split_actual(content: &str) -> Option<(&str, &str)> {
    content
        .starts_with("actual ")
        .then(|| content.split_at("actual ".len()))
        .map(|(_, v)| ("actual", v))
}

/// Whether what stands before a colon can be the name of a property.
fn is_key(key: &str) -> bool {
    let belongs = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '/' | '_');
    !key.is_empty() && key.len() <= 40 && key.chars().all(belongs)
}
