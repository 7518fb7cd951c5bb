//! A rich report: two PostgreSQL servers, a Redis, a host, an unreachable target, ignored findings, a
//! baseline, and names that try to break every format.

mod cluster;
mod coverage;
mod docs;
mod findings;
mod overview;
mod statements;

use dbvitals_model::{
    Finding, TargetKind,
    report::{
        Comparison, ComponentScore, Deduction, Ignored, MetricStatus, Readiness, Report,
        SCHEMA_VERSION, Score, Target, Tool, Verdict,
    },
};

pub(crate) use docs::docs;
pub(crate) use statements::analysed;

/// The report all golden files show.
pub(crate) fn rich() -> Report {
    let findings = findings::all();
    let ignored = vec![Ignored {
        finding: findings::ignored(),
        reason: "nightly export, moves to the replica in January".to_owned(),
        until: Some("2026-01-31".to_owned()),
    }];
    Report {
        schema_version: SCHEMA_VERSION,
        generated_at: "2025-11-21T11:40:00Z".parse().unwrap(),
        tool: Tool { name: "dbvitals".to_owned(), version: "0.1.0".to_owned() },
        targets: targets(),
        clusters: vec![cluster::cluster()],
        score: score(&findings),
        readiness: Readiness {
            verdict: Verdict::NotReady,
            reasons: vec![
                "pg-reports could not be examined".to_owned(),
                "3 critical findings are open: transaction ids of database app, an invalid unique \
                 index, Redis without a password"
                    .to_owned(),
            ],
        },
        metrics: overview::metrics(),
        statements: Vec::new(),
        baseline: Some(baseline(&findings)),
        findings,
        ignored,
        coverage: coverage::coverage(),
        cost: coverage::cost(),
        overview: overview::all(),
    }
}

/// A report of a server in perfect health, without anything optional.
pub(crate) fn healthy() -> Report {
    let mut report = rich();
    report.targets.truncate(1);
    report.targets[0].problems.clear();
    report.targets[0].offered.clear();
    report.clusters.clear();
    report.findings.clear();
    report.ignored.clear();
    report.baseline = None;
    report.overview.clear();
    report.cost.clear();
    report.coverage.skipped.clear();
    report.coverage.sections.clear();
    report.metrics.retain(|m| m.status == MetricStatus::Achieved);
    report.readiness = Readiness { verdict: Verdict::Ready, reasons: Vec::new() };
    report.score.capped_by = None;
    report.score.overall = 100.0;
    "A+".clone_into(&mut report.score.grade);
    report.score.confidence = 1.0;
    for component in &mut report.score.components {
        component.deductions.clear();
        component.score = 100.0;
        "A+".clone_into(&mut component.grade);
        component.confidence = 1.0;
    }
    report
}

fn target(name: &str, kind: TargetKind, version: &str, role: &str, endpoint: &str) -> Target {
    Target {
        name: name.to_owned(),
        kind,
        version: Some(version.to_owned()),
        role: Some(role.to_owned()),
        endpoint: endpoint.to_owned(),
        problems: Vec::new(),
        offered: Vec::new(),
    }
}

fn targets() -> Vec<Target> {
    let mut main =
        target("pg-main", TargetKind::Postgres, "16.9", "primary", "db1.internal:5432/app");
    main.offered = vec!["db3.internal:5432".to_owned()];
    let mut standby =
        target("pg-standby", TargetKind::Postgres, "16.9", "standby", "db2.internal:5432/app");
    standby.problems = vec![
        "database legacy: connection lost after 4 of 11 sections; they are reported".to_owned(),
    ];
    let mut lost =
        target("pg-reports", TargetKind::Postgres, "", "", "reports.internal:5432/reports");
    lost.version = None;
    lost.role = None;
    lost.problems = vec![
        "connection refused: nothing listens on reports.internal port 5432; is the server running, \
         and does listen_addresses include this interface?"
            .to_owned(),
    ];
    let mut host = target("db1", TargetKind::Host, "", "", "db1.internal");
    host.version = None;
    host.role = None;
    host.problems = vec!["/proc/diskstats could not be read".to_owned()];
    vec![
        main,
        standby,
        lost,
        target("cache", TargetKind::Redis, "7.0.15", "master", "cache.internal:6379/0"),
        host,
    ]
}

fn score(findings: &[Finding]) -> Score {
    let component = |id: &str, grade: &str, confidence: f64, lost: &[(&str, f64)]| {
        let deductions: Vec<Deduction> = lost
            .iter()
            .flat_map(|(check, points)| {
                let hits: Vec<_> = findings.iter().filter(|f| f.check == *check).collect();
                let share = points / hits.len() as f64;
                hits.into_iter()
                    .map(move |f| Deduction { finding: f.key.clone(), points: share })
                    .collect::<Vec<_>>()
            })
            .collect();
        ComponentScore {
            id: id.to_owned(),
            score: 100.0 - deductions.iter().map(|d| d.points).sum::<f64>(),
            grade: grade.to_owned(),
            confidence,
            deductions,
        }
    };
    Score {
        overall: 58.4,
        grade: "D".to_owned(),
        confidence: 0.873,
        capped_by: Some("pg-transaction-id-age@pg-main/database:app".to_owned()),
        components: vec![
            component("connections", "A", 1.0, &[("pg-idle-in-transaction", 6.0)]),
            component("queries", "B", 0.92, &[("pg-dominant-statement", 14.5)]),
            component(
                "indexes",
                "D",
                1.0,
                &[("pg-unused-index", 16.0), ("pg-invalid-index", 25.0)],
            ),
            component("cache", "A+", 1.0, &[("pg-checkpoint-write-slow", 0.04)]),
            component(
                "maintenance",
                "F",
                1.0,
                &[("pg-transaction-id-age", 40.0), ("pg-dead-tuples", 12.0)],
            ),
            component("replication", "A+", 0.5, &[]),
            component("security", "A+", 0.75, &[]),
            component("host", "A", 1.0, &[("host-transparent-huge-pages", 5.0)]),
            component(
                "redis",
                "D",
                0.94,
                &[("redis-no-authentication", 30.0), ("redis-big-key", 9.0)],
            ),
        ],
    }
}

fn baseline(findings: &[Finding]) -> Comparison {
    let keys = |check: &str, count: usize| -> Vec<String> {
        findings.iter().filter(|f| f.check == check).take(count).map(|f| f.key.clone()).collect()
    };
    Comparison {
        baseline_at: Some("2025-11-14T11:40:00Z".parse().unwrap()),
        overall_before: 61.2,
        new: [keys("pg-invalid-index", 1), keys("pg-unused-index", 6)].concat(),
        fixed: vec![findings::fixed()],
        worse: keys("pg-transaction-id-age", 1),
        better: keys("pg-dead-tuples", 1),
        unknown: vec!["pg-low-cache-hit-ratio@pg-reports/database:reports".to_owned()],
    }
}
