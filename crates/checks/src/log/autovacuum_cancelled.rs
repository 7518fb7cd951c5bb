//! Autovacuum that gives way again and again.

use dbvitals_model::{Evidence, Severity, Subject, Unit, log::NamedCount};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Autovacuum that gives way again and again.
pub static CHECK: Check = Check {
    id: "log-autovacuum-cancelled",
    title: "Autovacuum cancelled",
    topic: Topic::Log,
    component: Component::Maintenance,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[&PER_DAY],
    fix: None,
    explain: "\
## What it detects
Autovacuum was cancelled at least `warning_per_day` times because somebody wanted a lock on the table.

## Why it matters
What was done is lost and begins anew; a table that is never finished bloats and ages.

## How to fix
Look for what takes the lock: `LOCK TABLE`, `ALTER TABLE`, `TRUNCATE`, `CREATE INDEX` without CONCURRENTLY in regular
work. Let it run less often, or vacuum the table by hand at a quiet time.

## When to ignore
Days of migrations.

## References
PostgreSQL documentation: Routine Vacuuming, The Autovacuum Daemon.
",
    run: Run::Log(run),
};

static PER_DAY: Threshold = Threshold {
    key: "warning_per_day",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (0.1, 1e9),
    why: "a migration cancels a few, ten a day are a habit that starves a table",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let groups = facts::of_classes(errors, &["autovacuum cancelled"]);
    let days = facts::hours(log.log()).max(24.0) / 24.0;
    let (per_day, limit) = (facts::sum(&groups) as f64 / days, cx.limit(&PER_DAY));
    let Some(group) = groups.first().filter(|_| per_day >= limit) else { return Ok(Vec::new()) };
    let finding = cx
        .finding(
            Severity::Warning,
            Subject::new("server", log.name()),
            format!("autovacuum was cancelled {} times a day", words::count(per_day)),
            "Look for what takes strong locks on tables in regular work.",
        )
        .with(Evidence::new("a day", per_day, Unit::Count, facts::SOURCE).against(limit));
    let tables = groups.iter().filter_map(|group| {
        Some(NamedCount { name: table(&group.message)?.to_owned(), count: group.count })
    });
    let finding = facts::with_names(finding, "tables", &tables.collect::<Vec<_>>());
    Ok(vec![facts::with_error(finding, group)])
}

/// The table in `canceling autovacuum task: automatic vacuum of table "app.public.t"`.
fn table(message: &str) -> Option<&str> {
    let (_, name) = message.rsplit_once(" of table \"")?;
    name.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use dbvitals_model::log::ErrorGroup;

    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn frequent_cancels_are_told() {
        let found = |count| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    edit(&mut log.errors).groups = vec![ErrorGroup {
                        class: "autovacuum cancelled".into(),
                        count,
                        ..ErrorGroup::default()
                    }];
                }),
            )
            .len()
        };
        assert_eq!((found(9), found(10)), (0, 1));
    }

    #[test]
    fn the_table_is_read() {
        let said = "canceling autovacuum task: automatic vacuum of table \"app.public.t\"";
        assert_eq!(table(said), Some("app.public.t"));
        assert_eq!(table("canceling autovacuum task"), None);
    }
}
