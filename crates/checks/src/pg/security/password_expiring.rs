//! Passwords that are about to end.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use super::reach::not_twice;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    sql,
    view::PgView,
};
use jiff::{SignedDuration, Timestamp};

/// Roles whose password ends soon.
pub static CHECK: Check = Check {
    id: "pg-password-expiring",
    title: "Password expiring",
    topic: Topic::Security,
    component: Component::Security,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["roles"],
    uses: &[],
    thresholds: &[&BEFORE, &AFTER],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
A role that may log in has a password that ends (`VALID UNTIL`) within `warn_before_days`, or ended no
more than `forget_after_days` ago.

## Why it matters
From that moment every new connection of the application fails, while those in a pool go on working
until they are renewed: an outage that creeps in.

## How to fix
Change the password and set the new end: `ALTER ROLE … PASSWORD … VALID UNTIL …`.

## When to ignore
Roles meant to end.

## References
PostgreSQL documentation: ALTER ROLE, `VALID UNTIL`.
",
    run: Run::Postgres(run),
};

static BEFORE: Threshold = Threshold {
    key: "warn_before_days",
    unit: Unit::Days,
    default: 7.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a week is enough to change a password everywhere it is kept",
};

static AFTER: Threshold = Threshold {
    key: "forget_after_days",
    unit: Unit::Days,
    default: 7.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a role nobody missed for a week was ended on purpose",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let roles = pg.roles()?;
    not_twice(pg)?;
    let (before, after) = (cx.limit(&BEFORE), cx.limit(&AFTER));
    let ending = roles.iter().filter(|role| role.can_login).filter_map(|role| {
        let end = role.valid_until?;
        let days = end.duration_since(pg.now()).as_secs_f64() / 86_400.0;
        (-after..=before).contains(&days).then_some((role, end, days))
    });
    let found = ending.map(|(role, end, days)| {
        let what = if days <= 0.0 { "ended" } else { "ends" };
        let day = |moment: Timestamp| moment.strftime("%Y-%m-%d %H:%M:%S+00").to_string();
        let name = sql::ident(&role.name);
        let until =
            |moment| format!("ALTER ROLE {name} VALID UNTIL {};", sql::literal(&day(moment)));
        let later = pg.now().checked_add(SignedDuration::from_hours(90 * 24)).unwrap_or(end);
        cx.finding(
            Severity::Warning,
            Subject::new("role", &role.name),
            format!(
                "the password of role {} {what} on {} UTC",
                role.name,
                end.strftime("%Y-%m-%d %H:%M")
            ),
            "Change the password wherever it is kept, and set its new end.",
        )
        .with(
            Evidence::new("days left", days, Unit::Days, "pg_roles.rolvaliduntil").against(before),
        )
        .fixed_by(Fix::new(FixKind::Manual, [until(later)]).undone_by([until(end)]))
    });
    Ok(found.collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Finding, Section};

    use super::*;
    use crate::testing::{self, ago, edit};
    use dbvitals_model::pg::security::Role;

    fn found(seconds_left: i64, can_login: bool) -> Vec<Finding> {
        let role = Role {
            name: "app".into(),
            can_login,
            valid_until: ago(-seconds_left),
            ..Role::default()
        };
        testing::findings(&CHECK, &testing::pg(|pg| *edit(&mut pg.roles) = vec![role]))
    }

    #[test]
    fn both_limits_have_two_sides() {
        let week = 7 * 86_400;
        assert!(found(week + 1, true).is_empty());
        let soon = found(week, true).remove(0);
        assert!(soon.message.contains("ends on 2026-01-08 00:00"), "{}", soon.message);
        let fix = soon.fix.unwrap();
        assert_eq!(fix.statements, ["ALTER ROLE app VALID UNTIL '2026-04-01 00:00:00+00';"]);
        assert_eq!(fix.undo, ["ALTER ROLE app VALID UNTIL '2026-01-08 00:00:00+00';"]);
        assert!(found(-week, true)[0].message.contains("ended"));
        assert!(found(-week - 1, true).is_empty());
    }

    #[test]
    fn roles_nobody_logs_in_with_are_silent() {
        assert!(found(60, false).is_empty());
    }

    #[test]
    fn is_skipped_without_roles() {
        testing::skipped(&CHECK, &testing::pg(|pg| pg.roles = Section::default()));
    }
}
