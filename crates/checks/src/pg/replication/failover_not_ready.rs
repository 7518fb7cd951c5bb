//! A cluster that could not fail over well.

use dbvitals_model::{
    Evidence, Severity, Subject, Unit,
    pg::{counters::Archiver, instance::Settings, replication::Replica},
};

use super::{parity, standby};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
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
    uses: &["archiver", "recovery"],
    thresholds: &[&READY, &MAX_LAG],
    fix: None,
    explain: "\
## What it detects
Judged on a primary with standbys, for the best of them. Eight points: it streams; it lags by no more than
`max_lag_bytes`; a slot or `wal_keep_size` keeps the WAL it needs; all standbys are on one timeline; its
settings allow it to take over; `wal_level` and `hot_standby` are right; WAL is archived. A warning when
one of the first two, the settings or `wal_level` fail, or when less than `min_ready_ratio` of the points
that could be seen are met.

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

static MAX_LAG: Threshold = Threshold {
    key: "max_lag_bytes",
    unit: Unit::Bytes,
    default: 104_857_600.0,
    strict: None,
    range: (0.0, 1e13),
    why: "100 MB are replayed within seconds, which a failover can wait",
};

/// One point of the list.
struct Point {
    label: &'static str,
    /// `None` where it could not be seen.
    met: Option<bool>,
    note: String,
    source: &'static str,
    /// Without it a failover fails or loses much.
    vital: bool,
}

impl Point {
    fn new(label: &'static str, met: Option<bool>, note: String, source: &'static str) -> Self {
        Self { label, met, note, source, vital: false }
    }

    fn vital(self) -> Self {
        Self { vital: true, ..self }
    }

    fn words(&self) -> String {
        let verdict = match self.met {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        if self.note.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", self.note) }
    }
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (replicas, settings) = (pg.replicas()?, pg.settings()?);
    let (archiver, _) = (pg.archiver().ok(), pg.recovery().ok());
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("judged on the primary"));
    }
    let Some(best) = best(replicas) else {
        return Err(Skip::not_applicable("there is no standby to fail over to"));
    };
    standby::visible(pg, replicas)?;
    let target = standby::target_of(pg, replicas, best);
    let theirs = target.and_then(|target| target.settings().ok());
    let points = [
        streaming(best),
        lag(best, cx.limit(&MAX_LAG)),
        kept_wal(best, settings),
        timeline(pg),
        same_settings(settings, theirs),
        wal_level(settings),
        hot_standby(theirs.unwrap_or(settings)),
        archived(settings, archiver),
    ];
    let known = points.iter().filter(|point| point.met.is_some()).count();
    let met = points.iter().filter(|point| point.met == Some(true)).count();
    let ratio = met as f64 / known.max(1) as f64;
    let broken = points.iter().any(|point| point.vital && point.met == Some(false));
    if known == 0 || (!broken && ratio >= cx.limit(&READY)) {
        return Ok(Vec::new());
    }
    let failed: Vec<_> =
        points.iter().filter(|point| point.met == Some(false)).map(|point| point.label).collect();
    let name = standby::label(best);
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "a failover to {name} meets {met} of {known} points; missing: {}",
                failed.join(", ")
            ),
            "Work through the points that say no, before a failover does.",
        )
        .with(
            Evidence::new("points met", ratio, Unit::Ratio, "the list below")
                .against(cx.limit(&READY)),
        );
    Ok(vec![points.iter().fold(found, |found, point| {
        found.with(
            Evidence::new(point.label, point.words(), Unit::Text, point.source).against("yes"),
        )
    })])
}

/// The standby that streams with the smallest lag.
fn best(replicas: &[Replica]) -> Option<&Replica> {
    standby::standbys(replicas).min_by_key(|replica| {
        let streams = replica.state.as_deref() == Some("streaming");
        (!streams, replica.replay_lag_bytes.unwrap_or(i64::MAX))
    })
}

fn streaming(best: &Replica) -> Point {
    let state = best.state.as_deref();
    let met = state.map(|state| state == "streaming");
    let note = state.unwrap_or_default().to_owned();
    Point::new("standby streaming", met, note, "pg_stat_replication").vital()
}

fn lag(best: &Replica, limit: f64) -> Point {
    let met = best.replay_lag_bytes.map(|bytes| bytes as f64 <= limit);
    let note = best.replay_lag_bytes.map(|bytes| words::bytes(bytes as f64)).unwrap_or_default();
    Point::new("small lag", met, note, "pg_stat_replication").vital()
}

fn kept_wal(best: &Replica, settings: &Settings) -> Point {
    let keeps = settings.number("wal_keep_size").unwrap_or(0.0) > 0.0;
    let (met, note) = match &best.slot_name {
        Some(slot) => (true, format!("slot {slot}")),
        None if keeps => (true, "wal_keep_size".to_owned()),
        None => (false, "neither a slot nor wal_keep_size".to_owned()),
    };
    Point::new("WAL kept for it", Some(met), note, "pg_replication_slots, pg_settings")
}

fn timeline(pg: &PgView<'_>) -> Point {
    let standbys = pg.siblings().filter(|node| node.server().in_recovery);
    let mut timelines: Vec<_> =
        standbys.filter_map(|node| node.recovery().ok().and_then(|r| r.timeline)).collect();
    timelines.sort_unstable();
    timelines.dedup();
    let note = timelines.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let met = (!timelines.is_empty()).then_some(timelines.len() == 1);
    Point::new("one timeline", met, note, "pg_stat_wal_receiver")
}

fn same_settings(own: &Settings, theirs: Option<&Settings>) -> Point {
    let lower = theirs.map(|theirs| parity::too_low(own, theirs));
    let note = match &lower {
        Some(lower) => {
            lower.iter().map(|difference| difference.name).collect::<Vec<_>>().join(", ")
        }
        None => "the standby is not a target".to_owned(),
    };
    let met = lower.map(|lower| lower.is_empty());
    Point::new("settings high enough", met, note, "pg_settings of both").vital()
}

fn wal_level(settings: &Settings) -> Point {
    let level = settings.text("wal_level");
    let met = level.map(|level| level != "minimal");
    Point::new("wal_level", met, level.unwrap_or_default().to_owned(), "pg_settings").vital()
}

fn hot_standby(settings: &Settings) -> Point {
    let value = settings.text("hot_standby").unwrap_or_default().to_owned();
    Point::new("hot_standby", settings.is_on("hot_standby"), value, "pg_settings")
}

fn archived(settings: &Settings, archiver: Option<&Archiver>) -> Point {
    let mode = settings.text("archive_mode");
    let fails = archiver.is_some_and(|archiver| {
        archiver
            .last_failed_at
            .is_some_and(|failed| archiver.last_archived_at.is_none_or(|worked| failed > worked))
    });
    let met = mode.map(|mode| mode != "off" && !fails);
    let note = if fails { "the archiver fails" } else { mode.unwrap_or_default() };
    Point::new("WAL archived", met, note.to_owned(), "pg_settings, pg_stat_archiver")
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData, pg::PgSnapshot};

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
    fn what_cannot_be_seen_counts_neither_way() {
        let mut alone = cluster(|_, _| {});
        alone.targets.truncate(1);
        assert_eq!(message(&alone, Profile::Strict), None);
        let failing = cluster(|primary, _| edit(&mut primary.archiver).last_failed_at = ago(5));
        assert!(message(&failing, Profile::Strict).unwrap().contains("WAL archived"));
    }

    #[test]
    fn is_skipped_without_a_standby() {
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.replicas = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
