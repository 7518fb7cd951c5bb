//! Triggers and foreign keys that take a good part of a statement.

use dbvitals_model::{
    Evidence, Finding, Fix, Unit,
    pg::{DatabaseSnapshot, index::Index},
    plan::{Node, Trigger},
};

use super::{
    candidate,
    seen::{CANDIDATE, MIN_COST, MIN_SHARE, MIN_TIME, PLAN, Seen, explained, seen},
};
use crate::{
    check::{Check, Run, Threshold},
    context::Context,
    skip::Judged,
    view::StatementView,
    words,
};

/// Triggers and foreign keys that take a good part of a statement.
pub static CHECK: Check = Check {
    id: "plan-trigger-time",
    title: "Triggers take much of the time",
    uses: &["facts"],
    thresholds: &[&MAX_TRIGGER, &MIN_SHARE, &MIN_TIME, &MIN_COST],
    fix: Some(CANDIDATE),
    explain: explained! {
        detects: "Triggers, those of constraints among them, that take more than `max_trigger_ratio` of a statement's \
                  time.",
        matters: "`EXPLAIN` shows no node for them: a `DELETE` of one row may read a whole table to see whether \
                  anybody refers to it.",
        fix: "Index the referring columns of foreign keys; make triggers work once per statement.",
        ignore: "The trigger does the work the statement is for.",
        references: "PostgreSQL documentation: Using EXPLAIN; Constraints (Foreign Keys).",
    },
    run: Run::Statement(run),
    ..PLAN
};

static MAX_TRIGGER: Threshold = Threshold {
    key: "max_trigger_ratio",
    unit: Unit::Ratio,
    default: 0.1,
    strict: None,
    range: (0.0, 1.0),
    why: "looking up an indexed key takes a few per cent of writing a row",
};

fn run(view: &StatementView<'_>, cx: &Context<'_>) -> Judged {
    let facts = view.facts().ok();
    let Some(seen) = seen(view)? else { return Ok(Vec::new()) };
    let triggers = seen.plan.triggers.iter();
    Ok(triggers.filter_map(|trigger| judge(&seen, cx, trigger, facts)).collect())
}

fn judge(
    seen: &Seen<'_>,
    cx: &Context<'_>,
    trigger: &Trigger,
    facts: Option<&DatabaseSnapshot>,
) -> Option<Finding> {
    let (spent, all) = (trigger.ms?, seen.plan.elapsed_ms()?);
    let ratio = spent / all.max(spent).max(f64::MIN_POSITIVE);
    if ratio <= cx.limit(&MAX_TRIGGER) {
        return None;
    }
    let gain = seen.gain(cx, spent)?;
    let name = trigger.constraint.as_deref().unwrap_or(&trigger.name);
    let kind = if trigger.constraint.is_some() { "constraint" } else { "trigger" };
    let problem = format!(
        "{kind} {name} took {} of {} in {} calls",
        words::millis(spent),
        words::millis(all),
        words::count(trigger.calls)
    );
    let advice = if trigger.constraint.is_some() {
        "Deleting or changing a referenced row looks for rows that refer to it: index the referring columns. Checks of \
         inserted rows look up the referenced key and are cheap; many of them are cheaper in one statement."
    } else {
        "See what the trigger's function does for each row; do it once per statement with transition tables where it \
         can be done at once."
    };
    let finding = seen
        .whole_finding(cx, &format!("{kind} {name}"), gain, (&problem, advice))
        .with(
            Evidence::new("share of the time", ratio, Unit::Ratio, "EXPLAIN ANALYZE")
                .against(cx.limit(&MAX_TRIGGER)),
        )
        .with(Evidence::new("calls", trigger.calls, Unit::Count, "EXPLAIN ANALYZE"));
    Some(match facts.and_then(|facts| missing_index(facts, trigger.constraint.as_deref()?)) {
        Some(fix) => finding.fixed_by(fix),
        None => finding,
    })
}

/// An index on the referring columns of a foreign key, where none begins with them.
fn missing_index(facts: &DatabaseSnapshot, constraint: &str) -> Option<Fix> {
    let mut keys =
        facts.constraints.get().ok()?.iter().filter(|it| it.kind == "f" && it.name == constraint);
    let key = keys.next().filter(|_| keys.next().is_none())?;
    let begins = |index: &Index| {
        index.table_oid == key.table_oid
            && index.predicate.is_none()
            && index.key_columns.len() >= key.columns.len()
            && key
                .columns
                .iter()
                .all(|column| index.key_columns[..key.columns.len()].contains(column))
    };
    if key.columns.is_empty() || facts.indexes.get().ok()?.iter().any(begins) {
        return None;
    }
    let mut node = Node::new("Seq Scan");
    node.schema = Some(key.schema.clone());
    node.relation = Some(key.table.clone());
    candidate::create_index(&node, &key.column_names)
}

#[cfg(test)]
mod tests {
    use super::{super::seen::testing::*, *};

    use dbvitals_model::pg::schema::Constraint;

    fn plan(trigger: f64) -> String {
        format!(
            "Delete on app.p  (cost=0.0..1.0 rows=0 width=0) (actual time=0.1..1.0 rows=0 loops=1)\n\
             Trigger for constraint c_p_fkey: time={trigger} calls=1\nExecution Time: 100.0 ms\n"
        )
    }

    fn with_key(facts: &mut DatabaseSnapshot) {
        *crate::testing::edit(&mut facts.constraints) = vec![Constraint {
            name: "c_p_fkey".to_owned(),
            kind: "f".to_owned(),
            schema: "app".to_owned(),
            table: "c".to_owned(),
            table_oid: 5,
            columns: vec![2],
            column_names: vec!["p_id".to_owned()],
            ..Constraint::default()
        }];
        crate::testing::edit(&mut facts.indexes).clear();
    }

    #[test]
    fn the_limit_has_two_sides() {
        assert_eq!(found(&CHECK, &plan(10.1)).len(), 1);
        assert_eq!(found(&CHECK, &plan(10.0)).len(), 0);
    }

    #[test]
    fn the_missing_index_is_that_of_the_referring_side() {
        let fix = found_with(&CHECK, &plan(90.0), with_key).remove(0).fix.unwrap();
        assert_eq!(fix.statements, ["CREATE INDEX CONCURRENTLY c_p_id_idx ON app.c (p_id);"]);
        let indexed = found_with(&CHECK, &plan(90.0), |facts| {
            with_key(facts);
            let index = Index { table_oid: 5, key_columns: vec![2, 3], ..Index::default() };
            *crate::testing::edit(&mut facts.indexes) = vec![index];
        });
        assert!(indexed[0].fix.is_none());
    }

    #[test]
    fn a_moment_in_a_trigger_stays_silent() {
        assert_eq!(found(&CHECK, &plan(4.0).replace("100.0 ms", "9.0 ms")).len(), 0);
    }
}
