//! A server on which nothing ever times out.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
};

/// All timeouts of statements, locks and idle transactions are off, for everybody and every role.
pub static CHECK: Check = Check {
    id: "pg-no-timeouts",
    title: "No timeouts",
    topic: Topic::Locks,
    component: Component::Transactions,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &["roles"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`statement_timeout`, `lock_timeout`, `idle_in_transaction_session_timeout`, `idle_session_timeout` and
`transaction_timeout` are all 0, for the server and for every role.

## Why it matters
Nothing bounds the damage of a runaway query, of a migration that waits for a lock with the whole
application behind it, or of a transaction its client forgot.

## How to fix
Start with `idle_in_transaction_session_timeout` for everybody: ten minutes harm nobody. Set
`statement_timeout` and `lock_timeout` per role, since dumps and maintenance need longer.

## When to ignore
Where every client sets its own timeouts when it connects: the server cannot see those.

## References
PostgreSQL documentation: Client Connection Defaults, Statement Behavior.
",
    run: Run::Postgres(run),
};

/// Each bounds something by itself; those a version lacks do not count.
const TIMEOUTS: [&str; 5] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "transaction_timeout",
];

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, roles) = (pg.settings()?, pg.roles().ok());
    let known: Vec<(&str, f64)> =
        TIMEOUTS.iter().filter_map(|name| Some((*name, settings.millis(name)?))).collect();
    if known.is_empty() {
        return Err(Skip::not_applicable("the timeouts are not known"));
    }
    let mut of_roles = roles.into_iter().flatten().flat_map(|role| &role.settings);
    let is_set_for_a_role = of_roles.any(|setting| {
        let (name, value) = setting.split_once('=').unwrap_or_default();
        TIMEOUTS.contains(&name) && value != "0"
    });
    if is_set_for_a_role || known.iter().any(|(_, millis)| *millis > 0.0) {
        return Ok(Vec::new());
    }
    let name = "idle_in_transaction_session_timeout";
    let fix = setting_change::change(settings, FixKind::Review, &[(name, "10min".to_owned())])
        .locking(
            "none",
            "nothing; sessions idle in a transaction for ten minutes are ended from then on",
        );
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("server", pg.name()),
            "no timeout is set for statements, locks or idle transactions, for the server or any role",
            "End transactions idle for ten minutes; set statement_timeout and lock_timeout for the roles \
             of applications.",
        )
        .fixed_by(fix);
    Ok(vec![known.into_iter().fold(found, |found, (name, millis)| {
        found.with(Evidence::new(name, millis, Unit::Ms, "pg_settings"))
    })])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Finding, Reason, Section,
        pg::{PgSnapshot, security::Role},
    };

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(change: impl FnOnce(&mut PgSnapshot)) -> Vec<Finding> {
        let snapshot = testing::pg(|pg| {
            for name in TIMEOUTS {
                set(pg, name, "0", Some("ms"));
            }
            change(pg);
        });
        testing::findings(&CHECK, &snapshot)
    }

    #[test]
    fn any_timeout_anywhere_is_enough() {
        assert_eq!(found(|_| {}).len(), 1);
        assert!(found(|pg| set(pg, "lock_timeout", "5000", Some("ms"))).is_empty());
        let with_role = |setting: &str| {
            let settings = vec![setting.to_owned()];
            let role = Role { name: "web".into(), settings, ..Role::default() };
            found(|pg| *edit(&mut pg.roles) = vec![role]).len()
        };
        assert_eq!(with_role("statement_timeout=30s"), 0);
        assert_eq!(with_role("statement_timeout=0"), 1);
        assert_eq!(with_role("search_path=app"), 1);
    }

    #[test]
    fn the_fix_ends_idle_transactions() {
        let fix = found(|_| {}).remove(0).fix.unwrap();
        assert_eq!(
            fix.statements,
            [
                "ALTER SYSTEM SET idle_in_transaction_session_timeout = '10min';",
                "SELECT pg_reload_conf();"
            ]
        );
        assert!(fix.reversible);
    }

    #[test]
    fn judges_without_roles_but_not_without_settings() {
        let hidden = |pg: &mut PgSnapshot| {
            pg.roles = Section::unavailable(Reason::Permission, "hidden");
        };
        assert_eq!(found(hidden).len(), 1);
        testing::skipped(&CHECK, &testing::pg(|_| {}));
        let none = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &none).0.reason, Reason::Failed);
    }
}
