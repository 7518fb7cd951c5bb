//! Policies that an index serves, alone and together with others, and those that none does.

use dbvitals_model::{
    Section,
    pg::{index::Index, schema::Column},
};

use super::*;
use crate::pg::schema::columns_of_type::sample::table;
use crate::testing::{self, edit};

fn found(change: impl FnOnce(&mut Policy, &mut Relation, &mut Index)) -> Vec<Finding> {
    let mut policy = Policy {
        table_oid: 1,
        name: "own".into(),
        command: "ALL".into(),
        columns: vec![3],
        column_names: vec!["Tenant".into()],
        is_permissive: true,
        roles: vec!["public".into()],
        ..Policy::default()
    };
    let mut table = Relation { row_security: true, row_estimate: 10_000.0, ..table() };
    let mut index =
        Index { table_oid: 1, is_valid: true, key_columns: vec![1, 3], ..Index::default() };
    change(&mut policy, &mut table, &mut index);
    testing::findings(
        &CHECK,
        &testing::database(|db| {
            *edit(&mut db.policies) = vec![policy];
            *edit(&mut db.relations) = vec![table];
            *edit(&mut db.indexes) = vec![index];
        }),
    )
}

#[test]
fn fires_and_offers_the_index() {
    let fix = found(|_, _, _| {}).remove(0).fix.unwrap();
    assert_eq!(
        fix.statements,
        ["CREATE INDEX CONCURRENTLY \"Orders_Tenant_idx\" ON public.\"Orders\" (\"Tenant\");"]
    );
    assert_eq!(fix.undo, ["DROP INDEX CONCURRENTLY public.\"Orders_Tenant_idx\";"]);
    assert_eq!(fix.lock, "ShareUpdateExclusiveLock");
    let parts = found(|_, table, _| table.kind = "p".into()).remove(0);
    assert_eq!(
        parts.fix.unwrap().statements,
        ["CREATE INDEX \"Orders_Tenant_idx\" ON public.\"Orders\" (\"Tenant\");"]
    );
}

#[test]
fn the_column_is_the_one_that_is_compared_with_a_value() {
    let with = |using: &str| {
        found(|policy, _, _| {
            policy.column_names = vec!["gone".into(), "Tenant".into()];
            policy.using_expression = Some(using.into());
        })
        .remove(0)
    };
    let fix = with("((NOT gone) AND (\"Tenant\" = f()))").fix.unwrap();
    assert!(fix.statements[0].ends_with("(\"Tenant\");"), "{fix:?}");
    let none = with("(\"Tenant\" IN ( SELECT m.t FROM m))");
    assert!(none.fix.is_none() && none.recommendation.contains("ANY (ARRAY("));
}

#[test]
fn what_no_index_serves_is_told_how_to_be_written() {
    let advice = |using: &str| {
        let found = found(|policy, _, _| policy.using_expression = Some(using.into())).remove(0);
        assert!(found.fix.is_none(), "{found:?}");
        found.recommendation
    };
    assert!(advice("(f() = ANY (\"Tenant\"))").contains("gin"));
    assert!(advice("(COALESCE(\"Tenant\", 0) = f())").contains("index the expression"));
    assert!(advice("\"Tenant\"").contains("WHERE flag"));
}

#[test]
fn an_or_gets_an_index_for_each_arm_that_has_none() {
    let with = |using: &str, leads: i64| {
        found(|policy, _, index| {
            policy.columns = vec![3, 4];
            policy.column_names = vec!["Tenant".into(), "owner".into()];
            policy.using_expression = Some(using.into());
            index.key_columns = vec![leads];
        })
    };
    let both = "((\"Tenant\" = f()) OR (owner = g()))";
    let one = with(both, 3).remove(0);
    assert!(one.message.contains("of which owner leads no index"), "{}", one.message);
    let fix = one.fix.unwrap();
    let create = "CREATE INDEX CONCURRENTLY \"Orders_owner_idx\" ON public.\"Orders\" (owner);";
    assert_eq!((fix.statements, fix.undo.len()), (vec![create.to_owned()], 1));
    let mut none = found(|policy, _, _| {
        policy.using_expression = Some(both.into());
        policy.columns = vec![3, 4];
        policy.column_names = vec!["Tenant".into(), "owner".into()];
    });
    let fix = none.remove(0).fix.unwrap();
    assert_eq!((fix.statements.len(), fix.undo.len()), (2, 2));
    assert!(with("((\"Tenant\" = f()) OR (\"Tenant\" IS NULL))", 3).is_empty());
    let shared = with("((\"Tenant\" = f()) OR (shared))", 3).remove(0);
    assert!(shared.fix.is_none(), "an index on one arm serves neither");
    assert!(shared.recommendation.contains("arm"), "{}", shared.recommendation);
}

#[test]
fn policies_are_judged_with_those_they_are_joined_with() {
    let with = |other: Policy, leads: i64| {
        let policy = |name: &str, column: i64, using: &str| Policy {
            table_oid: 1,
            name: name.into(),
            command: "ALL".into(),
            roles: vec!["web".into()],
            is_permissive: true,
            columns: vec![column],
            column_names: vec![if column == 3 { "Tenant" } else { "owner" }.into()],
            using_expression: Some(using.into()),
            ..Policy::default()
        };
        let joined =
            Policy { is_permissive: other.is_permissive, ..policy("other", 4, "(owner = 1)") };
        let joined = match other.using_expression {
            Some(using) => Policy { columns: Vec::new(), using_expression: Some(using), ..joined },
            None => joined,
        };
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![policy("own", 3, "(\"Tenant\" = f())"), joined];
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: 1e4, ..table() }];
                let led = Index {
                    table_oid: 1,
                    is_valid: true,
                    key_columns: vec![leads],
                    ..Index::default()
                };
                *edit(&mut db.indexes) = vec![led];
            }),
        )
    };
    let restrictive = || Policy { is_permissive: false, ..Policy::default() };
    let permissive = || Policy { is_permissive: true, ..Policy::default() };
    assert!(with(restrictive(), 4).is_empty(), "the restrictive one finds the rows");
    assert!(with(restrictive(), 3).is_empty(), "it only takes away from what is found");
    assert_eq!(with(permissive(), 3).len(), 1, "the other one reads all rows");
    let all = Policy { using_expression: Some("true".into()), ..permissive() };
    let found = with(all, 9).remove(0);
    assert!(found.fix.is_none() && found.recommendation.contains("policy other"), "{found:?}");
    assert!(!found.recommendation.contains("  "), "{}", found.recommendation);
}

#[test]
fn the_text_of_a_column_is_served_where_the_column_holds_text() {
    let with = |type_id: &str, expressions: Option<&str>| {
        let using = "((\"Tenant\")::text = current_setting('app.tenant'::text, true))";
        testing::findings(
            &CHECK,
            &testing::database(|db| {
                *edit(&mut db.policies) = vec![Policy {
                    table_oid: 1,
                    columns: vec![3],
                    column_names: vec!["Tenant".into()],
                    using_expression: Some(using.into()),
                    is_permissive: true,
                    ..Policy::default()
                }];
                *edit(&mut db.relations) =
                    vec![Relation { row_security: true, row_estimate: 1e4, ..table() }];
                *edit(&mut db.columns) = vec![Column {
                    table_oid: 1,
                    name: "Tenant".into(),
                    type_id: type_id.into(),
                    ..Column::default()
                }];
                *edit(&mut db.indexes) = vec![Index {
                    table_oid: 1,
                    is_valid: true,
                    key_columns: vec![if expressions.is_some() { 0 } else { 3 }],
                    expressions: expressions.map(str::to_owned),
                    ..Index::default()
                }];
            }),
        )
    };
    let cast = with("uuid", None).remove(0);
    assert!(cast.message.contains("by its text"), "{}", cast.message);
    assert!(cast.recommendation.contains("Cast the value") && cast.fix.is_none());
    assert!(with("varchar", None).is_empty());
    assert!(with("uuid", Some("(\"Tenant\")::text")).is_empty());
}

#[test]
fn an_index_that_was_tried_is_told_with_its_cost_or_not_offered() {
    let tried = |is_used| {
        let tried = TriedIndex {
            table_oid: 1,
            columns: vec!["Tenant".into()],
            role: "web".into(),
            cost_before: 14_000.0,
            cost_after: 8.3,
            is_used,
        };
        let snapshot = testing::database(|db| {
            edit(&mut db.policy_costs).tried = vec![tried];
            *edit(&mut db.policies) = vec![Policy {
                table_oid: 1,
                columns: vec![3],
                column_names: vec!["Tenant".into()],
                ..Policy::default()
            }];
            *edit(&mut db.relations) =
                vec![Relation { row_security: true, row_estimate: 1e4, ..table() }];
        });
        testing::findings(&CHECK, &snapshot).remove(0)
    };
    let impact = tried(true).impact.unwrap();
    assert!(
        impact.contains("a read by web uses it, and its cost falls from 14,000 to 8"),
        "{impact}"
    );
    assert!(tried(false).fix.is_none());
}

#[test]
fn small_served_and_idle_policies_are_silent() {
    assert!(found(|_, table, _| table.row_estimate = 9_999.0).is_empty());
    assert!(found(|_, _, index| index.key_columns = vec![3]).is_empty());
    assert!(found(|_, table, _| table.row_security = false).is_empty());
    assert_eq!(
        found(|_, _, index| {
            index.key_columns = vec![3];
            index.predicate = Some("(deleted_at IS NULL)".into());
        })
        .len(),
        1,
        "a partial index serves few statements"
    );
    assert!(found(|policy, _, _| policy.columns.clear()).is_empty());
    assert!(found(|policy, _, _| policy.command = "INSERT".into()).is_empty());
}

#[test]
fn is_skipped_without_policies() {
    testing::skipped(&CHECK, &testing::database(|db| db.policies = Section::default()));
}
