//! Triggers that do not fire.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Subject, Unit};

use crate::pg::{
    config::advice::listed,
    table::ordinary::{is_users, not_twice},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::DatabaseView,
};
use dbvitals_model::pg::schema::DisabledTrigger;
use std::collections::BTreeMap;

/// Triggers that are switched off.
pub static CHECK: Check = Check {
    id: "pg-trigger-disabled",
    title: "Trigger disabled",
    topic: Topic::Schema,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["disabled_triggers", "relations"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Triggers switched off by `ALTER TABLE … DISABLE TRIGGER`; those that enforce a foreign key are told
apart.

## Why it matters
Mostly left over from a load or a repair. A rule of the data, an audit trail or a replication queue is
silently not served; a foreign key whose triggers are off is not enforced at all although it is shown as
valid.

## How to fix
Switch them on (those of foreign keys only a superuser can); look for rows that came in meanwhile. After
a disabled foreign key, drop and add the constraint again, so that its rows are checked.

## When to ignore
While a load runs, and for triggers kept for the day of a switch-over.

## References
PostgreSQL documentation: ALTER TABLE, `DISABLE TRIGGER`.
",
    run: Run::Database(run),
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (triggers, relations) = (db.disabled_triggers()?, db.relations()?);
    not_twice(db)?;
    let mut tables: BTreeMap<(&str, &str), Vec<&DisabledTrigger>> = BTreeMap::new();
    for trigger in triggers {
        tables.entry((&trigger.schema, &trigger.table)).or_default().push(trigger);
    }
    let own = tables.into_iter().filter(|((schema, table), _)| {
        let known = relations.iter().find(|r| r.schema == *schema && r.name == *table);
        known.is_none_or(is_users)
    });
    Ok(own.map(|((schema, table), triggers)| finding(db, cx, schema, table, &triggers)).collect())
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    schema: &str,
    table: &str,
    triggers: &[&DisabledTrigger],
) -> Finding {
    let name = sql::qualified(schema, table);
    let keys = triggers.iter().filter(|trigger| trigger.is_internal).count();
    let plain: Vec<&str> =
        triggers.iter().filter(|t| !t.is_internal).map(|t| t.name.as_str()).collect();
    let each = |verb: &str| -> Vec<String> {
        let named = triggers.iter().map(|t| sql::ident(&t.name));
        named.map(|trigger| format!("ALTER TABLE {name} {verb} TRIGGER {trigger};")).collect()
    };
    let fix = Fix::new(FixKind::Review, each("ENABLE"))
        .locking("ShareRowExclusiveLock", format!("writes to {name} for a moment"))
        .undone_by(each("DISABLE"));
    let what = match (keys, plain.len()) {
        (0, _) => format!("disabled triggers: {}", listed(&plain, 5)),
        (_, 0) => format!("{keys} disabled triggers of foreign keys: the keys are not enforced"),
        _ => format!(
            "{keys} disabled triggers of foreign keys, which are not enforced, and {}",
            listed(&plain, 5)
        ),
    };
    cx.finding(
        Severity::Warning,
        Subject::within("table", db.name(), format!("{schema}.{table}")),
        format!("table {schema}.{table} has {what}"),
        "Switch them on, and look for rows that came in meanwhile.",
    )
    .with(Evidence::new(
        "disabled triggers",
        triggers.len() as f64,
        Unit::Count,
        "pg_trigger.tgenabled",
    ))
    .with(Evidence::new(
        "of them for foreign keys",
        keys as f64,
        Unit::Count,
        "pg_trigger.tgisinternal",
    ))
    .fixed_by(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn off(name: &str, is_internal: bool) -> DisabledTrigger {
        DisabledTrigger {
            schema: "app".into(),
            table: "orders".into(),
            name: name.into(),
            is_internal,
        }
    }

    fn found(triggers: Vec<DisabledTrigger>) -> Vec<Finding> {
        let built = testing::database(|db| *edit(&mut db.disabled_triggers) = triggers);
        testing::findings(&CHECK, &built)
    }

    #[test]
    fn lists_the_triggers_of_a_table() {
        assert!(found(vec![]).is_empty());
        let found = found(vec![off("audit", false), off("Notify", false)]);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].fix.as_ref().unwrap().statements,
            [
                "ALTER TABLE app.orders ENABLE TRIGGER audit;",
                "ALTER TABLE app.orders ENABLE TRIGGER \"Notify\";"
            ]
        );
    }

    #[test]
    fn foreign_keys_are_told_apart() {
        let found = found(vec![off("RI_ConstraintTrigger_c_1", true), off("audit", false)]);
        assert!(found[0].message.contains("not enforced"));
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(
            fix.statements[0],
            "ALTER TABLE app.orders ENABLE TRIGGER \"RI_ConstraintTrigger_c_1\";"
        );
        assert_eq!(fix.undo[1], "ALTER TABLE app.orders DISABLE TRIGGER audit;");
    }
}
