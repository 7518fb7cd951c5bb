//! A cluster that could not fail over well.

use dbvitals_model::{
    Evidence, Finding, Reason, Severity, Subject, Unavailable, Unit, cluster::FailoverPoint,
    pg::replication::Replica,
};

use super::{failover, standby};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// A scored list of what a failover to the best standby needs.
pub static CHECK: Check = Check {
    id: "pg-failover-not-ready",
    title: "Not ready to fail over",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["replicas", "settings"],
    uses: &["archiver", "recovery", "slots"],
    thresholds: &[&READY, &MAX_LAG],
    fix: None,
    explain: "\
## What it detects
Judged on a primary with standbys, for the best of them. Eight points: it streams; it lags by no more than
`max_lag_bytes`; a slot or `wal_keep_size` keeps the WAL it needs; it follows the primary's timeline; its
settings allow it to take over; `wal_level` and `hot_standby` are right; WAL is archived. A warning when
one of the first two, the timeline, the settings or `wal_level` fail, or when less than `min_ready_ratio` of
the points that could be seen are met. What cannot be seen is no pass: the check is then left open.

## Why it matters
What is missing shows at the failover, when nobody has time for it.

## How to fix
Work through the points that say no. Name the standby as a further target to see all of them.

## When to ignore
Standbys that are only meant for reports.

## References
PostgreSQL documentation: Failover; Hot Standby.
",
    run: Run::Postgres(run),
};

static READY: Threshold = Threshold {
    key: "min_ready_ratio",
    unit: Unit::Ratio,
    default: 0.8,
    strict: Some(1.0),
    range: (0.0, 1.0),
    why: "one convenience may be missing; two make a failover an adventure",
};

pub(crate) static MAX_LAG: Threshold = Threshold {
    key: "max_lag_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e13),
    why: "100 MB are replayed within seconds, which a failover can wait",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (replicas, _) = (pg.replicas()?, pg.settings()?);
    let _ = (pg.archiver().ok(), pg.slots().ok(), pg.recovery().ok());
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("judged on the primary"));
    }
    let Some(best) = best(replicas) else {
        return Err(Skip::not_applicable("there is no standby to fail over to"));
    };
    standby::visible(pg, replicas)?;
    let target = standby::target_of(pg, replicas, best);
    let points = failover::points(pg, best, target.as_ref(), cx.limit(&MAX_LAG))?;
    let count = |met| points.iter().filter(|point| point.met == met).count();
    let (met, failed) = (count(Some(true)), count(Some(false)));
    let ratio = met as f64 / (met + failed).max(1) as f64;
    let broken = points.iter().any(|point| point.vital && point.met == Some(false));
    if broken || (met + failed > 0 && ratio < cx.limit(&READY)) {
        return Ok(vec![finding(pg, cx, best, &points, ratio)]);
    }
    let unknown: Vec<_> = points.iter().filter(|point| point.met.is_none()).collect();
    match unknown.iter().find(|point| point.vital) {
        None => Ok(Vec::new()),
        Some(_) => Err(Skip(Unavailable::with_remedy(
            Reason::NotAsked,
            format!(
                "{met} of {} points are met and {} cannot be seen: {}",
                points.len(),
                unknown.len(),
                labels(unknown.into_iter())
            ),
            format!("name the standby {} as a further target", standby::label(best)),
        ))),
    }
}

fn labels<'a>(points: impl Iterator<Item = &'a FailoverPoint>) -> String {
    points.map(|point| point.label.as_str()).collect::<Vec<_>>().join(", ")
}

fn finding(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    best: &Replica,
    points: &[FailoverPoint],
    ratio: f64,
) -> Finding {
    let met = points.iter().filter(|point| point.met == Some(true)).count();
    let unknown = points.iter().filter(|point| point.met.is_none()).count();
    let unseen = if unknown > 0 { format!(" ({unknown} unknown)") } else { String::new() };
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "a failover to {} meets {met} of {} points{unseen}; missing: {}",
                standby::label(best),
                points.len(),
                labels(points.iter().filter(|point| point.met == Some(false)))
            ),
            "Work through the points that say no, before a failover does.",
        )
        .with(
            Evidence::new("points met", ratio, Unit::Ratio, "the points below that can be seen")
                .against(cx.limit(&READY)),
        );
    points.iter().fold(found, |found, point| {
        let words = failover::said(point);
        found.with(Evidence::new(&point.label, words, Unit::Text, &point.source).against("yes"))
    })
}

/// The standby that streams with the smallest lag.
fn best(replicas: &[Replica]) -> Option<&Replica> {
    standby::standbys(replicas).min_by_key(|replica| {
        let streams = replica.state.as_deref() == Some("streaming");
        (!streams, replica.replay_lag_bytes.unwrap_or(i64::MAX))
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot, TargetData,
        pg::{PgSnapshot, replication::Slot},
    };

    use super::*;
    use crate::{
        Profile,
        testing::{self, ago, edit, set},
    };

    /// A primary with one standby, both targets, everything in order; then edited.
    fn cluster(change: impl FnOnce(&mut PgSnapshot, &mut PgSnapshot)) -> Snapshot {
        let (mut primary, mut replica) = (testing::healthy_pg(), testing::healthy_pg());
        for pg in [&mut primary, &mut replica] {
            for (name, value) in [
                ("wal_level", "replica"),
                ("hot_standby", "on"),
                ("archive_mode", "on"),
                ("max_connections", "100"),
                ("wal_keep_size", "0"),
            ] {
                set(pg, name, value, None);
            }
        }
        *edit(&mut primary.replicas) = vec![Replica {
            application: "s1".into(),
            state: Some("streaming".into()),
            replay_lag_bytes: Some(0),
            slot_name: Some("s1".into()),
            ..Replica::default()
        }];
        primary.server.timeline = Some(1);
        replica.server.in_recovery = true;
        edit(&mut replica.recovery).timeline = Some(1);
        change(&mut primary, &mut replica);
        testing::snapshot(vec![
            testing::target("main", TargetData::Postgres(Box::new(primary))),
            testing::target("s1", TargetData::Postgres(Box::new(replica))),
        ])
    }

    fn message(snapshot: &Snapshot, profile: Profile) -> Option<String> {
        let settings = crate::Settings { profile, ..crate::Settings::default() };
        let verdicts = crate::judge::run(&CHECK, snapshot, &snapshot.targets[0], &settings);
        let found = verdicts.unwrap().0.remove(0).1.unwrap();
        found.first().map(|finding| finding.message.clone())
    }

    fn standby(pg: &mut PgSnapshot) -> &mut Replica {
        &mut edit(&mut pg.replicas)[0]
    }

    #[test]
    fn a_cluster_in_order_is_ready() {
        assert_eq!(message(&cluster(|_, _| {}), Profile::Strict), None);
    }

    #[test]
    fn one_convenience_may_be_missing_and_two_may_not() {
        let no_slot = cluster(|primary, _| standby(primary).slot_name = None);
        assert_eq!(message(&no_slot, Profile::Default), None);
        assert!(message(&no_slot, Profile::Strict).unwrap().contains("7 of 8"));
        let nor_archive = cluster(|primary, _| {
            standby(primary).slot_name = None;
            set(primary, "archive_mode", "off", None);
        });
        let said = message(&nor_archive, Profile::Default).unwrap();
        assert!(said.ends_with("6 of 8 points; missing: WAL kept for it, WAL archived"), "{said}");
    }

    #[test]
    fn each_vital_point_alone_suffices() {
        let late = cluster(|primary, _| standby(primary).replay_lag_bytes = Some((100 << 20) + 1));
        assert!(message(&late, Profile::Default).unwrap().contains("small lag"));
        let just = cluster(|primary, _| standby(primary).replay_lag_bytes = Some(100 << 20));
        assert_eq!(message(&just, Profile::Default), None);
        let behind = cluster(|primary, _| standby(primary).state = Some("catchup".into()));
        assert!(message(&behind, Profile::Default).unwrap().contains("standby streaming"));
        let small = cluster(|_, replica| set(replica, "max_connections", "50", None));
        assert!(message(&small, Profile::Default).unwrap().contains("settings high enough"));
    }

    #[test]
    fn what_cannot_be_seen_is_no_pass() {
        let mut alone = cluster(|_, _| {});
        alone.targets.truncate(1);
        let skip = testing::skipped(&CHECK, &alone).0;
        assert_eq!(skip.reason, Reason::NotAsked);
        let said =
            "6 of 8 points are met and 2 cannot be seen: same timeline, settings high enough";
        assert_eq!(skip.detail, said);
        let mut late = cluster(|primary, _| standby(primary).state = Some("catchup".into()));
        late.targets.truncate(1);
        let said = message(&late, Profile::Default).unwrap();
        assert!(said.contains("meets 5 of 8 points (2 unknown)"), "{said}");
    }

    #[test]
    fn an_archiver_that_fails_and_a_lost_slot_are_told() {
        let failing = cluster(|primary, _| edit(&mut primary.archiver).last_failed_at = ago(5));
        assert!(message(&failing, Profile::Strict).unwrap().contains("WAL archived"));
        let lost = cluster(|primary, _| {
            let slot =
                Slot { name: "s1".into(), wal_status: Some("lost".into()), ..Slot::default() };
            *edit(&mut primary.slots) = vec![slot];
        });
        assert!(message(&lost, Profile::Strict).unwrap().contains("WAL kept for it"));
    }

    #[test]
    fn a_standby_on_an_old_timeline_cannot_take_over() {
        let old = cluster(|primary, _| primary.server.timeline = Some(2));
        let said = message(&old, Profile::Default).unwrap();
        assert!(said.ends_with("missing: same timeline"), "{said}");
    }

    #[test]
    fn is_skipped_without_a_standby() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
