//! Versions without support.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::releases;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// Major versions that get no more fixes, or soon get none.
pub static CHECK: Check = Check {
    id: "pg-version-end-of-life",
    title: "End of life of the version",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&BEFORE],
    fix: None,
    explain: "\
## What it detects
The server's major version has had its last release (critical), or will have it within
`warn_before_days` (warning). Versions newer than the tool are silent.

## Why it matters
Nobody mends its security holes and faults any more; the knowledge how to break in is public.

## How to fix
Upgrade to a supported major version with `pg_upgrade` or logical replication.

## When to ignore
Versions a vendor supports for longer.

## References
PostgreSQL: Versioning Policy.
",
    run: Run::Postgres(run),
};

static BEFORE: Threshold = Threshold {
    key: "warn_before_days",
    unit: Unit::Days,
    default: 180.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "half a year is what planning and testing an upgrade usually takes",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let version = pg.server().version;
    if version.major == 0 {
        return Err(Skip::not_applicable("the version is not known"));
    }
    let Some(end) = releases::support_ends(version.major) else { return Ok(Vec::new()) };
    let days = end.duration_since(pg.now()).as_secs_f64() / 86_400.0;
    let before = cx.limit(&BEFORE);
    if days > before {
        return Ok(Vec::new());
    }
    let day = end.strftime("%Y-%m-%d").to_string();
    let (severity, message) = if days <= 0.0 {
        (Severity::Critical, format!("PostgreSQL {} has had no fixes since {day}", version.major))
    } else {
        (Severity::Warning, format!("PostgreSQL {} gets its last fixes on {day}", version.major))
    };
    let found = cx
        .finding(
            severity,
            Subject::new("server", pg.name()),
            message,
            "Upgrade to a supported major version with pg_upgrade or logical replication.",
        )
        .with(Evidence::new("version", version.to_string(), Unit::Text, "server_version_num"))
        .with(
            Evidence::new(
                "days of support left",
                days,
                Unit::Days,
                "postgresql.org, Versioning Policy",
            )
            .against(before),
        );
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing;
    use dbvitals_model::ServerVersion;

    fn found(major: u32, at: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                pg.server.version = ServerVersion::new(major, 99, 0);
                pg.server.now = at.parse().unwrap();
            }),
        )
    }

    #[test]
    fn warns_before_and_is_critical_after() {
        assert!(found(14, "2026-05-15T23:00:00Z").is_empty());
        assert_eq!(found(14, "2026-05-16T00:00:00Z")[0].severity, Severity::Warning);
        assert_eq!(found(14, "2026-11-11T23:00:00Z")[0].severity, Severity::Warning);
        let gone = found(14, "2026-11-12T00:00:00Z").remove(0);
        assert_eq!(gone.severity, Severity::Critical);
        assert!(gone.message.contains("2026-11-12"));
    }

    #[test]
    fn versions_of_the_future_are_silent() {
        assert!(found(42, "2090-01-01T00:00:00Z").is_empty());
    }

    #[test]
    fn is_skipped_without_a_version() {
        let unknown = testing::pg(|pg| pg.server.version = ServerVersion::new(0, 0, 0));
        testing::skipped(&CHECK, &unknown);
    }
}
