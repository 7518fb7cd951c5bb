//! Doors left open, and closed by the statements of their findings.

use std::fs;

use dbvitals_model::Severity;
use dbvitals_testkit::{PgVersion, Postgres};

use super::harness::Trial;

const BOTH_ENDS: [PgVersion; 2] = [PgVersion::OLDEST, PgVersion::NEWEST];

/// Check, what opens the door, and a word of the finding that is meant.
const DOORS: [(&str, &str, &str); 8] = [
    ("pg-public-schema-create", "grant create on schema public to public", "of app"),
    (
        "pg-table-grant-public",
        "create table \"Open.House\" (id int); grant select, update on \"Open.House\" to public",
        "Open.House",
    ),
    (
        "pg-security-definer-mutable-path",
        "create function pay(amount numeric, variadic who text[]) returns int language sql \
         security definer as 'select 1'",
        "pay",
    ),
    (
        "pg-untrusted-language-function",
        "create function handler() returns language_handler language c \
         as '$libdir/plpgsql', 'plpgsql_call_handler'",
        "handler",
    ),
    (
        "pg-rls-disabled-with-policy",
        "create table orders (owner_name name); \
         create policy own on orders using (owner_name = current_user)",
        "orders",
    ),
    (
        "pg-rls-enabled-without-policy",
        "create table closed (owner_name name); alter table closed enable row level security",
        "closed",
    ),
    ("pg-superuser-login-many", "create role \"Alice\" login superuser", "Alice"),
    (
        "pg-password-expiring",
        "create role temp login; \
         do $$ begin execute format('alter role temp valid until %L', now() + '1 day'); end $$",
        "temp",
    ),
];

#[tokio::test]
async fn doors_are_closed() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version).start().unwrap();
        let mut trial = Trial::of("pg-public-schema-create", server).await;
        for (check, open, about) in DOORS {
            trial = trial.then(check);
            trial.sql(open).await;
            let found = trial.found_about(about).await;
            trial.apply(&found).await;
            trial.gone_about(about).await;
        }
    }
}

#[tokio::test]
async fn passwords_of_old_kind_are_renewed() {
    for version in BOTH_ENDS {
        let server =
            Postgres::builder(version).setting("password_encryption", "md5").start().unwrap();
        let trial = Trial::of("pg-md5-passwords", server).await.by_superuser();
        trial.gone().await;
        trial.sql("create role legacy login password 'legacy'").await;
        let found = trial.found().await;
        trial.apply(&found).await;
        trial.until("current_setting('password_encryption') = 'scram-sha-256'").await;
        // The password was set again before the server had read its configuration again.
        trial.apply(&found).await;
        trial.gone().await;
    }
}

#[tokio::test]
async fn lines_that_trust_are_told_by_their_reach() {
    for version in BOTH_ENDS {
        let server = Postgres::builder(version)
            .hba("host all nobody 10.0.0.0/8 trust")
            .hba("local all guest trust")
            .start()
            .unwrap();
        let mut trial = Trial::of("pg-trust-authentication", server).await.by_superuser();
        let found = trial.findings().await;
        let subjects: Vec<_> = found.iter().map(|f| f.subject.name.as_str()).collect();
        assert_eq!(subjects, ["pg_hba.conf", "pg_hba.conf (local)"], "{version}");
        // The server listens on loopback only.
        assert!(found.iter().all(|found| found.severity == Severity::Warning));
        trial = trial.then("pg-password-none");
        trial.gone().await;
        trial.sql("create role guest login").await;
        assert!(trial.found().await.message.contains("guest"));
        let file = trial.server.data_dir().join("pg_hba.conf");
        let rules = fs::read_to_string(&file).unwrap().replace("trust", "scram-sha-256");
        fs::write(&file, rules).unwrap();
        // A role without a password that nobody trusts cannot log in: no more than information.
        assert_eq!(trial.found().await.severity, Severity::Info);
        trial.then("pg-trust-authentication").gone().await;
    }
}

#[tokio::test]
async fn what_only_a_superuser_may_see_is_skipped_with_its_remedy() {
    let server = Postgres::builder(PgVersion::V16).start().unwrap();
    let trial = Trial::of("pg-md5-passwords", server).await;
    let report = dbvitals_checks::judge(
        &trial.snapshot().await,
        &dbvitals_checks::settings::Settings::default(),
    );
    for check in ["pg-md5-passwords", "pg-trust-authentication"] {
        let skipped = report.coverage.skipped.iter().find(|skipped| skipped.check == check);
        let skipped = skipped.unwrap_or_else(|| panic!("{check} was not skipped"));
        assert!(skipped.remedy.is_some(), "{skipped:?}");
    }
}
