//! The JSON Schema accepts what is written, and nothing that breaks the contract.

use dbvitals_report::{json, schema};
use serde_json::{Value, json};

use crate::sample;

fn accepts(value: &Value) -> bool {
    jsonschema::validator_for(&schema::report()).unwrap().is_valid(value)
}

fn written(report: &dbvitals_model::report::Report) -> Value {
    serde_json::from_str(&json::compact(report).unwrap()).unwrap()
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&schema::report()));
}

#[test]
fn written_reports_are_valid() {
    assert!(accepts(&written(&sample::rich())));
    assert!(accepts(&written(&sample::healthy())));
}

#[test]
fn unknown_fields_are_allowed_and_missing_ones_are_not() {
    let mut value = written(&sample::rich());
    value["findings"][0]["later_addition"] = json!(1);
    assert!(accepts(&value));
    value["findings"][0].as_object_mut().unwrap().remove("severity");
    assert!(!accepts(&value));
}

#[test]
fn wrong_words_are_refused() {
    let mut value = written(&sample::rich());
    value["readiness"]["verdict"] = json!("perhaps");
    assert!(!accepts(&value));
}

#[test]
fn the_contract_names_are_there() {
    let value = written(&sample::rich());
    for pointer in [
        "/schema_version",
        "/generated_at",
        "/tool/name",
        "/tool/version",
        "/targets/0/kind",
        "/targets/0/role",
        "/score/overall",
        "/score/grade",
        "/score/confidence",
        "/score/components/0/deductions/0/points",
        "/readiness/verdict",
        "/readiness/reasons",
        "/metrics/0/wanted",
        "/metrics/0/measured",
        "/metrics/0/status",
        "/findings/0/key",
        "/findings/0/check",
        "/findings/0/severity",
        "/findings/0/subject/kind",
        "/findings/0/evidence/0/label",
        "/findings/0/evidence/0/value",
        "/findings/0/evidence/0/unit",
        "/findings/0/evidence/0/threshold",
        "/findings/0/evidence/0/source",
        "/findings/0/recommendation",
        "/findings/0/fix/statements",
        "/findings/0/fix/lock",
        "/findings/0/fix/blocks",
        "/findings/0/fix/reversible",
        "/findings/0/fix/undo",
        "/findings/0/fix/kind",
        "/findings/0/impact",
        "/coverage/checked/0",
        "/coverage/skipped/0/reason",
        "/coverage/sections/0",
        "/cost/0",
    ] {
        assert!(value.pointer(pointer).is_some(), "{pointer}");
    }
}
