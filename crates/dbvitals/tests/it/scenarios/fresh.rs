//! A server nobody has used yet.

use dbvitals_checks::{Topic, judge, registry, settings::Settings};
use dbvitals_model::{Finding, Severity};
use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

#[tokio::test]
async fn its_statements_and_sessions_need_no_attention() {
    for version in [PgVersion::OLDEST, PgVersion::NEWEST] {
        let server = Postgres::builder(version).preload("pg_stat_statements").start().unwrap();
        let trial = Trial::of("pg-slow-statement", server).await.with_statements().await;
        // Twice: what the first look ran is counted when the second looks.
        trial.snapshot().await;
        let report = judge(&trial.snapshot().await, &Settings::default());
        let is_alarm = |finding: &&Finding| {
            // How long it took to connect is this machine's doing, not the server's.
            if finding.check == "pg-connection-latency" {
                return false;
            }
            let topic = registry::find(&finding.check).map(|check| check.topic);
            finding.severity > Severity::Info
                && matches!(topic, Some(Topic::Statements | Topic::Locks))
        };
        let alarms: Vec<_> = report.findings.iter().filter(is_alarm).collect();
        assert!(alarms.is_empty(), "{version}: {alarms:#?}");
    }
}
