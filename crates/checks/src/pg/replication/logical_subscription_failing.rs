//! Logical subscriptions that do not apply changes.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit, pg::replication::Subscription,
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
    words,
};

/// Workers and errors of subscriptions.
pub static CHECK: Check = Check {
    id: "pg-logical-subscription-failing",
    title: "Subscription failing",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["subscriptions"],
    uses: &[],
    thresholds: &[&MIN_ERRORS, &ERROR_RATE],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Critical: an enabled subscription without an apply worker, or one whose apply or initial copy failed at
least `min_errors` times, and at least `max_errors_per_hour` times an hour (version 15 on counts them). Warning: a subscription that is
disabled and has errors, as `disable_on_error` leaves it.

## Why it matters
Changes do not arrive, and the publisher keeps all WAL since then for the subscription's slot.

## How to fix
Read the subscriber's log: a row that exists already, a missing table or column, a lost connection. Mend
the cause or skip the transaction (`ALTER SUBSCRIPTION … SKIP`), then enable it again.

## When to ignore
Subscriptions that are disabled on purpose and never failed are silent.

## References
PostgreSQL documentation: Logical Replication, Conflicts; `pg_stat_subscription_stats`.
",
    run: Run::Postgres(run),
};

static MIN_ERRORS: Threshold = Threshold {
    key: "min_errors",
    unit: Unit::Count,
    default: 5.0,
    strict: None,
    range: (1.0, 1e9),
    why: "an error or two that were mended are no failure, however young the statistics are",
};

static ERROR_RATE: Threshold = Threshold {
    key: "max_errors_per_hour",
    unit: Unit::PerHour,
    default: 10.0,
    strict: None,
    range: (0.0, 1e6),
    why: "a worker that keeps failing tries every five seconds; lost connections are far rarer",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let subscriptions = pg.subscriptions()?;
    Ok(subscriptions.iter().filter_map(|subscription| finding(pg, cx, subscription)).collect())
}

fn finding(pg: &PgView<'_>, cx: &Context<'_>, subscription: &Subscription) -> Option<Finding> {
    let errors = subscription.apply_errors.unwrap_or(0).max(0)
        + subscription.sync_errors.unwrap_or(0).max(0);
    let age = pg.seconds_since(subscription.stats_reset.or(pg.server().started_at));
    let hourly = age.filter(|age| *age > 0.0).map(|age| errors as f64 / age * 3600.0);
    let name = &subscription.name;
    let limit = cx.limit_for(&ERROR_RATE, name);
    let keeps_failing = errors as f64 >= cx.limit_for(&MIN_ERRORS, name)
        && hourly.is_some_and(|rate| rate >= limit);
    let (severity, problem) = match (subscription.enabled, subscription.worker_pid) {
        (Some(false), _) if errors > 0 => {
            (Severity::Warning, "is disabled after errors".to_owned())
        }
        (Some(false) | None, None) => return None,
        (Some(true), None) => (Severity::Critical, "has no apply worker".to_owned()),
        _ if keeps_failing => {
            (Severity::Critical, format!("failed {} times", words::count(errors as f64)))
        }
        _ => return None,
    };
    let subject = match &subscription.database {
        Some(database) => Subject::within("subscription", database, name),
        None => Subject::new("subscription", name),
    };
    let found = cx.finding(
        severity,
        subject,
        format!("subscription {name} {problem}"),
        "Read the subscriber's log and mend the cause: a duplicate row, a missing table or column, a \
         lost connection. The publisher keeps WAL until it works.",
    );
    let source = "pg_stat_subscription_stats";
    let found = match subscription.apply_errors.or(subscription.sync_errors) {
        Some(_) => {
            let rate = hourly.unwrap_or(0.0);
            found
                .with(Evidence::new("errors", errors, Unit::Count, source))
                .with(Evidence::new("rate", rate, Unit::PerHour, source).against(limit))
        }
        None => found,
    };
    let found = match pg.seconds_since(subscription.last_message_at) {
        Some(age) => found.with(Evidence::new(
            "time since the last message",
            age,
            Unit::Seconds,
            "pg_stat_subscription",
        )),
        None => found,
    };
    Some(if subscription.enabled == Some(false) {
        let alter = |what: &str| format!("ALTER SUBSCRIPTION {} {what};", sql::ident(name));
        found.fixed_by(
            Fix::new(FixKind::Review, [alter("ENABLE")])
                .locking("AccessExclusiveLock", "other changes of the subscription")
                .undone_by([alter("DISABLE")]),
        )
    } else {
        found
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(enabled: Option<bool>, worker_pid: Option<i64>, errors: i64) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.subscriptions) = vec![Subscription {
                name: "Orders".into(),
                database: Some("app".into()),
                enabled,
                worker_pid,
                apply_errors: Some(errors),
                stats_reset: ago(3600),
                ..Subscription::default()
            }];
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn workers_and_errors_decide() {
        assert_eq!(severity(&with(Some(true), None, 0)), Some(Severity::Critical));
        assert_eq!(severity(&with(Some(true), Some(1), 10)), Some(Severity::Critical));
        assert_eq!(severity(&with(Some(true), Some(1), 9)), None);
        let mut young = with(Some(true), Some(1), 4);
        let dbvitals_model::TargetData::Postgres(pg) = &mut young.targets[0].data else {
            unreachable!()
        };
        edit(&mut pg.subscriptions)[0].stats_reset = ago(10);
        assert_eq!(severity(&young), None, "a few errors, mended");
        assert_eq!(severity(&with(Some(true), Some(1), 0)), None);
    }

    #[test]
    fn a_subscription_switched_off_on_purpose_is_silent() {
        assert_eq!(severity(&with(Some(false), None, 0)), None);
        assert_eq!(severity(&with(None, None, 0)), None, "unknown is not broken");
        let found = testing::findings(&CHECK, &with(Some(false), None, 1));
        assert_eq!(found[0].severity, Severity::Warning);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.statements, ["ALTER SUBSCRIPTION \"Orders\" ENABLE;"]);
        assert_eq!(fix.undo, ["ALTER SUBSCRIPTION \"Orders\" DISABLE;"]);
    }

    #[test]
    fn is_skipped_without_the_section() {
        let lost =
            testing::pg(|pg| pg.subscriptions = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
