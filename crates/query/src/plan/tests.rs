//! Plans that servers printed, in all formats, read alike; what is no plan is said to be none.

use std::{collections::BTreeMap, fs, path::PathBuf};

use dbvitals_model::plan::{Node, Plan};
use proptest::prelude::*;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/plans"))
}

/// The texts of the corpus by version and name, then by format.
fn corpus() -> BTreeMap<(String, String), BTreeMap<String, String>> {
    let mut all: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for version in fs::read_dir(folder()).unwrap() {
        let version = version.unwrap();
        for file in fs::read_dir(version.path()).unwrap() {
            let path = file.unwrap().path();
            let part =
                |text: Option<&std::ffi::OsStr>| text.unwrap().to_string_lossy().into_owned();
            let key = (version.file_name().to_string_lossy().into_owned(), part(path.file_stem()));
            let text = fs::read_to_string(&path).unwrap();
            all.entry(key).or_default().insert(part(path.extension()), text);
        }
    }
    assert!(all.len() >= 12, "the corpus is gone");
    all
}

/// The plans without what the text format does not print, or prints otherwise.
fn comparable(mut plans: Vec<Plan>) -> Vec<Plan> {
    for plan in &mut plans {
        plan.other.clear();
        // Each format was made by a run of its own: caches differ, and what writes makes its table grow.
        plan.planning_buffers = None;
        let writes = plan.nodes[0].kind == "ModifyTable" && plan.is_measured();
        for node in plan.nodes.iter_mut().filter(|_| writes) {
            node.estimate = None;
            node.buffers = None;
        }
        for node in plan.nodes.iter_mut().filter(|node| node.kind == "Sample Scan") {
            node.actual = None;
            node.buffers = None;
        }
        for node in &mut plan.nodes {
            node.other.clear();
            if let Some(buffers) = &mut node.buffers {
                let told = |ms: f64| if ms > 0.0 { 1.0 } else { 0.0 };
                let io = &mut buffers.io;
                (io.read_ms, io.write_ms) = (told(io.read_ms), told(io.write_ms));
                (io.temp_read_ms, io.temp_write_ms) =
                    (told(io.temp_read_ms), told(io.temp_write_ms));
            }
            // Grouping sets are lists of lists in one, and repeated lines in the other.
            node.group_key.clear();
            if node.kind == "SetOp" {
                node.strategy = None;
            }
            let is_named = node.kind == "Function Scan" || node.kind == "ModifyTable";
            if is_named || node.kind == "Foreign Scan" {
                node.schema = None;
            }
            if matches!(node.kind.as_str(), "Function Scan") && node.alias == node.function {
                node.alias = None;
            }
        }
        for trigger in &mut plan.triggers {
            trigger.name.clear();
            trigger.relation = None;
        }
    }
    plans
}

fn first_difference(one: &Plan, other: &Plan) -> String {
    let nodes = one.nodes.iter().zip(&other.nodes).find(|(a, b)| a != b);
    let (a, b) = match nodes {
        Some((a, b)) => (serde_json::to_value(a), serde_json::to_value(b)),
        None => (serde_json::to_value(one), serde_json::to_value(other)),
    };
    let (a, b) = (a.unwrap(), b.unwrap());
    let fields = a.as_object().unwrap().iter().filter(|(key, value)| b.get(key) != Some(value));
    let fields: Vec<_> =
        fields.map(|(key, value)| format!("{key}: {value} and {:?}", b.get(key))).collect();
    fields.join("; ")
}

fn shape(plans: &[Plan]) -> Vec<Vec<(usize, String)>> {
    let step = |node: &Node| (node.depth, node.kind.clone());
    plans.iter().map(|plan| plan.nodes.iter().map(step).collect()).collect()
}

#[test]
fn every_format_of_every_plan_reads_alike() {
    let mut read_texts = 0;
    for ((version, name), formats) in corpus() {
        let plans_in = |format: &str| {
            let text = &formats[format];
            read(text).unwrap_or_else(|error| panic!("{version}/{name}.{format}: {error}\n{text}"))
        };
        if !formats.contains_key("json") {
            assert_eq!(plans_in("text").len(), 27, "{version}/{name}");
            continue;
        }
        let json = comparable(plans_in("json"));
        for format in ["text", "yaml", "xml"] {
            if !formats.contains_key(format) {
                continue;
            }
            let other = comparable(plans_in(format));
            read_texts += 1;
            if name == "full" {
                assert_eq!(shape(&json), shape(&other), "{version}/{name}.{format}");
                continue;
            }
            assert_eq!(json.len(), other.len(), "{version}/{name}.{format}");
            let pairs = json.iter().zip(&other).enumerate();
            let differing = pairs.filter(|(_, (one, other))| one != other);
            let differing: Vec<_> = differing
                .map(|(place, (one, other))| (place, first_difference(one, other)))
                .collect();
            assert!(differing.is_empty(), "{version}/{name}.{format}: {differing:#?}");
        }
    }
    assert!(read_texts == 18);
}

#[test]
fn figures_come_from_where_they_stand() {
    let text = fs::read_to_string(folder().join("18/full.json")).unwrap();
    let plans = read(&text).unwrap();
    let first = &plans[0];
    assert!(first.execution_ms.unwrap() > 0.0 && first.planning_ms.unwrap() > 0.0);
    assert_eq!(first.settings["work_mem"], "256kB");
    assert!(plans.iter().flat_map(|plan| &plan.triggers).any(|it| it.calls > 0.0));
    assert!(plans.iter().any(|plan| plan.serialization.is_some()));
    for format in ["json", "text"] {
        let text = fs::read_to_string(folder().join("15/full").with_extension(format)).unwrap();
        let jit = read(&text).unwrap().into_iter().find_map(|plan| plan.jit).unwrap();
        assert!(jit.functions > 0 && jit.inlining && jit.optimization, "{format}: {jit:?}");
        let parts = [jit.generation_ms, jit.inlining_ms, jit.optimization_ms, jit.emission_ms];
        let parts: f64 = parts.into_iter().flatten().sum();
        assert!((jit.total_ms.unwrap() - parts).abs() < 0.01, "{format}: {jit:?}");
    }
    let launched = |node: &Node| node.workers_launched.is_some() && !node.parallel_aware;
    assert!(plans.iter().flat_map(|plan| &plan.nodes).any(launched));
    let nodes = || plans.iter().flat_map(|plan| &plan.nodes);
    assert!(nodes().any(|node| node.sort.as_ref().is_some_and(|it| it.kb > 0)));
    assert!(nodes().any(|node| node.hash.is_some_and(|it| it.buckets > 0)));
    assert!(nodes().any(|node| node.wal.is_some_and(|it| it.records > 0)));
    assert!(nodes().any(|node| !node.workers.is_empty()));
}

const PLAN: &str = "Sort  (cost=1.00..2.00 rows=3 width=4) (actual time=0.1..0.2 rows=3 loops=1)
  Sort Key: a, lower((b)::text) DESC
  ->  Seq Scan on t  (cost=0.00..1.00 rows=3 width=4) (actual time=0.1..0.2 rows=3 loops=1)
        Filter: (b <> 'two
lines'::text)
        Rows Removed by Filter: 2
Planning Time: 0.1 ms
Execution Time: 0.3 ms
";

#[test]
fn what_stands_around_a_plan_is_passed_over() {
    let alone = read(PLAN).unwrap();
    let node = &alone[0].nodes[1];
    assert_eq!(node.conditions.filter.as_deref(), Some("(b <> 'two\nlines'::text)"));
    assert!((node.actual.unwrap().removed.by_filter - 2.0).abs() < 1e-9);
    assert_eq!(alone[0].nodes[0].sort_key, ["a", "lower((b)::text) DESC"]);
    let logged = format!(
        "2026-01-01 12:00:00 UTC [12] LOG:  duration: 3.1 ms  plan:\n\tQuery Text: select *\n\t  from t\n\t{}\n",
        PLAN.trim_end().replace('\n', "\n\t")
    );
    let log = read(&logged).unwrap();
    assert_eq!(log[0].statement.as_deref(), Some("select *\nfrom t"));
    assert_eq!(log[0].nodes, alone[0].nodes);
    let quoted: String = format!("\"{}\"\r\n", PLAN.trim_end().replace('\n', "\"\r\n\""));
    let twice =
        format!("Result\n\nQUERY PLAN\n{quoted}\nTime: 3 ms\nand again: no\n{PLAN}2026: LOG: x\n");
    let twice = read(&twice).unwrap();
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[1], alone[0]);
    assert_eq!(twice[0].nodes.len(), 2);
}

#[test]
fn structured_plans_of_a_log_carry_their_statement() {
    let body = "{\n  \"Query Text\": \"select 1\",\n  \"Plan\": {\"Node Type\": \"Result\"}\n}";
    let json = read(&format!("LOG: [7] x {{y}} plan:\n{}", body.replace('\n', "\n\t"))).unwrap();
    assert_eq!(json[0].statement.as_deref(), Some("select 1"));
    let yaml =
        read("LOG: plan:\n\tQuery Text: \"select\\n1\"\n\tPlan: \n\t  Node Type: \"Result\"\n")
            .unwrap();
    assert_eq!(yaml[0].statement.as_deref(), Some("select\n1"));
    assert_eq!(yaml[0].nodes, json[0].nodes);
}

#[test]
fn what_is_no_plan_is_said_to_be_none() {
    for text in ["", "select 1;", "{\"a\": 1}", "Filter: x", "-> ->", "\u{0}"] {
        assert_eq!(read(text), Err(Unreadable::Nothing), "{text:?}");
    }
    let cut = "[\n  {\n    \"Plan\": {\n      \"Node Type\": \"Seq S";
    let error = read(cut).unwrap_err();
    assert_eq!(error.to_string(), "line 4, column 20: a text in double quotes has no end");
    let wrong = "[{\"Plan\": {\"Node Type\": oops}}]";
    assert_eq!(read(wrong).unwrap_err().to_string(), "line 1, column 25: expected a value");
}

#[test]
fn depth_is_bounded_in_every_format() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000));
    let json = deep("{\"Plan\": {\"Node Type\": \"Limit\", \"Plans\": [", "]}}");
    assert!(read(&json).is_err());
    let xml = format!("<explain>{}", deep("<Plan>", "</Plan>"));
    assert!(read(&xml).is_err());
    let mut text = "Limit  (cost=1.00..2.00 rows=3 width=4)\n".to_owned();
    let mut yaml = "- Plan: \n".to_owned();
    for depth in 1..3_000 {
        let indent = " ".repeat(depth * 6);
        text += &indent;
        text += "->  Limit  (cost=1.00..2.00 rows=3 width=4)\n";
        yaml += &indent;
        yaml += "Plan: \n";
    }
    assert!(matches!(read(&text), Ok(plans) if plans[0].nodes.len() <= MAX_DEPTH + 1));
    assert!(read(&yaml).is_err());
    let nodes = 900;
    let open = "{\"Node Type\": \"Limit\", \"Plans\": [".repeat(nodes - 1);
    let fits =
        format!("[{{\"Plan\": {open}{{\"Node Type\": \"Result\"}}{}}}]", "]}".repeat(nodes - 1));
    assert_eq!(read(&fits).unwrap()[0].nodes.len(), nodes);
}

/// Pieces of real plans, put together at random.
fn pieces() -> impl Strategy<Value = String> {
    let texts: Vec<String> = corpus().into_values().flat_map(BTreeMap::into_values).collect();
    let lines: Vec<String> = texts
        .iter()
        .flat_map(|text| text.lines().step_by(23).map(|line| format!("{line}\n")))
        .collect();
    prop::collection::vec(prop::sample::select(lines), 0..40).prop_map(|lines| lines.concat())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&text);
        let _ = read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_mixture_of_lines_is_read_or_refused(text in pieces()) {
        for plan in read(&text).unwrap_or_default() {
            prop_assert!(!plan.nodes.is_empty());
            let _ = plan.account();
            for (at, node) in plan.nodes.iter().enumerate() {
                prop_assert!(node.parent.is_none_or(|parent| parent < at));
                prop_assert!(!plan.path(at).is_empty());
            }
        }
    }
}
