//! From trees to plans: finds the plans of a document and puts their nodes in order.

use dbvitals_model::plan::{Jit, Node, Plan, Serialization, Trigger};

use super::{
    node::{self, Rest},
    tree::{Fields, Tree, count, number},
};

/// The plans of a document, wherever they lie in it.
pub(super) fn plans_in(tree: Tree) -> Vec<Plan> {
    let mut plans = Vec::new();
    let mut left = vec![tree];
    while let Some(tree) = left.pop() {
        match tree {
            Tree::Text(_) => {}
            Tree::List(items) => left.extend(items.into_iter().rev()),
            Tree::Map(fields) => {
                let is_map = |name: &str| {
                    fields.iter().any(|(key, value)| key == name && matches!(value, Tree::Map(_)))
                };
                if is_map("Plan") {
                    plans.extend(plan(fields));
                } else if fields.iter().any(|(key, _)| key == "Node Type") {
                    plans.extend(plan(vec![("Plan".to_owned(), Tree::Map(fields))]));
                } else {
                    left.extend(fields.into_iter().rev().map(|(_, value)| value));
                }
            }
        }
    }
    plans
}

/// The plan of a document's fields.
pub(super) fn plan(fields: Fields) -> Option<Plan> {
    let mut plan = Plan::default();
    for (key, value) in fields {
        match key.as_str() {
            "Plan" if plan.nodes.is_empty() => nodes(&mut plan, value.into_fields()),
            _ => set(&mut plan, &key, value),
        }
    }
    relate(&mut plan);
    (!plan.nodes.is_empty()).then_some(plan)
}

/// Adds a tree of nodes, parents before children.
fn nodes(plan: &mut Plan, root: Fields) {
    let mut left = vec![(None, root)];
    while let Some((parent, fields)) = left.pop() {
        let (node, children) = node::node(fields);
        if node.kind.is_empty() {
            continue;
        }
        let at = plan.push(parent, node);
        left.extend(children.into_iter().rev().map(|child| (Some(at), child)));
    }
}

/// One field that stands beside the root.
pub(super) fn set(plan: &mut Plan, key: &str, value: Tree) {
    match key {
        "Query Text" => plan.statement = Some(value.into_text()),
        "Planning Time" => plan.planning_ms = Some(value.number()),
        "Execution Time" | "Total Runtime" => plan.execution_ms = Some(value.number()),
        "Query Identifier" => plan.query_id = value.into_text().trim().parse().ok(),
        "Planning" => {
            let mut spent = Node::default();
            let mut rest = Rest::default();
            for (key, value) in value.into_fields() {
                node::set(&mut spent, &mut rest, &key, value);
            }
            rest.settle(&mut spent);
            plan.planning_buffers = spent.buffers;
            let beside = spent.other.into_iter();
            plan.other.extend(beside.map(|(key, value)| (format!("Planning {key}"), value)));
        }
        "Settings" => {
            let fields = value.into_fields().into_iter();
            plan.settings.extend(fields.map(|(name, value)| (name, value.into_text())));
        }
        "Triggers" => {
            let all = value.into_items().into_iter();
            plan.triggers.extend(all.map(|one| trigger(one.into_fields())));
        }
        "JIT" => plan.jit = Some(jit(value.into_fields())),
        "Serialization" => plan.serialization = Some(serialization(value.into_fields())),
        _ => {
            plan.other.insert(key.to_owned(), value.into_text());
        }
    }
}

fn trigger(fields: Fields) -> Trigger {
    let mut trigger = Trigger::default();
    for (key, value) in fields {
        match key.as_str() {
            "Trigger Name" => trigger.name = value.into_text(),
            "Constraint Name" => trigger.constraint = Some(value.into_text()),
            "Relation" => trigger.relation = Some(value.into_text()),
            "Time" => trigger.ms = Some(value.number()),
            "Calls" => trigger.calls = value.number(),
            _ => {}
        }
    }
    trigger
}

fn jit(fields: Fields) -> Jit {
    let mut jit = Jit::default();
    for (key, value) in fields {
        match key.as_str() {
            "Functions" => jit.functions = value.count(),
            "Options" => {
                for (option, value) in value.into_fields() {
                    match option.as_str() {
                        "Inlining" => jit.inlining = value.is_true(),
                        "Optimization" => jit.optimization = value.is_true(),
                        _ => {}
                    }
                }
            }
            "Timing" => {
                for (phase, value) in value.into_fields() {
                    set_jit_time(&mut jit, &phase, value);
                }
            }
            _ => {}
        }
    }
    jit
}

fn set_jit_time(jit: &mut Jit, phase: &str, value: Tree) {
    // From 17 on the generation is split up, its total beside the part that deforms.
    let ms = match value {
        Tree::Map(parts) => {
            let total = parts.iter().find(|(key, _)| key == "Total");
            total.map_or(0.0, |(_, value)| value.number())
        }
        other => other.number(),
    };
    match phase {
        "Generation" => jit.generation_ms = Some(ms),
        "Inlining" => jit.inlining_ms = Some(ms),
        "Optimization" => jit.optimization_ms = Some(ms),
        "Emission" => jit.emission_ms = Some(ms),
        "Total" => jit.total_ms = Some(ms),
        _ => {}
    }
}

fn serialization(fields: Fields) -> Serialization {
    let mut serialization = Serialization::default();
    for (key, value) in fields {
        let text = value.into_text();
        match key.as_str() {
            "Time" => serialization.ms = Some(number(&text)),
            "Output Volume" => serialization.output_kb = count(&text),
            "Format" => serialization.format = text,
            _ => {}
        }
    }
    serialization
}

/// Says of every node what it is to its parent, where the format does not.
pub(super) fn relate(plan: &mut Plan) {
    let mut inputs = vec![0_usize; plan.nodes.len()];
    for at in 0..plan.nodes.len() {
        let Some(parent) = plan.nodes[at].parent else { continue };
        if plan.nodes[at].is_aside() {
            continue;
        }
        let place = inputs[parent];
        inputs[parent] += 1;
        let relationship = match plan.nodes[parent].kind.as_str() {
            "Append" | "Merge Append" | "BitmapAnd" | "BitmapOr" => "Member",
            "Subquery Scan" => "Subquery",
            _ if place == 0 => "Outer",
            _ => "Inner",
        };
        let told = &mut plan.nodes[at].relationship;
        // Before 14 a writing node called its inputs members; it has had one ever since.
        if told.is_none()
            || (place == 0 && told.as_deref() == Some("Member") && relationship == "Outer")
        {
            *told = Some(relationship.to_owned());
        }
    }
}
