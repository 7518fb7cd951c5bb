//! Every rule fires, and stays silent on the form that is safe.

use super::*;
use crate::script;

/// Of each rule a script it fires on, and one of the same purpose it is silent on.
const PAIRS: &str = include_str!("pairs.txt");

/// Rule, bad, good.
fn pairs() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines: Vec<&str> = PAIRS.lines().collect();
    let pair = |three: &[&'static str]| {
        let bad = three[1].strip_prefix("  bad  ").unwrap();
        (three[0], bad, three[2].strip_prefix("  good ").unwrap())
    };
    lines.chunks(3).map(pair).collect()
}

fn fires(text: &str, rule: &str) -> bool {
    let linted = lint(text, &Options::default());
    assert!(linted.unread.is_empty(), "{text}: {:?}", linted.unread);
    linted.remarks.iter().any(|remark| remark.rule.name == rule)
}

#[test]
fn each_rule_fires_and_is_silent_on_the_safe_form() {
    for (rule, bad, good) in pairs() {
        assert!(fires(bad, rule), "{rule} is silent on {bad}");
        assert!(!fires(good, rule), "{rule} fires on {good}");
    }
}

#[test]
fn every_rule_is_held_by_a_pair_or_is_optional() {
    assert!(RULES.is_sorted_by_key(|rule| rule.name));
    for rule in RULES.iter().filter(|rule| !rule.is_optional) {
        assert!(pairs().iter().any(|pair| pair.0 == rule.name), "{} has no pair", rule.name);
    }
}

/// What the advice itself may still be told: to drop the constraint that only proved something is meant.
fn remaining(text: &str, version: u32) -> Vec<&'static str> {
    let text = format!("set lock_timeout = '2s'; {text}");
    let linted = lint(&text, &Options { version, ..Options::default() });
    assert!(linted.unread.is_empty(), "{text}: {:?}", linted.unread);
    linted.remarks.iter().map(|remark| remark.rule.name).collect()
}

#[test]
fn what_is_advised_instead_is_clean() {
    let mut seen = 0;
    for (_, bad, _) in pairs() {
        for version in [13, 18] {
            let linted = lint(bad, &Options { version, ..Options::default() });
            for remark in linted.remarks {
                let Some(instead) = remark.instead else { continue };
                assert_eq!(remaining(&instead, version), [""; 0], "{instead}");
                assert!(!script::split(&instead).is_empty());
                seen += 1;
            }
        }
    }
    assert!(seen > 20, "only {seen} remarks said what to write instead");
}

#[test]
fn advice_follows_the_version() {
    let instead = |text: &str, version| {
        let options = Options {
            version,
            only: vec!["adding-not-null-field", "require-concurrent-partition-detach"],
            ..Options::default()
        };
        lint(text, &options).remarks.first().and_then(|remark| remark.instead.clone())
    };
    let text = "alter table \"T\" alter c set not null";
    assert_eq!(
        instead(text, 18).unwrap(),
        "ALTER TABLE \"T\" ADD CONSTRAINT \"T_c_not_null\" NOT NULL c NOT VALID;\n\
         ALTER TABLE \"T\" VALIDATE CONSTRAINT \"T_c_not_null\""
    );
    assert!(instead(text, 17).unwrap().contains("CHECK (c IS NOT NULL) NOT VALID"));
    assert_eq!(instead("alter table p detach partition p1", 13), None);
    assert!(instead("alter table p detach partition p1", 14).unwrap().ends_with("CONCURRENTLY"));
}

#[test]
fn indexes_of_partitioned_tables_are_made_part_by_part() {
    let options = Options {
        partitioned: vec![TableName { schema: None, name: "p".into() }],
        ..Options::default()
    };
    let linted =
        lint("set lock_timeout = 1; create index concurrently on s.p (a, \"B\")", &options);
    let remark = &linted.remarks[0];
    assert_eq!(remark.rule.name, "index-on-partitioned-table");
    assert_eq!(
        remark.instead.as_deref(),
        Some("CREATE INDEX \"p_a_B_idx\" ON ONLY s.p USING btree (a, \"B\")")
    );
    assert!(remark.advice.contains("ALTER INDEX \"p_a_B_idx\" ATTACH PARTITION"));
}

#[test]
fn comments_switch_rules_off_for_one_statement() {
    let names = |text: &str| {
        let linted = lint(
            text,
            &Options { only: vec!["ban-drop-table", "ban-drop-column"], ..Options::default() },
        );
        linted.remarks.iter().map(|r| (r.rule.name, r.place.line)).collect::<Vec<_>>()
    };
    let text = "-- dbvitals: ignore ban-drop-table\ndrop table t;\ndrop table u;\n\
                /* dbvitals: ignore */ alter table v drop column c;\n\
                select '-- dbvitals: ignore'; drop table w";
    assert_eq!(names(text), [("ban-drop-table", 3), ("ban-drop-table", 5)]);
}

#[test]
fn places_and_what_is_not_understood_are_told() {
    let linted = lint(
        "select 1;\nalter table t\n  add column c int;\nalter tabel x;\ndrop table t",
        &Options::default(),
    );
    let remark = linted.remarks.iter().find(|r| r.rule.name == "prefer-bigint-over-int").unwrap();
    assert_eq!((remark.place.line, remark.place.column), (3, 14));
    assert_eq!(linted.unread.len(), 1);
    assert_eq!((linted.unread[0].place.line, linted.unread[0].place.column), (4, 7));
    assert!(linted.remarks.iter().any(|r| r.rule.name == "ban-drop-table"));
}

#[test]
fn rules_are_chosen_by_name() {
    let names = |only: &[&'static str], except: &[&'static str]| {
        let options =
            Options { only: only.to_vec(), except: except.to_vec(), ..Options::default() };
        lint("create table t (a int)", &options)
            .remarks
            .iter()
            .map(|r| r.rule.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&[], &[]), ["prefer-bigint-over-int"]);
    assert_eq!(names(&["require-table-schema"], &[]), ["require-table-schema"]);
    assert_eq!(names(&[], &["prefer-bigint-over-int"]), [""; 0]);
}

proptest::proptest! {
    #[test]
    fn no_text_is_too_strange(text in "(alter table t |add |column |c |int |default |now\\(\\) |not null |;|create index |on t |\\(a\\) |begin|commit|'|--|/\\*|é|drop |check |\\$\\$|[a-z(),;\" ]){0,14}") {
        let _ = lint(&text, &Options::default());
    }
}
