//! Databases that the pooler holds back.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PoolerView,
};

/// Databases that were paused or disabled on the console.
pub static CHECK: Check = Check {
    id: "pg-pooler-paused",
    title: "Database held back at the pooler",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["databases"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A database that is paused (its clients wait) or disabled (its new clients are refused) on the pooler's console.

## Why it matters
It is left over from a failover or an upgrade more often than it is wanted, and nothing on the server shows it.

## How to fix
`RESUME` a paused database, `ENABLE` a disabled one, on the pooler's console.

## When to ignore
During the work it was paused for.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let databases = pooler.databases()?;
    let held = databases.iter().filter(|database| database.is_paused || database.is_disabled);
    let found = held.map(|database| {
        let (state, effect, undo, redo) = if database.is_paused {
            ("paused", "its clients wait", "RESUME", "PAUSE")
        } else {
            ("disabled", "its new clients are refused", "ENABLE", "DISABLE")
        };
        let name = sql::ident(&database.name);
        let fix = Fix::new(FixKind::Review, [format!("{undo} {name};")])
            .undone_by([format!("{redo} {name};")]);
        cx.finding(
            Severity::Warning,
            Subject::new("database", &database.name),
            format!("database {} is {state} at the pooler: {effect}", database.name),
            format!("{undo} it on the pooler's console, if the work it was {state} for is done."),
        )
        .with(Evidence::new("state", state, Unit::Text, "SHOW DATABASES"))
        .fixed_by(fix)
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::pooler::PoolerDatabase;

    use super::*;
    use crate::testing::{self, edit};

    fn statements(is_paused: bool, is_disabled: bool) -> Vec<String> {
        let snapshot = testing::pooler(|pooler| {
            *edit(&mut pooler.databases) = vec![PoolerDatabase {
                name: "app".into(),
                is_paused,
                is_disabled,
                ..PoolerDatabase::default()
            }];
        });
        let found = testing::findings(&CHECK, &snapshot);
        found.into_iter().flat_map(|found| found.fix.unwrap().statements).collect()
    }

    #[test]
    fn each_state_has_its_way_out() {
        assert_eq!(statements(true, false), ["RESUME app;"]);
        assert_eq!(statements(false, true), ["ENABLE app;"]);
        assert!(statements(false, false).is_empty());
    }

    #[test]
    fn is_skipped_without_databases() {
        use dbvitals_model::{Reason, Section};
        let blind = testing::pooler(|p| p.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &blind).0.reason, Reason::Failed);
    }
}
