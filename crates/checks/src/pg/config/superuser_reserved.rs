//! No connection left for the administrator.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
};

/// `superuser_reserved_connections` too small.
pub static CHECK: Check = Check {
    id: "pg-superuser-reserved",
    title: "Connections reserved for superusers",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings"],
    uses: &[],
    thresholds: &[&MIN],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`superuser_reserved_connections` is below `min_connections`: information, and a warning at 0.

## Why it matters
When an application has taken all connections, nobody can look at the server or end a session without
stopping it.

## How to fix
Set it to 3; it needs a restart. Never let the application connect as a superuser.

## When to ignore
Servers that are administered over `reserved_connections` (16 and later) alone.

## References
PostgreSQL documentation: Connections and Authentication, `superuser_reserved_connections`.
",
    run: Run::Postgres(run),
};

static MIN: Threshold = Threshold {
    key: "min_connections",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (0.0, 100.0),
    why: "3 is the default: an administrator, a monitor and one that hangs",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let settings = pg.settings()?;
    let name = "superuser_reserved_connections";
    let (present, least) = (advice::number(settings, name)?, cx.limit(&MIN));
    if present >= least {
        return Ok(Vec::new());
    }
    let severity = if present <= 0.0 { Severity::Warning } else { Severity::Info };
    let found = advice::about(
        cx,
        severity,
        settings,
        name,
        format!("{present} connections are kept free for the administrator"),
        "Keep 3 connections free for superusers, at the next restart.",
    )
    .with(Evidence::new("reserved", present, Unit::Count, "pg_settings").against(least))
    .fixed_by(change(settings, FixKind::Review, &[(name, format!("{least:.0}"))]));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, set};

    #[test]
    fn the_limit_has_two_sides() {
        let found = |value| {
            let name = "superuser_reserved_connections";
            testing::findings(&CHECK, &testing::pg(|pg| set(pg, name, value, None)))
        };
        assert!(found("3").is_empty());
        assert_eq!(found("2")[0].severity, Severity::Info);
        let none = found("0").remove(0);
        assert_eq!(none.severity, Severity::Warning);
        assert_eq!(
            none.fix.unwrap().statements[0],
            "ALTER SYSTEM SET superuser_reserved_connections = '3';"
        );
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
