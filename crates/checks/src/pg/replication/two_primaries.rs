//! Two servers of one cluster that both accept writes.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
};

/// Servers with one system identifier out of recovery at the same time.
pub static CHECK: Check = Check {
    id: "pg-two-primaries",
    title: "Two primaries in one cluster",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &[],
    uses: &["activity", "replicas", "slots", "subscriptions"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Two targets with the same system identifier that both accept writes, on different timelines or as two running servers on
one timeline. Told of every one but that on the latest timeline, which a failover made the primary. One server
under two names is one server. A server that subscribes to the other by logical replication was made from its standby
on purpose.

## Why it matters
What is written to one of them is not on the other, and no later step brings the two together: one side's changes will be
lost. Applications that still reach the old primary read and write what nobody else sees.

## How to fix
Keep clients away from the server that is not to be the primary, at once: stop it, or close it by `pg_hba.conf`. Compare
what was written there since the failover, and carry over by hand what must not be lost. Then bring it back as a standby:
`pg_rewind` where it can be used, else a new base backup. Last, find out why the failover did not fence it.

## When to ignore
A copy of the server made for tests, and audited beside it. Give the two reports of their own.

## References
PostgreSQL documentation: Failover; `pg_rewind`; `pg_control_system()`.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    // The other ends are read below, where there are any.
    let activity = pg.activity().ok();
    let _ = (pg.replicas(), pg.slots(), pg.subscriptions());
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby accepts no writes"));
    }
    if pg.siblings().next().is_none() {
        return Err(Skip::not_applicable("no other server of its cluster is among the targets"));
    }
    let Some(leader) = rivals(pg).into_iter().max_by_key(order) else { return Ok(Vec::new()) };
    if order(&leader) < order(pg) {
        return Ok(Vec::new());
    }
    let clients = activity.map(|sessions| {
        let others = sessions.iter().filter(|one| !pg.server().own_pids.contains(&one.pid));
        others.filter(|one| one.backend_type == "client backend").count() as f64
    });
    let found = finding(pg, cx, &leader);
    Ok(vec![match clients {
        Some(clients) => found.with(Evidence::new(
            format!("client connections on {}", pg.name()),
            clients,
            Unit::Count,
            "pg_stat_activity",
        )),
        None => found,
    }])
}

fn finding(pg: &PgView<'_>, cx: &Context<'_>, leader: &PgView<'_>) -> Finding {
    let (own, latest) = (named(pg), named(leader));
    let advice = if pg.server().timeline == leader.server().timeline {
        format!(
            "Decide which of the two is the primary and keep clients away from the other at once. \
             Carry over what was written there, then rebuild it as a standby of the one that stays. \
             If {} is a copy for tests, audit it on its own.",
            pg.name()
        )
    } else {
        format!(
            "Keep clients away from {} at once: a failover left it running. Carry over what was \
             written there since, then bring it back as a standby of {} (pg_rewind, or a new base \
             backup).",
            pg.name(),
            leader.name()
        )
    };
    let text = |label: String, view: &PgView<'_>| {
        let timeline =
            view.server().timeline.map_or_else(|| "unknown".to_owned(), |t| t.to_string());
        Evidence::new(label, timeline, Unit::Text, "pg_walfile_name(pg_current_wal_lsn())")
    };
    let found = cx
        .finding(
            Severity::Critical,
            Subject::new("server", pg.name()),
            format!("{own} and {latest} both accept writes and are one cluster"),
            advice,
        )
        .with(text(format!("timeline of {}", pg.name()), pg))
        .with(text(format!("timeline of {}", leader.name()), leader));
    match pg.server().system_identifier {
        Some(identifier) => found.with(Evidence::new(
            "system identifier of both",
            identifier.to_string(),
            Unit::Text,
            "pg_control_system()",
        )),
        None => found,
    }
}

/// The other targets that are servers of their own, of the same cluster, and accept writes.
pub fn rivals<'a>(pg: &PgView<'a>) -> Vec<PgView<'a>> {
    let writes = |server: &PgView<'_>| !server.server().in_recovery;
    let others = pg.siblings().filter(|other| writes(other) && writes(pg));
    others.filter(|other| !is_same(pg, other) && !are_peers(pg, other)).collect()
}

/// `main (timeline 1)`.
pub fn named(pg: &PgView<'_>) -> String {
    match pg.server().timeline {
        Some(timeline) => format!("{} (timeline {timeline})", pg.name()),
        None => pg.name().to_owned(),
    }
}

/// A later timeline is that of a later failover. The name decides between equals, so that one of the two is told.
fn order(pg: &PgView<'_>) -> (Option<i64>, std::cmp::Reverse<String>) {
    (pg.server().timeline, std::cmp::Reverse(pg.name().to_owned()))
}

/// One server under two names: it was started once. Where timelines are alike and the start is not known, nothing
/// tells two servers apart.
fn is_same(one: &PgView<'_>, other: &PgView<'_>) -> bool {
    let (one, other) = (one.server(), other.server());
    let known_apart = one.started_at.zip(other.started_at).is_some_and(|(a, b)| a != b);
    one.timeline == other.timeline && !known_apart
}

/// Whether one subscribes to the other: a standby that was promoted to become a subscriber keeps the identifier.
fn are_peers(one: &PgView<'_>, other: &PgView<'_>) -> bool {
    subscribes(one, other) || subscribes(other, one)
}

/// A slot and its connection bear the name of the subscription, unless somebody chose another one.
fn subscribes(subscriber: &PgView<'_>, publisher: &PgView<'_>) -> bool {
    let Ok(subscriptions) = subscriber.subscriptions() else { return false };
    let slots = publisher.slots().map_or(&[][..], Vec::as_slice);
    let senders = publisher.replicas().map_or(&[][..], Vec::as_slice);
    let is_served = |name: &str| {
        slots.iter().any(|slot| slot.kind == "logical" && slot.name == name)
            || senders.iter().any(|sender| sender.is_logical && sender.application == name)
    };
    subscriptions.iter().any(|one| one.enabled != Some(false) && is_served(&one.name))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Snapshot, TargetData, TargetSnapshot,
        pg::{
            PgSnapshot,
            activity::Session,
            replication::{Slot, Subscription},
        },
    };

    use super::*;
    use crate::testing::{self, ago, edit};

    /// A primary on a timeline, edited.
    fn primary(name: &str, timeline: i64, change: impl FnOnce(&mut PgSnapshot)) -> TargetSnapshot {
        let mut pg = testing::healthy_pg();
        pg.server.timeline = Some(timeline);
        // Each server was started at a time of its own.
        pg.server.started_at = ago(name.bytes().map(i64::from).sum());
        change(&mut pg);
        testing::target(name, TargetData::Postgres(Box::new(pg)))
    }

    fn found(targets: Vec<TargetSnapshot>) -> Vec<Finding> {
        testing::findings(&CHECK, &testing::snapshot(targets))
    }

    #[test]
    fn the_old_primary_of_a_failover_is_told_once() {
        let client = Session { backend_type: "client backend".into(), ..Session::default() };
        let old = primary("main", 1, |pg| *edit(&mut pg.activity) = vec![client; 3]);
        for targets in
            [vec![old.clone(), primary("s1", 2, |_| {})], vec![primary("s1", 2, |_| {}), old]]
        {
            let found = found(targets);
            assert_eq!(found.len(), 1, "{found:#?}");
            assert_eq!((found[0].severity, found[0].target.as_str()), (Severity::Critical, "main"));
            let wanted =
                "main (timeline 1) and s1 (timeline 2) both accept writes and are one cluster";
            assert_eq!(found[0].message, wanted);
            assert!(found[0].recommendation.starts_with("Keep clients away from main"));
            let clients = &found[0].evidence[3];
            assert_eq!(
                (clients.label.as_str(), &clients.value),
                ("client connections on main", &3.0.into())
            );
        }
    }

    #[test]
    fn two_running_servers_on_one_timeline_are_two() {
        let found = found(vec![primary("main", 1, |_| {}), primary("cloned", 1, |_| {})]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].target, "main");
        assert!(found[0].recommendation.starts_with("Decide which of the two"), "{found:#?}");
    }

    #[test]
    fn of_three_every_one_but_the_latest_is_told() {
        let all = [primary("a", 1, |_| {}), primary("bb", 3, |_| {}), primary("ccc", 2, |_| {})];
        let told: Vec<_> = found(all.to_vec()).into_iter().map(|found| found.target).collect();
        assert_eq!(told, ["a", "ccc"]);
    }

    #[test]
    fn one_server_under_two_names_is_one() {
        let same = |pg: &mut PgSnapshot| pg.server.started_at = ago(500);
        assert!(found(vec![primary("main", 1, same), primary("alias", 1, same)]).is_empty());
        let unknown = |pg: &mut PgSnapshot| pg.server.started_at = None;
        assert!(found(vec![primary("main", 1, unknown), primary("alias", 1, |_| {})]).is_empty());
        assert_eq!(found(vec![primary("main", 1, unknown), primary("s1", 2, |_| {})]).len(), 1);
    }

    #[test]
    fn a_primary_and_its_standby_are_well() {
        let standby = primary("s1", 1, |pg| pg.server.in_recovery = true);
        let snapshot = testing::snapshot(vec![primary("main", 1, |_| {}), standby]);
        let judged = |at: usize| {
            let settings = crate::Settings::default();
            let verdicts = crate::judge::run(&CHECK, &snapshot, &snapshot.targets[at], &settings);
            verdicts.unwrap().0.remove(0).1
        };
        assert_eq!(judged(0).unwrap(), []);
        assert!(!judged(1).unwrap_err().is_gap());
    }

    #[test]
    fn other_clusters_and_unknown_identifiers_are_not_compared() {
        let skip = |identifier| -> Snapshot {
            let other = primary("s1", 2, |pg| pg.server.system_identifier = identifier);
            testing::snapshot(vec![primary("main", 1, |_| {}), other])
        };
        for identifier in [Some(8), None] {
            assert!(!testing::skipped(&CHECK, &skip(identifier)).is_gap(), "{identifier:?}");
        }
    }

    #[test]
    fn a_subscriber_made_from_a_standby_is_no_second_primary() {
        let publisher = |pg: &mut PgSnapshot| {
            let slot = Slot { name: "next".into(), kind: "logical".into(), ..Slot::default() };
            *edit(&mut pg.slots) = vec![slot];
        };
        let subscriber = |enabled| {
            move |pg: &mut PgSnapshot| {
                let name = "next".into();
                *edit(&mut pg.subscriptions) =
                    vec![Subscription { name, enabled: Some(enabled), ..Subscription::default() }];
            }
        };
        let blue = || primary("blue", 1, publisher);
        assert!(found(vec![blue(), primary("green", 2, subscriber(true))]).is_empty());
        assert_eq!(found(vec![blue(), primary("green", 2, subscriber(false))]).len(), 1);
        assert_eq!(found(vec![blue(), primary("green", 2, |_| {})]).len(), 1);
    }
}
