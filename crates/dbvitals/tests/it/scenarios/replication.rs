//! Standbys, slots, subscriptions, archives.

use dbvitals_checks::{Settings, Topic, judge, registry};
use dbvitals_model::{Finding, Severity};
use dbvitals_testkit::{PgVersion, Postgres};

use super::cluster::{Judge, look, mend, run, set, undo, write_wal};

const MB: f64 = 1_048_576.0;

/// Everything written has been replayed, and the primary knows.
const CAUGHT_UP: &str = "select replay_lsn = pg_current_wal_lsn() \
                         and coalesce(replay_lag < '900 ms', true) from pg_stat_replication";

#[tokio::test]
async fn a_paused_standby_lags_in_bytes_and_in_time_until_it_resumes() {
    let primary = Postgres::builder(PgVersion::V17).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    let by_bytes = Judge::of("pg-replica-lag-bytes").with("warning_bytes", 10.0 * MB);
    let (by_time, paused) =
        (Judge::of("pg-replica-lag-time"), Judge::of("pg-replica-apply-paused"));
    primary.wait_until("postgres", CAUGHT_UP).await.unwrap();
    let healthy = look(&[("main", &primary), ("s1", &standby)]).await;
    for judge in [&by_bytes, &by_time, &paused] {
        judge.is_silent(&healthy);
    }

    standby.sql("postgres", "select pg_wal_replay_pause()").await.unwrap();
    write_wal(&primary, 20).await;
    let lags = "select replay_lag > '1 s' and replay_lsn < flush_lsn from pg_stat_replication";
    primary.wait_until("postgres", lags).await.unwrap();
    let cluster = look(&[("main", &primary), ("s1", &standby)]).await;
    assert_eq!(by_bytes.fires(Severity::Warning, &cluster).subject.name, "s1@127.0.0.1");
    assert!(by_time.finding(&cluster).severity >= Severity::Warning);
    let alone = look(&[("s1", &standby)]).await;
    assert_eq!(by_bytes.fires(Severity::Warning, &alone).subject.name, "s1");
    let finding = paused.fires(Severity::Warning, &alone);

    mend(&standby, "postgres", &finding).await;
    primary.wait_until("postgres", CAUGHT_UP).await.unwrap();
    let cluster = look(&[("main", &primary), ("s1", &standby)]).await;
    for judge in [&by_bytes, &by_time, &paused] {
        judge.is_silent(&cluster);
    }
}

#[tokio::test]
async fn a_standby_delayed_on_purpose_does_not_lag() {
    let primary = Postgres::builder(PgVersion::V14).start().unwrap();
    let late = |builder: dbvitals_testkit::PostgresBuilder| {
        builder.setting("recovery_min_apply_delay", "1h")
    };
    let standby = primary.standby_with("late", late).await.unwrap();
    let judge = Judge::of("pg-replica-lag-bytes").with("warning_bytes", MB);
    primary.sql("postgres", "create table t as select 1").await.unwrap();
    write_wal(&primary, 5).await;
    primary
        .wait_until("postgres", "select flush_lsn = pg_current_wal_lsn() from pg_stat_replication")
        .await
        .unwrap();
    judge.fires(Severity::Warning, &look(&[("main", &primary)]).await);
    judge.is_silent(&look(&[("main", &primary), ("late", &standby)]).await);
}

#[tokio::test]
async fn commits_that_wait_for_an_absent_standby_are_let_go() {
    let primary = Postgres::builder(PgVersion::V15).start().unwrap();
    let judge = Judge::of("pg-replica-missing");
    assert!(judge.skipped(&look(&[("main", &primary)]).await).reason.contains("expected"));
    set(&primary, &[("synchronous_standby_names", "FIRST 1 (s1, s2)")]).await;
    let finding = judge.fires(Severity::Critical, &look(&[("main", &primary)]).await);
    mend(&primary, "postgres", &finding).await;
    assert!(judge.findings(&look(&[("main", &primary)]).await).is_empty());
    primary.sql("postgres", "create table t as select 1").await.unwrap();

    let standby = primary.standby_named("s1").await.unwrap();
    undo(&primary, "postgres", &finding).await;
    judge.is_silent(&look(&[("main", &primary)]).await);
    let mut short = look(&[("main", &primary), ("s1", &standby)]).await;
    short.targets[0].expectations.replicas = Some(2);
    let finding = judge.fires(Severity::Critical, &short);
    assert_eq!(finding.message, "1 of 2 expected standbys are connected");
    short.targets[0].expectations.replicas = Some(1);
    judge.is_silent(&short);
}

#[tokio::test]
async fn a_standby_whose_primary_is_gone_does_not_stream() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let primary = Postgres::builder(version).start().unwrap();
        let standby = primary.standby_named("s1").await.unwrap();
        let judge = Judge::of("pg-replica-not-streaming").with("min_seconds", 0.0);
        judge.is_silent(&look(&[("main", &primary), ("s1", &standby)]).await);
        primary.stop().unwrap();
        let gone = "select count(*) = 0 from pg_stat_wal_receiver";
        standby.wait_until("postgres", gone).await.unwrap();
        judge.fires(Severity::Critical, &look(&[("s1", &standby)]).await);
        primary.start().unwrap();
        let back = "select count(*) = 1 from pg_stat_wal_receiver where status = 'streaming'";
        standby.wait_until("postgres", back).await.unwrap();
        judge.is_silent(&look(&[("s1", &standby)]).await);
    }
}

#[tokio::test]
async fn vacuum_cancels_queries_on_a_standby_until_it_tells_what_they_see() {
    let primary = Postgres::builder(PgVersion::V16).start().unwrap();
    let eager = |builder: dbvitals_testkit::PostgresBuilder| {
        builder
            .setting("max_standby_streaming_delay", "0")
            .setting("hot_standby_feedback", "off")
            .setting("wal_receiver_status_interval", "1s")
    };
    let standby = primary.standby_with("s1", eager).await.unwrap();
    let judge = Judge::of("pg-replica-conflicts").with("min_conflicts", 1.0);
    let conflicts = "select coalesce(sum(confl_snapshot), 0) > 0 from pg_stat_database_conflicts";

    let cancelled = vacuum_below_a_query(&primary, &standby).await;
    assert!(cancelled);
    standby.wait_until("postgres", conflicts).await.unwrap();
    let finding = judge.fires(Severity::Warning, &look(&[("s1", &standby)]).await);
    mend(&standby, "postgres", &finding).await;
    standby.sql("postgres", "select pg_stat_reset()").await.unwrap();
    let tells = "select xmin is not null from pg_replication_slots";
    primary.wait_until("postgres", tells).await.unwrap();
    let cancelled = vacuum_below_a_query(&primary, &standby).await;
    assert!(!cancelled);
    judge.is_silent(&look(&[("s1", &standby)]).await);
}

/// Whether a query on the standby is cancelled when what it sees is vacuumed on the primary.
async fn vacuum_below_a_query(primary: &Postgres, standby: &Postgres) -> bool {
    // A vacuum that shortens the table would take a lock, which is another kind of conflict.
    let rows = "drop table if exists t; create table t with (vacuum_truncate = off) as \
                select generate_series(1, 1000) as n";
    primary.sql("postgres", rows).await.unwrap();
    primary.wait_for_replay(standby).await.unwrap();
    let reader = standby.client("postgres").await.unwrap();
    reader.batch_execute("begin isolation level repeatable read; select * from t").await.unwrap();
    // With feedback on, the primary must know of the reader before it removes what it sees.
    let told = "select not current_setting('hot_standby_feedback')::bool";
    if standby.scalar("postgres", told).await.unwrap() == "f" {
        let horizon = "select xmin is not null from pg_replication_slots";
        primary.wait_until("postgres", horizon).await.unwrap();
    }
    primary.sql("postgres", "delete from t").await.unwrap();
    primary.sql("postgres", "vacuum t").await.unwrap();
    primary.wait_for_replay(standby).await.unwrap();
    reader.batch_execute("select * from t").await.is_err()
}

#[tokio::test]
async fn settings_of_a_standby_are_levelled_with_its_primary() {
    let primary = Postgres::builder(PgVersion::V18).start().unwrap();
    let other = |builder: dbvitals_testkit::PostgresBuilder| {
        builder.setting("work_mem", "64MB").setting("random_page_cost", "1.1")
    };
    let standby = primary.standby_with("s1", other).await.unwrap();
    let judge = Judge::of("pg-replica-settings-differ");
    let both = [("main", &primary), ("s1", &standby)];
    let finding = judge.fires(Severity::Warning, &look(&both).await);
    assert_eq!(finding.target, "s1");
    assert!(finding.message.contains("random_page_cost, work_mem"), "{}", finding.message);
    mend(&standby, "postgres", &finding).await;
    judge.is_silent(&look(&both).await);
    undo(&standby, "postgres", &finding).await;
    judge.fires(Severity::Warning, &look(&both).await);
}

#[tokio::test]
async fn reads_that_only_the_primary_serves_are_seen() {
    let primary = Postgres::builder(PgVersion::V16).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    primary.sql("postgres", "create table t as select generate_series(1, 50000)").await.unwrap();
    primary.wait_for_replay(&standby).await.unwrap();
    let judge = Judge::of("pg-replica-read-imbalance")
        .with("min_requests_per_second", 0.1)
        .with("min_age_seconds", 0.0);
    let both = [("main", &primary), ("s1", &standby)];
    read(&primary, 400).await;
    let finding = judge.fires(Severity::Info, &look(&both).await);
    assert!(finding.message.starts_with("primary main serves"), "{}", finding.message);
    read(&standby, 400).await;
    judge.is_silent(&look(&both).await);
}

/// Reads the table so often, and waits until the statistics know.
async fn read(server: &Postgres, times: usize) {
    let blocks =
        "select sum(blks_hit + blks_read) from pg_stat_database where datname = 'postgres'";
    let before = server.scalar("postgres", blocks).await.unwrap();
    let scan = "perform count(*) from t";
    let text = format!("do $$ begin for i in 1..{times} loop {scan}; end loop; end $$");
    server.sql("postgres", &text).await.unwrap();
    let counted = format!("select ({blocks}) > {before} + {times} * 100");
    server.wait_until("postgres", &counted).await.unwrap();
}

#[tokio::test]
async fn slots_hold_wal_until_they_are_bounded_lost_or_dropped() {
    for version in [PgVersion::V13, PgVersion::V16, PgVersion::V18] {
        let primary = Postgres::builder(version).start().unwrap();
        let create = "select pg_create_physical_replication_slot('gone', true)";
        primary.sql("postgres", create).await.unwrap();
        write_wal(&primary, 20).await;
        let idle = Judge::of("pg-slot-inactive").with("min_inactive_seconds", 0.0);
        let retains = Judge::of("pg-slot-retaining-wal").with("warning_bytes", 10.0 * MB);
        let unbounded = Judge::of("pg-slot-unlimited-retention");
        let lost = Judge::of("pg-slot-lost");
        let before = look(&[("main", &primary)]).await;
        let dropping = idle.fires(Severity::Warning, &before);
        retains.fires(Severity::Warning, &before);
        let bounding = unbounded.fires(Severity::Warning, &before);
        lost.is_silent(&before);

        mend(&primary, "postgres", &bounding).await;
        unbounded.is_silent(&look(&[("main", &primary)]).await);
        set(&primary, &[("max_slot_wal_keep_size", "1MB")]).await;
        write_wal(&primary, 40).await;
        primary.sql("postgres", "checkpoint").await.unwrap();
        let given_up = "select wal_status = 'lost' from pg_replication_slots";
        primary.wait_until("postgres", given_up).await.unwrap();
        let after = look(&[("main", &primary)]).await;
        let renewing = lost.fires(Severity::Critical, &after);
        idle.is_silent(&after);
        retains.is_silent(&after);

        mend(&primary, "postgres", &renewing).await;
        let renewed = look(&[("main", &primary)]).await;
        lost.is_silent(&renewed);
        idle.fires(Severity::Warning, &renewed);
        mend(&primary, "postgres", &dropping).await;
        idle.is_silent(&look(&[("main", &primary)]).await);
    }
}

#[tokio::test]
async fn a_subscription_that_failed_is_enabled_again() {
    let publisher =
        Postgres::builder(PgVersion::V16).setting("wal_level", "logical").start().unwrap();
    let subscriber = Postgres::builder(PgVersion::V16).start().unwrap();
    let table = "create table t (n int primary key)";
    publisher.sql("postgres", table).await.unwrap();
    publisher.sql("postgres", "create publication p for table t").await.unwrap();
    subscriber.sql("postgres", table).await.unwrap();
    let origin =
        format!("host=127.0.0.1 port={} user=postgres password=postgres", publisher.port());
    let subscribe = format!(
        "create subscription orders connection '{origin} dbname=postgres' publication p \
         with (disable_on_error = true)"
    );
    subscriber.sql("postgres", &subscribe).await.unwrap();
    let copied = "select bool_and(srsubstate = 'r') from pg_subscription_rel";
    subscriber.wait_until("postgres", copied).await.unwrap();
    let judge = Judge::of("pg-logical-subscription-failing");
    judge.is_silent(&look(&[("sub", &subscriber)]).await);

    subscriber.sql("postgres", "insert into t values (1)").await.unwrap();
    publisher.sql("postgres", "insert into t values (1)").await.unwrap();
    let disabled = "select not subenabled from pg_subscription";
    subscriber.wait_until("postgres", disabled).await.unwrap();
    let counted = "select apply_error_count > 0 from pg_stat_subscription_stats";
    subscriber.wait_until("postgres", counted).await.unwrap();
    let finding = judge.fires(Severity::Warning, &look(&[("sub", &subscriber)]).await);

    subscriber.sql("postgres", "delete from t").await.unwrap();
    mend(&subscriber, "postgres", &finding).await;
    subscriber.wait_until("postgres", "select count(*) = 1 from t").await.unwrap();
    judge.is_silent(&look(&[("sub", &subscriber)]).await);
}

#[tokio::test]
async fn readiness_for_a_failover_is_a_list_of_points() {
    let primary = Postgres::builder(PgVersion::V17).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    primary.wait_until("postgres", CAUGHT_UP).await.unwrap();
    let both = [("main", &primary), ("s1", &standby)];
    let (ordinary, strict) =
        (Judge::of("pg-failover-not-ready"), Judge::of("pg-failover-not-ready").strict());
    let cluster = look(&both).await;
    ordinary.is_silent(&cluster);
    let finding = strict.fires(Severity::Warning, &cluster);
    assert!(finding.message.ends_with("7 of 8 points; missing: WAL archived"), "{finding:#?}");
    let archive = [
        "ALTER SYSTEM SET archive_mode = 'on';".to_owned(),
        "ALTER SYSTEM SET archive_command = 'true';".to_owned(),
    ];
    run(&primary, "postgres", &archive).await;
    primary.restart().unwrap();
    let streams = "select count(*) = 1 from pg_stat_replication where state = 'streaming'";
    primary.wait_until("postgres", streams).await.unwrap();
    primary.wait_until("postgres", CAUGHT_UP).await.unwrap();
    strict.is_silent(&look(&both).await);
}

#[tokio::test]
async fn data_that_exists_once_wants_a_standby_or_an_archive() {
    let primary = Postgres::builder(PgVersion::V15).start().unwrap();
    let once = Judge::of("pg-no-archiving").with("min_data_bytes", 1.0);
    let alone = Judge::of("pg-single-point-of-failure").with("min_data_bytes", 1.0);
    let snapshot = look(&[("main", &primary)]).await;
    let finding = once.fires(Severity::Warning, &snapshot);
    alone.fires(Severity::Info, &snapshot);
    let small = [Judge::of("pg-no-archiving"), Judge::of("pg-single-point-of-failure")];
    for judge in small {
        judge.is_silent(&snapshot);
    }

    mend(&primary, "postgres", &finding).await;
    primary.restart().unwrap();
    once.is_silent(&look(&[("main", &primary)]).await);
    undo(&primary, "postgres", &finding).await;
    primary.restart().unwrap();
    let _standby = primary.standby_named("s1").await.unwrap();
    let snapshot = look(&[("main", &primary)]).await;
    once.is_silent(&snapshot);
    alone.is_silent(&snapshot);
}

#[tokio::test]
async fn an_archive_that_ends_too_early_is_seen_from_what_was_written_since() {
    let primary = Postgres::builder(PgVersion::V14).archive().start().unwrap();
    let judge = Judge::of("pg-backup-age").with("max_age_hours", 0.0);
    write_wal(&primary, 1).await;
    archive_all(&primary).await;
    judge.is_silent(&look(&[("main", &primary)]).await);
    write_wal(&primary, 3).await;
    let finding = judge.fires(Severity::Warning, &look(&[("main", &primary)]).await);
    mend(&primary, "postgres", &finding).await;
    let timeout = primary.scalar("postgres", "show archive_timeout").await.unwrap();
    assert_eq!(timeout, "5min");
    archive_all(&primary).await;
    judge.is_silent(&look(&[("main", &primary)]).await);
}

/// Ends the present WAL file and waits until it is in the archive.
async fn archive_all(server: &Postgres) {
    let name = "select pg_walfile_name(pg_switch_wal())";
    let file = server.scalar("postgres", name).await.unwrap();
    let archived = format!("select last_archived_wal >= '{file}' from pg_stat_archiver");
    server.wait_until("postgres", &archived).await.unwrap();
}

#[tokio::test]
async fn a_fresh_cluster_has_nothing_but_slots_without_a_bound() {
    let primary = Postgres::builder(PgVersion::V18).start().unwrap();
    let standby = primary.standby_named("s1").await.unwrap();
    primary.wait_until("postgres", CAUGHT_UP).await.unwrap();
    let snapshot = look(&[("main", &primary), ("s1", &standby)]).await;
    let report = judge(&snapshot, &Settings::default());
    let is_ours = |finding: &&Finding| {
        let topic = registry::find(&finding.check).map(|check| check.topic);
        matches!(topic, Some(Topic::Cache | Topic::Replication))
    };
    let ours: Vec<_> = report.findings.iter().filter(is_ours).map(|f| f.key.as_str()).collect();
    assert_eq!(
        ours,
        ["pg-slot-unlimited-retention@main/setting:max_slot_wal_keep_size"],
        "{:#?}",
        report.findings
    );
}
