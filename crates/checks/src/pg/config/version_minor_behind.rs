//! Fixes that were released but not installed.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use super::releases;
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// Minor releases the server lacks.
pub static CHECK: Check = Check {
    id: "pg-version-minor-behind",
    title: "Minor version behind",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[&GRACE],
    fix: None,
    explain: "\
## What it detects
A newer minor release of the server's major version has been out for more than `grace_days`. The table
of releases is as old as the tool: a newer tool may find more.

## Why it matters
Minor releases hold nothing but fixes: security holes, wrong results, crashes, damaged indexes.

## How to fix
Install the newest minor release and restart; read its notes for the rare index that must be rebuilt.

## When to ignore
Servers whose provider installs them at its own pace.

## References
PostgreSQL: Versioning Policy; release notes.
",
    run: Run::Postgres(run),
};

static GRACE: Threshold = Threshold {
    key: "grace_days",
    unit: Unit::Days,
    default: 30.0,
    strict: None,
    range: (0.0, 3650.0),
    why: "a month to test and roll out a minor release",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let version = pg.server().version;
    if version.major == 0 {
        return Err(Skip::not_applicable("the version is not known"));
    }
    let Some((minor, released)) = releases::newest_minor(version.major, pg.now()) else {
        return Ok(Vec::new());
    };
    let days = pg.seconds_since(Some(released)).unwrap_or(0.0) / 86_400.0;
    let grace = cx.limit(&GRACE);
    if version.minor >= minor || days <= grace {
        return Ok(Vec::new());
    }
    let newest = format!("{}.{minor}", version.major);
    let day = released.strftime("%Y-%m-%d").to_string();
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!("PostgreSQL {version} lacks the fixes of {newest}, out since {day}"),
            "Install the newest minor release and restart; read its notes first.",
        )
        .with(
            Evidence::new("version", version.to_string(), Unit::Text, "server_version_num")
                .against(newest),
        )
        .with(
            Evidence::new("released before", days, Unit::Days, "postgresql.org, Versioning Policy")
                .against(grace),
        );
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing;
    use dbvitals_model::ServerVersion;

    fn found(minor: u32, at: &str) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                pg.server.version = ServerVersion::new(16, minor, 0);
                pg.server.now = at.parse().unwrap();
            }),
        )
    }

    #[test]
    fn fires_after_the_time_to_roll_out() {
        // 16.11 came on 2025-11-13.
        assert!(found(10, "2025-12-13T00:00:00Z").is_empty());
        let late = found(10, "2025-12-13T00:00:01Z").remove(0);
        assert!(late.message.contains("16.10 lacks the fixes of 16.11"), "{}", late.message);
        assert!(found(11, "2025-12-31T00:00:00Z").is_empty());
    }
}
