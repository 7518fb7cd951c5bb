//! Reads that the nodes of a cluster do not share.

use dbvitals_model::{Evidence, Finding, Severity, Subject, Unit, cluster::ReadBasis};

use super::{
    read_share::{self, Shares},
    standby,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Share of all block requests each node serves.
pub static CHECK: Check = Check {
    id: "pg-replica-read-imbalance",
    title: "Reads unevenly shared",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["databases"],
    uses: &["window"],
    thresholds: &[&PRIMARY, &REPLICA, &MIN_RATE, &MIN_AGE],
    fix: None,
    explain: "\
## What it detects
Judged on the primary when its standbys are targets, too. Of at least `min_requests_per_second` block
requests of the whole cluster, the primary serves more than `max_primary_ratio`; or, with two standbys or
more, one of them serves more than `max_replica_ratio`. Over a window where every node has one, else as
means since each node's statistics were reset, which must be `min_age_seconds` ago.

## Why it matters
Standbys that idle are paid for and kept warm for nothing, while the node that serves it all is the first
to be overloaded.

## How to fix
Send reads that can be a moment old to the standbys, and check the balancing between them.

## When to ignore
Standbys kept for failover alone, and reads that must see the last commit.

## References
PostgreSQL documentation: High Availability, Load Balancing, and Replication.
",
    run: Run::Postgres(run),
};

static PRIMARY: Threshold = Threshold {
    key: "max_primary_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.0, 1.0),
    why: "the primary's own writes read, too; beyond nine tenths the standbys serve next to nothing",
};

static REPLICA: Threshold = Threshold {
    key: "max_replica_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.0, 1.0),
    why: "with two standbys an even share is a third to a half",
};

static MIN_RATE: Threshold = Threshold {
    key: "min_requests_per_second",
    unit: Unit::PerSecond,
    default: 1000.0,
    strict: None,
    range: (0.0, 1e9),
    why: "monitoring and maintenance alone make some hundred",
};

static MIN_AGE: Threshold = Threshold {
    key: "min_age_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (0.0, 1e8),
    why: "the first hour after a start or a reset is spent filling caches and building things",
};

/// A node and how many blocks a second its queries ask for.
type Load<'a> = (PgView<'a>, f64);

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (_, _) = (pg.databases()?, pg.window().ok());
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("judged on the primary"));
    }
    let replicas: Vec<_> = pg.siblings().filter(|node| node.server().in_recovery).collect();
    if replicas.is_empty() {
        return Err(standby::needs_node("standby"));
    }
    let nodes: Vec<_> = std::iter::once(*pg).chain(replicas).collect();
    let shares = read_share::shares(&nodes)?;
    if matches!(shares.basis, ReadBasis::Lifetime(age) if age < cx.limit(&MIN_AGE)) {
        return Err(Skip::needs_window());
    }
    let total = shares.total;
    if total <= 0.0 || total < cx.limit(&MIN_RATE) {
        return Ok(Vec::new());
    }
    let own = shares.loads.iter().take(1).map(|(_, rate)| rate).sum::<f64>();
    let loads = shares.loads.get(1..).unwrap_or_default();
    let busiest = loads.iter().max_by(|a, b| a.1.total_cmp(&b.1)).filter(|_| loads.len() > 1);
    let found = if own / total > cx.limit(&PRIMARY) {
        Some(finding(cx, pg, own / total, &PRIMARY, loads, &shares))
    } else {
        busiest
            .filter(|(_, rate)| rate / total > cx.limit(&REPLICA))
            .map(|(node, rate)| finding(cx, node, rate / total, &REPLICA, loads, &shares))
    };
    Ok(found.into_iter().collect())
}

fn finding(
    cx: &Context<'_>,
    node: &PgView<'_>,
    share: f64,
    threshold: &Threshold,
    loads: &[Load<'_>],
    shares: &Shares<'_>,
) -> Finding {
    let total = shares.total;
    let role = if node.server().in_recovery { "standby" } else { "primary" };
    let source = "pg_stat_database, blocks hit and read";
    let found = cx
        .finding(
            Severity::Info,
            Subject::new("server", node.name()),
            format!(
                "{role} {} serves {} of the cluster's reads",
                node.name(),
                words::percent(share)
            ),
            "Send reads that may be a moment old to the standbys, and look at how they are balanced.",
        )
        .with(
            Evidence::new("share of reads", share, Unit::Ratio, source)
                .against(cx.limit(threshold)),
        )
        .with(
            Evidence::new("block requests of all nodes", total, Unit::PerSecond, source)
                .against(cx.limit(&MIN_RATE)),
        )
        .with(match shares.basis {
            ReadBasis::Window(seconds) => {
                Evidence::new("counted over", seconds, Unit::Seconds, "two looks")
            }
            ReadBasis::Lifetime(age) => {
                Evidence::new("counted for at least", age, Unit::Seconds, "stats_reset")
            }
        });
    loads.iter().fold(found, |found, (node, rate)| {
        found.with(Evidence::new(
            format!("share of standby {}", node.name()),
            rate / total,
            Unit::Ratio,
            source,
        ))
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, TargetData};

    use super::*;
    use crate::testing::{self, ago, edit};

    /// A cluster whose nodes serve so many blocks a second; the first is the primary.
    fn cluster(rates: &[i64], age: i64) -> Snapshot {
        let nodes = rates.iter().enumerate().map(|(at, rate)| {
            let mut pg = testing::healthy_pg();
            pg.server.in_recovery = at > 0;
            let database = &mut edit(&mut pg.databases)[0];
            database.stats_reset = ago(age);
            database.blocks_hit = rate * age;
            testing::target(&format!("n{at}"), TargetData::Postgres(Box::new(pg)))
        });
        testing::snapshot(nodes.collect())
    }

    fn message(rates: &[i64]) -> Option<String> {
        let snapshot = cluster(rates, 3600);
        let settings = crate::Settings::default();
        let verdicts = crate::judge::run(&CHECK, &snapshot, &snapshot.targets[0], &settings);
        let found = verdicts.unwrap().0.remove(0).1.unwrap();
        found.first().map(|finding| finding.message.clone())
    }

    #[test]
    fn thresholds_have_two_sides() {
        assert!(message(&[9001, 999]).unwrap().starts_with("primary n0 serves 90 %"));
        assert_eq!(message(&[9000, 1000]), None);
        assert!(message(&[100, 7001, 2899]).unwrap().starts_with("standby n1"));
        assert_eq!(message(&[100, 7000, 2900]), None);
        assert_eq!(message(&[999, 0]), None, "hardly any reads");
        assert_eq!(message(&[0, 0]), None, "no reads at all");
    }

    #[test]
    fn a_single_standby_may_serve_all_it_can() {
        assert_eq!(message(&[100, 9900]), None);
    }

    #[test]
    fn is_skipped_without_nodes_to_compare() {
        let young = cluster(&[9999, 1], 3599);
        assert_eq!(testing::skipped(&CHECK, &young), Skip::needs_window());
        let skip = testing::skipped(&CHECK, &testing::pg(|_| {}));
        assert_eq!(skip.0.reason, Reason::NotAsked);
        let standby = testing::pg(|pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        let lost = testing::pg(|pg| pg.databases = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
