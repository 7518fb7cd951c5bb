//! Standbys that should be connected and are not.

use dbvitals_model::{Evidence, Finding, FixKind, Severity, Subject, Unit, pg::instance::Settings};

use super::{
    standby,
    synchronous::{Demand, demand},
};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
};

/// Connected standbys against what was promised.
pub static CHECK: Check = Check {
    id: "pg-replica-missing",
    title: "Standby missing",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["replicas"],
    uses: &["settings"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Fewer standbys are connected than the configuration expects of this target (`replicas`), or fewer of those
named in `synchronous_standby_names` are streaming than a commit has to wait for.

## Why it matters
With too few synchronous standbys every commit waits without end: the application stands still although
nothing has crashed. With too few standbys at all there is nothing to fail over to.

## How to fix
Bring the standby back: look at its log, its receiver, the network, `primary_conninfo`. Until then commits
can be let go by taking it out of `synchronous_standby_names`.

## When to ignore
While a standby is being rebuilt and its absence is known.

## References
PostgreSQL documentation: Synchronous Replication.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (replicas, settings) = (pg.replicas()?, pg.settings().ok());
    let expected = pg.expectations().replicas;
    let names = settings.and_then(|settings| settings.text("synchronous_standby_names"));
    let wanted = names.and_then(demand).filter(|_| !pg.server().in_recovery);
    if expected.is_none() && wanted.is_none() {
        return Err(Skip::not_applicable(
            "no number of standbys is expected of this target, and none is synchronous",
        ));
    }
    let connected = standby::standbys(replicas).count();
    let mut found = Vec::new();
    if let Some(expected) = expected.filter(|expected| connected < *expected as usize) {
        found.push(too_few(pg, cx, connected, expected));
    }
    if let Some((wanted, settings)) = wanted.zip(settings) {
        standby::visible(pg, replicas)?;
        let able = wanted.able(replicas);
        if able < wanted.number {
            found.push(commits_wait(pg, cx, settings, &wanted, able));
        }
    }
    Ok(found)
}

fn too_few(pg: &PgView<'_>, cx: &Context<'_>, connected: usize, expected: u32) -> Finding {
    cx.finding(
        Severity::Critical,
        Subject::new("server", pg.name()),
        format!("{connected} of {expected} expected standbys are connected"),
        "Bring the standby back: look at its log, its receiver, the network and primary_conninfo.",
    )
    .with(
        Evidence::new("standbys connected", connected as f64, Unit::Count, "pg_stat_replication")
            .against(f64::from(expected)),
    )
}

fn commits_wait(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    settings: &Settings,
    wanted: &Demand,
    able: usize,
) -> Finding {
    let level = settings.text("synchronous_commit").unwrap_or("on");
    let waits = !["off", "local"].contains(&level);
    let severity = if waits { Severity::Critical } else { Severity::Warning };
    let effect = if waits { "commits wait for them" } else { "commits do not wait for them" };
    let change = [("synchronous_standby_names", String::new())];
    let fix = setting_change::change(settings, FixKind::Review, &change)
        .locking("none", "nothing; until it is undone, a failover can lose the last commits");
    let names = wanted.names.join(", ");
    cx.finding(
        severity,
        Subject::new("setting", "synchronous_standby_names"),
        format!(
            "{able} of {} synchronous standbys ({names}) are streaming; {effect}",
            wanted.number
        ),
        "Bring the standby back. To let commits go until then, take it out of \
         synchronous_standby_names.",
    )
    .with(
        Evidence::new("synchronous standbys", able as f64, Unit::Count, "pg_stat_replication")
            .against(wanted.number as f64),
    )
    .with(Evidence::new("synchronous_commit", level, Unit::Text, "pg_settings"))
    .with(Evidence::new("server", pg.name(), Unit::Text, "target"))
    .fixed_by(fix)
    .promising("commits return at once, without the promise of a second copy")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData, pg::replication::Replica};

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(expected: Option<u32>, names: &str, connected: &[(&str, &str)]) -> Snapshot {
        let mut snapshot = testing::pg(|pg| {
            set(pg, "synchronous_standby_names", names, None);
            let of = |(application, state): &(&str, &str)| Replica {
                application: (*application).into(),
                state: Some((*state).into()),
                replay_lag_bytes: Some(0),
                ..Replica::default()
            };
            *edit(&mut pg.replicas) = connected.iter().map(of).collect();
        });
        snapshot.targets[0].expectations.replicas = expected;
        snapshot
    }

    #[test]
    fn fewer_than_expected_is_critical() {
        let one = [("s1", "streaming")];
        assert!(testing::findings(&CHECK, &with(Some(1), "", &one)).is_empty());
        let found = testing::findings(&CHECK, &with(Some(2), "", &one));
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[0].message, "1 of 2 expected standbys are connected");
    }

    #[test]
    fn a_base_backup_is_no_standby() {
        let backup = [("pg_basebackup", "backup")];
        assert_eq!(testing::findings(&CHECK, &with(Some(1), "", &backup)).len(), 1);
    }

    #[test]
    fn commits_that_wait_are_let_go_by_the_fix() {
        let found = testing::findings(&CHECK, &with(None, "FIRST 1 (s1)", &[("s2", "streaming")]));
        assert_eq!(found[0].severity, Severity::Critical);
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(
            fix.statements,
            ["ALTER SYSTEM SET synchronous_standby_names = '';", "SELECT pg_reload_conf();"]
        );
        assert_eq!(fix.undo[0], "ALTER SYSTEM SET synchronous_standby_names = 'FIRST 1 (s1)';");
        let fine = with(None, "ANY 1 (s1, s2)", &[("s2", "streaming")]);
        assert!(testing::findings(&CHECK, &fine).is_empty());
    }

    #[test]
    fn is_skipped_without_anything_to_expect_or_to_see() {
        assert!(!testing::skipped(&CHECK, &with(None, "", &[])).is_gap());
        let mut hidden = with(None, "s1", &[("s1", "streaming")]);
        let TargetData::Postgres(pg) = &mut hidden.targets[0].data else { unreachable!() };
        edit(&mut pg.replicas)[0].state = None;
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Permission);
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
