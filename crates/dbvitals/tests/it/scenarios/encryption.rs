//! Who can listen on the way: servers that do not encrypt, clients that do not ask for it, certificates that end.

use std::fs;

use dbvitals_model::{Severity, Snapshot};
use dbvitals_testkit::{PgVersion, Postgres, Validity};

use super::{
    cluster, facts,
    harness::{DATABASE, Trial},
};

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

const RELOAD: &str = "select pg_reload_conf()";

async fn reload(trial: &Trial) {
    cluster::run(&trial.server, DATABASE, &[RELOAD.to_owned()]).await;
}

fn edit_rules(trial: &Trial, old: &str, new: &str) {
    let file = trial.server.data_dir().join("pg_hba.conf");
    let rules = fs::read_to_string(&file).unwrap();
    assert!(rules.contains(old), "{rules}");
    fs::write(&file, rules.replace(old, new)).unwrap();
}

/// Replaced is where the server listens: the test's own does so on loopback only.
#[tokio::test]
async fn a_server_others_can_reach_learns_to_encrypt() {
    let reachable = |snapshot: &mut Snapshot| facts::set(snapshot, "listen_addresses", "10.0.0.7");
    for version in BOTH_ENDS {
        // A certificate is in place, as the advice asks.
        let server = Postgres::builder(version).tls().setting("ssl", "off").start().unwrap();
        let trial = Trial::of("pg-ssl-off", server).await;
        trial.gone().await;
        let found = trial.found_where(reachable).await;
        trial.mend(&found).await;
        trial.gone_where(reachable).await;
        let mut seen = trial.snapshot().await;
        assert!(facts::postgres(&mut seen).server.tls, "{version} does not encrypt");
        cluster::undo(&trial.server, DATABASE, &found).await;
        trial.found_where(reachable).await;
    }
}

/// Replaced is where the server listens: the test's own does so on loopback only.
#[tokio::test]
async fn plain_text_from_anywhere_is_refused() {
    let open = |snapshot: &mut Snapshot| facts::set(snapshot, "listen_addresses", "*");
    let line = "host all all 0.0.0.0/0 scram-sha-256";
    for version in BOTH_ENDS {
        for better in ["hostssl all all 0.0.0.0/0 scram-sha-256", "host all all 10.0.0.0/8 md5"] {
            let server = Postgres::builder(version).tls().hba(line).start().unwrap();
            let trial = Trial::of("pg-listen-all-without-ssl", server).await.by_superuser();
            trial.gone().await;
            let found = trial.found_where(open).await;
            assert!(found.message.contains("line 1 of pg_hba.conf"), "{}", found.message);
            edit_rules(&trial, line, better);
            reload(&trial).await;
            trial.gone_where(open).await;
        }
    }
}

/// Replaced is the client's address: loopback is nobody's way.
#[tokio::test]
async fn a_client_in_clear_learns_to_encrypt() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).tls().start().unwrap();
        let trial = Trial::of("pg-unencrypted-connections", server).await;
        trial.sql("create role web login password 'web'").await;
        let url = trial.server.url("web", "web", DATABASE);
        let clear = trial.server.client_as(&url).await.unwrap();
        trial.gone().await;
        let found = trial.found_where(from_elsewhere).await;
        assert_eq!(found.subject.name, "web");
        drop(clear);
        trial.until("not exists (select from pg_stat_activity where usename = 'web')").await;
        // The same role by a client that can encrypt.
        let encrypted = trial.server.client(DATABASE).await.unwrap();
        let dial = format!("select dblink_connect('web', '{url}?sslmode=require')");
        encrypted.batch_execute(&format!("create extension dblink; {dial}")).await.unwrap();
        trial
            .until("count(*) = 1 from pg_stat_activity join pg_stat_ssl using (pid) where usename = 'web' and ssl")
            .await;
        trial.gone_where(from_elsewhere).await;
        edit_rules(&trial, "\nhost all all", "\nhostssl all all");
        reload(&trial).await;
        trial.server.client_as(&url).await.unwrap_err();
        encrypted.batch_execute(&dial.replace("'web'", "'again'")).await.unwrap();
    }
}

fn from_elsewhere(snapshot: &mut Snapshot) {
    let sessions = facts::read(&mut facts::postgres(snapshot).activity);
    let web = sessions.iter_mut().filter(|session| session.user.as_deref() == Some("web"));
    let replaced = web.map(|session| session.client_address = Some("10.1.2.3".to_owned()));
    assert_eq!(replaced.count(), 1);
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_ends() {
    for version in BOTH_ENDS {
        let ends = |days| Validity::EndsIn { days };
        let server = Postgres::builder(version).tls_for(&["127.0.0.1"], ends(20));
        let trial = Trial::of("pg-certificate-expiring", server.start().unwrap()).await;
        let found = trial.found().await;
        assert_eq!(found.severity, Severity::Warning);
        assert!(found.message.contains("certificate ends on"), "{}", found.message);
        for (validity, verb) in [(ends(6), "ends"), (Validity::Expired, "ended")] {
            trial.server.renew_certificates(validity).unwrap();
            reload(&trial).await;
            let found = trial.found().await;
            assert_eq!(found.severity, Severity::Critical, "{validity:?}");
            assert!(found.message.contains(verb), "{}", found.message);
        }
        trial.server.renew_certificates(ends(31)).unwrap();
        reload(&trial).await;
        trial.gone().await;
    }
}
