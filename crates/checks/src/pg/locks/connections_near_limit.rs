//! Connections close to what the server accepts.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
};

/// Client backends against `max_connections` less the reserved ones.
pub static CHECK: Check = Check {
    id: "pg-connections-near-limit",
    title: "Connections near the limit",
    topic: Topic::Locks,
    component: Component::Connections,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["activity", "settings"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
Client connections at or above `warning_ratio` (or `critical_ratio`) of what ordinary users can open:
`max_connections` less the slots reserved for superusers and reserved roles.

## Why it matters
At the limit every further client is refused with `too many clients already`: the application is down
although the server is idle.

## How to fix
Find who holds the connections (by user and application in the evidence), close idle ones, put a pooler
in transaction mode in front, and only then raise `max_connections`, which needs a restart.

## When to ignore
Servers whose pool is sized to fill the limit exactly, with nothing else connecting.

## References
PostgreSQL documentation: Connections and Authentication, `max_connections`.
",
    run: Run::Postgres(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.75,
    strict: None,
    range: (0.1, 1.0),
    why: "leaves a quarter for a deployment that doubles its pools while it rolls",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "a tenth is what a retry storm takes in seconds",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (sessions, settings) = (pg.activity()?, pg.settings()?);
    let number = |name| settings.number(name);
    let max = number("max_connections")
        .ok_or_else(|| Skip::not_applicable("max_connections is not known"))?;
    let reserved = number("superuser_reserved_connections").unwrap_or(0.0)
        + number("reserved_connections").unwrap_or(0.0);
    let used = sessions.iter().filter(|s| s.backend_type == "client backend").count() as f64;
    let usable = (max - reserved).max(1.0);
    let Some(severity) = cx.above(used / usable, &WARNING, &CRITICAL, pg.name()) else {
        return Ok(Vec::new());
    };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let raised = format!("{:.0}", max * 1.5);
    let fix = Fix::new(FixKind::Manual, sql::alter_system("max_connections", &raised, true))
        .locking("none", "everything during the restart it needs")
        .undone_by(sql::alter_system("max_connections", &format!("{max:.0}"), true));
    let finding = cx
        .finding(
            severity,
            Subject::new("server", pg.name()),
            format!("{used:.0} of {usable:.0} usable connections are taken"),
            "Close idle connections and put a pooler in front; raise max_connections last.",
        )
        .with(
            Evidence::new("use of connections", used / usable, Unit::Ratio, "pg_stat_activity")
                .against(cx.limit_for(threshold, pg.name())),
        )
        .with(Evidence::new("max_connections", max, Unit::Count, "pg_settings"))
        .with(Evidence::new("reserved", reserved, Unit::Count, "pg_settings"))
        .fixed_by(fix);
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::activity::Session};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with_clients(clients: usize) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "max_connections", "103", None);
            set(pg, "superuser_reserved_connections", "3", None);
            let client = Session { backend_type: "client backend".into(), ..Session::default() };
            let walsender = Session { backend_type: "walsender".into(), ..Session::default() };
            *edit(&mut pg.activity) = vec![client; clients];
            edit(&mut pg.activity).extend(vec![walsender; 20]);
        })
    }

    #[test]
    fn both_thresholds_have_two_sides_and_other_backends_do_not_count() {
        let severity =
            |clients| testing::findings(&CHECK, &with_clients(clients)).first().map(|f| f.severity);
        assert_eq!(severity(74), None);
        assert_eq!(severity(75), Some(Severity::Warning));
        assert_eq!(severity(89), Some(Severity::Warning));
        assert_eq!(severity(90), Some(Severity::Critical));
    }

    #[test]
    fn is_skipped_without_activity() {
        let snapshot = testing::pg(|pg| {
            pg.activity = Section::unavailable(Reason::Permission, "hidden");
        });
        assert_eq!(testing::skipped(&CHECK, &snapshot).0.reason, Reason::Permission);
    }
}
