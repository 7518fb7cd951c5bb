//! Clients of the pooler near its limit.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PoolerView,
    words,
};

/// Connected clients against `max_client_conn`.
pub static CHECK: Check = Check {
    id: "pg-pooler-clients-near-limit",
    title: "Pooler near its clients limit",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["lists", "config"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
Clients connected to the pooler are at `warning_ratio` (or `critical_ratio`) of `max_client_conn`.

## Why it matters
Beyond it the pooler refuses new clients with `no more connections allowed`, however idle the others are.

## How to fix
Raise `max_client_conn` and the pooler's limit of open files with it (about one for each client and server); an idle
client costs a few kilobytes. Look for applications that open connections and never close them.

## When to ignore
Where the limit is meant to hold clients off.

## References
PgBouncer documentation: Admin console, `SHOW POOLS`; Configuration.
",
    run: Run::Pooler(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: None,
    range: (0.01, 1.0),
    why: "leaves room for one more restart of an application that connects before it closes",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.95,
    strict: None,
    range: (0.01, 1.0),
    why: "the next burst is refused",
};

fn run(pooler: &PoolerView<'_>, cx: &Context<'_>) -> Judged {
    let (lists, config) = (pooler.lists()?, pooler.config()?);
    let number = |name: &str| config.get(name).and_then(|value| value.parse::<f64>().ok());
    let Some((used, most)) = lists
        .get("used_clients")
        .map(|used| *used as f64)
        .zip(number("max_client_conn").filter(|most| *most > 0.0))
    else {
        return Err(Skip::not_applicable("the pooler does not tell its clients"));
    };
    let name = pooler.name();
    let Some(severity) = cx.above(used / most, &WARNING, &CRITICAL, name) else {
        return Ok(Vec::new());
    };
    let limit = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let finding = cx
        .finding(
            severity,
            Subject::new("pooler", name),
            format!(
                "{} of {} client connections of the pooler are in use ({})",
                words::count(used),
                words::count(most),
                words::percent(used / most)
            ),
            "Raise max_client_conn, with the limit of open files; look for clients that never close.",
        )
        .with(
            Evidence::new("in use", used / most, Unit::Ratio, "SHOW LISTS")
                .against(cx.limit_for(limit, name)),
        )
        .with(Evidence::new("clients", used, Unit::Count, "SHOW LISTS"))
        .with(Evidence::new("max_client_conn", most, Unit::Count, "SHOW CONFIG"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, edit};

    fn severity(clients: i64) -> Option<Severity> {
        let snapshot = testing::pooler(|pooler| {
            edit(&mut pooler.lists).insert("used_clients".into(), clients);
            edit(&mut pooler.config).insert("max_client_conn".into(), "100".into());
        });
        testing::findings(&CHECK, &snapshot).first().map(|found| found.severity)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(79), None);
        assert_eq!(severity(80), Some(Severity::Warning));
        assert_eq!(severity(94), Some(Severity::Warning));
        assert_eq!(severity(95), Some(Severity::Critical));
    }

    #[test]
    fn is_skipped_where_it_is_not_told() {
        let skip = testing::skipped(&CHECK, &testing::pooler(|_| {}));
        assert!(!skip.is_gap());
    }
}
