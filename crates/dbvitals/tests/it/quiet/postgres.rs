//! PostgreSQL servers nobody has to worry about. Each report was read finding by finding: what an expert would call
//! noise was mended in its check; what is left is right, and is listed with the reason.
//!
//! Servers are judged on a machine of their own making: facts of the real one would tell of the machine that runs the
//! tests. How long connecting took is left out for the same reason.

mod machine;
mod servers;
mod traffic;

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_checks::{
    Settings, judge,
    settings::{Pattern, Settings as Judging},
};
use dbvitals_model::{Finding, Snapshot};
use dbvitals_testkit::{PgVersion, Postgres};

use self::{servers::DATABASE, traffic::Traffic};
use crate::scenarios::cluster;

/// What is found although all is well, and why that is right.
type Expected<'a> = &'a [(&'a str, &'a str)];

/// Of the machine that runs the tests and of the day they run on (which versions are still supported), not of the
/// server.
const OF_THE_MACHINE: [&str; 3] = ["host-*", "pg-connection-latency", "pg-version-*"];

fn settings() -> Judging {
    let except = OF_THE_MACHINE.map(|pattern| Pattern::new(pattern).unwrap()).to_vec();
    Judging { except, ..Settings::default() }
}

/// Exactly these checks find something.
#[track_caller]
fn holds(what: &str, snapshot: &Snapshot, expected: &[Expected<'_>]) {
    let report = judge(snapshot, &settings());
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in &report.findings {
        found.entry(&finding.check).or_default().push(finding);
    }
    let known: BTreeSet<&str> = expected.iter().copied().flatten().map(|(id, _)| *id).collect();
    let told = |ids: Vec<&&str>| -> String {
        let of = |id: &&&str| found.get(**id).into_iter().flatten();
        let line = |f: &&Finding| format!("\n  {:?} {}: {}", f.severity, f.check, f.message);
        ids.iter().map(|id| of(id).map(line).collect::<String>() + &format!("\n  [{id}]")).collect()
    };
    let ids: BTreeSet<&str> = found.keys().copied().collect();
    let more = told(ids.difference(&known).collect());
    let less = told(known.difference(&ids).collect());
    assert!(more.is_empty() && less.is_empty(), "{what}\nfound, too:{more}\nnot found:{less}");
}

/// All that can be seen, on a machine that suits.
async fn look(servers: &[(&str, &Postgres)]) -> Snapshot {
    let urls: Vec<_> =
        servers.iter().map(|(name, server)| (*name, server.monitor_url(DATABASE))).collect();
    let mut snapshot = cluster::seen(&urls, None).await;
    machine::below(&mut snapshot);
    snapshot
}

#[tokio::test]
async fn a_well_kept_server_of_every_version() {
    for version in PgVersion::ALL {
        let server = servers::well_kept(version).start().unwrap();
        servers::shop(&server).await;
        Traffic::run(&server, 2, 150).await;
        holds(&format!("well kept, {version}"), &look(&[("main", &server)]).await, &[]);
    }
}

#[tokio::test]
async fn a_hobby_server_with_defaults() {
    let server = servers::untouched(PgVersion::V17).start().unwrap();
    servers::hobby(&server).await;
    let expected = [
        (
            "pg-column-type-serial",
            "one line for all columns; identity is what new tables should have",
        ),
        ("pg-data-checksums-off", "one line; newer versions have them from the start"),
        ("pg-logging-blind", "one line; when something goes wrong, the log is all there is"),
        ("pg-no-timeouts", "one line; a forgotten session would hold its locks for ever"),
        ("pg-statements-not-collected", "the half of the audit that tells about queries is blind"),
    ];
    holds("hobby", &look(&[("hobby", &server)]).await, &[&expected]);
}

#[tokio::test]
async fn a_busy_server_of_short_transactions() {
    let server = servers::well_kept(PgVersion::V16).start().unwrap();
    servers::shop(&server).await;
    Traffic::run(&server, 6, 600).await;
    holds("busy", &look(&[("busy", &server)]).await, &[]);
}

#[tokio::test]
async fn a_warehouse_of_loads_and_large_scans() {
    let server = servers::warehouse(PgVersion::V18).start().unwrap();
    servers::facts(&server).await;
    holds("warehouse", &look(&[("warehouse", &server)]).await, &[]);
}

#[tokio::test]
async fn a_standby_alone_and_with_its_primary() {
    let primary = servers::well_kept(PgVersion::V15).start().unwrap();
    servers::shop(&primary).await;
    let standby = primary.standby_named("s1").await.unwrap();
    Traffic::run(&primary, 2, 150).await;
    primary.wait_for_replay(&standby).await.unwrap();
    holds("standby alone", &look(&[("s1", &standby)]).await, &[]);
    holds("both", &look(&[("main", &primary), ("s1", &standby)]).await, &[]);
}
