//! Cache, checkpoints, WAL and its archive.

use dbvitals_model::{Measure, Reason, Severity, since::since};
use dbvitals_testkit::{PgVersion, Postgres};

use super::cluster::{Judge, look, mend, run, set, watch, write_wal};

const MB: f64 = 1_048_576.0;

#[tokio::test]
async fn a_table_larger_than_the_cache_is_read_from_outside() {
    let server =
        Postgres::builder(PgVersion::V16).setting("shared_buffers", "1MB").start().unwrap();
    server.create_database("app").await.unwrap();
    let table = "create table wide as select repeat('x', 500) from generate_series(1, 20000)";
    server.sql("app", table).await.unwrap();
    let of_database = Judge::of("pg-low-cache-hit-ratio").with("min_blocks_read", 10_000.0);
    let of_table = Judge::of("pg-table-low-hit-ratio").with("min_blocks_read", 10_000.0);
    scan(&server, 20).await;
    let snapshot = look(&[("main", &server)]).await;
    let finding = of_database.fires(Severity::Critical, &snapshot);
    assert_eq!(finding.subject.name, "app");
    assert_eq!(of_table.fires(Severity::Info, &snapshot).subject.name, "public.wide");
    Judge::of("pg-low-cache-hit-ratio").is_silent(&snapshot);

    let larger = ["ALTER SYSTEM SET shared_buffers = '64MB';".to_owned()];
    run(&server, "postgres", &larger).await;
    server.restart().unwrap();
    server.sql("app", "select pg_stat_reset()").await.unwrap();
    scan(&server, 60).await;
    let low_bar = Judge::of("pg-low-cache-hit-ratio").with("min_blocks_read", 1.0);
    let snapshot = look(&[("main", &server)]).await;
    let hit = low_bar.findings(&snapshot);
    assert!(hit.iter().all(|finding| finding.subject.name != "app"), "{hit:#?}");
    of_table.is_silent(&snapshot);
}

#[tokio::test]
async fn a_window_speaks_for_now() {
    let server =
        Postgres::builder(PgVersion::V18).setting("shared_buffers", "1MB").start().unwrap();
    server.create_database("app").await.unwrap();
    let table = "create table wide as select repeat('x', 500) from generate_series(1, 20000)";
    server.sql("app", table).await.unwrap();
    let judge = Judge::of("pg-low-cache-hit-ratio").with("min_blocks_read", 1e12);
    let reader = server.client("app").await.unwrap();
    // Statement after statement: a session tells its counters between two, not within one.
    let reading = async {
        loop {
            reader.batch_execute("select count(*) from wide").await.unwrap();
        }
    };
    let targets = [("main", &server)];
    let snapshot = tokio::select! {
        snapshot = watch(3, &targets) => snapshot,
        () = reading => unreachable!("it reads for ever"),
    };
    let finding = judge.fires(Severity::Critical, &snapshot);
    assert!(finding.evidence.iter().any(|evidence| evidence.label == "window"), "{finding:#?}");
}

/// Reads the table so often, and waits until the statistics know.
async fn scan(server: &Postgres, times: usize) {
    let text = format!(
        "do $$ begin for i in 1..{times} loop perform count(*) from wide; end loop; end $$"
    );
    server.sql("app", &text).await.unwrap();
    let counted = format!(
        "select heap_blks_read + heap_blks_hit >= {times} * 1000 \
         from pg_statio_user_tables where relname = 'wide'"
    );
    server.wait_until("app", &counted).await.unwrap();
}

#[tokio::test]
async fn checkpoints_forced_by_wal_volume_end_with_a_larger_max_wal_size() {
    for version in [PgVersion::V13, PgVersion::V17, PgVersion::V18] {
        let server = Postgres::builder(version)
            .setting("max_wal_size", "32MB")
            .setting("min_wal_size", "32MB")
            .start()
            .unwrap();
        let few = |check| Judge::of(check).with("min_checkpoints", 5.0);
        let forced = few("pg-checkpoints-requested");
        let frequent = few("pg-checkpoints-too-frequent");
        let slow = few("pg-checkpoint-write-slow");
        let requested = match version.major() {
            ..17 => "select checkpoints_req >= 5 from pg_stat_bgwriter",
            17 => "select num_requested >= 5 from pg_stat_checkpointer",
            _ => "select num_done >= 5 from pg_stat_checkpointer",
        };
        let reset = if version.major() < 17 { "bgwriter" } else { "checkpointer" };
        let reset = format!("select pg_stat_reset_shared('{reset}')");
        server.sql("postgres", &reset).await.unwrap();
        let mut written = 0;
        while server.scalar("postgres", requested).await.unwrap() != "t" {
            write_wal(&server, 20).await;
            written += 20;
        }
        let snapshot = look(&[("main", &server)]).await;
        let finding = forced.fires(Severity::Warning, &snapshot);
        let also = frequent.fires(Severity::Warning, &snapshot);
        assert_eq!(finding.fix, also.fix);
        slow.is_silent(&snapshot);

        mend(&server, "postgres", &finding).await;
        server.sql("postgres", &reset).await.unwrap();
        write_wal(&server, written).await;
        let snapshot = look(&[("main", &server)]).await;
        forced.is_silent(&snapshot);
        frequent.is_silent(&snapshot);
    }
}

#[tokio::test]
async fn a_short_checkpoint_timeout_is_raised() {
    let server =
        Postgres::builder(PgVersion::V16).setting("checkpoint_timeout", "30s").start().unwrap();
    let judge = Judge::of("pg-checkpoints-too-frequent")
        .with("min_checkpoints", 1.0)
        .with("min_requested_ratio", 1.1);
    server.sql("postgres", "select pg_stat_reset_shared('bgwriter')").await.unwrap();
    server.sql("postgres", "checkpoint").await.unwrap();
    let counted = "select checkpoints_req >= 1 from pg_stat_bgwriter";
    server.wait_until("postgres", counted).await.unwrap();
    let finding = judge.fires(Severity::Warning, &look(&[("main", &server)]).await);
    mend(&server, "postgres", &finding).await;
    judge.is_silent(&look(&[("main", &server)]).await);
}

#[tokio::test]
async fn a_background_writer_kept_small_is_quickened() {
    let server = Postgres::builder(PgVersion::V16)
        .setting("shared_buffers", "1MB")
        .setting("bgwriter_delay", "10ms")
        .setting("bgwriter_lru_maxpages", "1")
        .start()
        .unwrap();
    let stopped =
        Judge::of("pg-bgwriter-maxwritten").with("min_stops", 3.0).with("max_stopped_ratio", 0.0);
    let wrote = Judge::of("pg-backend-writes").with("min_buffers_written", 1000.0);
    let table = "create table t as select n, repeat('x', 500) as x from generate_series(1, 20000) n; \
                 create unique index on t (n)";
    server.sql("postgres", table).await.unwrap();
    let churn = "do $$ begin for i in 1..20000 loop \
                 update t set x = x where n = 1 + (i * 7919) % 20000; \
                 if i % 500 = 0 then commit; end if; end loop; end $$";
    server.sql("postgres", churn).await.unwrap();
    let counted = "select maxwritten_clean >= 3 from pg_stat_bgwriter";
    while server.scalar("postgres", counted).await.unwrap() != "t" {
        server.sql("postgres", churn).await.unwrap();
    }
    let snapshot = look(&[("main", &server)]).await;
    let finding = stopped.fires(Severity::Info, &snapshot);
    wrote.fires(Severity::Info, &snapshot);

    mend(&server, "postgres", &finding).await;
    server.sql("postgres", "select pg_stat_reset_shared('bgwriter')").await.unwrap();
    server.sql("postgres", churn).await.unwrap();
    // Its rounds may now write more buffers than there are: it can never stop early.
    stopped.is_silent(&look(&[("main", &server)]).await);
}

#[tokio::test]
async fn wal_buffers_that_fill_up_are_enlarged() {
    let server = Postgres::builder(PgVersion::V15).setting("wal_buffers", "32kB").start().unwrap();
    let judge =
        Judge::of("pg-wal-buffers-full").with("min_times", 100.0).with("max_per_second", 0.0);
    write_wal(&server, 10).await;
    let counted = "select wal_buffers_full >= 100 from pg_stat_wal";
    server.wait_until("postgres", counted).await.unwrap();
    let finding = judge.fires(Severity::Info, &look(&[("main", &server)]).await);
    mend(&server, "postgres", &finding).await;
    server.restart().unwrap();
    assert_eq!(server.scalar("postgres", "show wal_buffers").await.unwrap(), "64MB");
    server.sql("postgres", "select pg_stat_reset_shared('wal')").await.unwrap();
    write_wal(&server, 10).await;
    judge.is_silent(&look(&[("main", &server)]).await);
}

#[tokio::test]
async fn page_images_are_compressed() {
    let server = Postgres::builder(PgVersion::V14).start().unwrap();
    let judge = Judge::of("pg-full-page-image-heavy").with("min_wal_bytes", MB);
    let table =
        "create table t as select n, repeat('x', 500) as x from generate_series(1, 20000) n";
    server.sql("postgres", table).await.unwrap();
    server.sql("postgres", "checkpoint").await.unwrap();
    server.sql("postgres", "select pg_stat_reset_shared('wal')").await.unwrap();
    server.sql("postgres", "update t set n = n + 1 where n % 16 = 0").await.unwrap();
    server.wait_until("postgres", "select wal_bytes > 2000000 from pg_stat_wal").await.unwrap();
    let finding = judge.fires(Severity::Info, &look(&[("main", &server)]).await);
    mend(&server, "postgres", &finding).await;
    judge.is_silent(&look(&[("main", &server)]).await);
}

/// Commit times are asked for round by round over more pages than the cache of 16 holds; twice as many hold them.
#[tokio::test]
async fn a_small_cache_that_misses_gets_more_buffers() {
    const PAGES: u32 = 24;
    // Ids whose times fit on a page of 8 kB at ten bytes each.
    const IDS: u32 = 819;
    let server = Postgres::builder(PgVersion::V18)
        .setting("track_commit_timestamp", "on")
        .setting("commit_timestamp_buffers", "16")
        .start()
        .unwrap();
    let judge = Judge::of("pg-slru-low-hit-ratio").with("min_blocks_read", 100.0);
    judge.is_silent(&look(&[("main", &server)]).await);
    let first = server.scalar("postgres", "select txid_current()").await.unwrap();
    // A block with a handler is a transaction of its own, and has an id of its own.
    let spend = format!(
        "create table spent (n int); do $$ begin for n in 1..{} loop
             begin insert into spent values (n); exception when others then null; end;
         end loop; end $$",
        PAGES * IDS
    );
    server.sql("postgres", &spend).await.unwrap();
    let ask = format!(
        "select count(pg_xact_commit_timestamp(({first} + n % {PAGES} * {IDS})::text::xid))
         from generate_series(1, {PAGES} * 40) as n"
    );
    server.sql("postgres", &ask).await.unwrap();
    let counted = format!(
        "select blks_hit + blks_read >= {PAGES} * 40 from pg_stat_slru
         where name = 'commit_timestamp'"
    );
    server.wait_until("postgres", &counted).await.unwrap();
    let finding = judge.fires(Severity::Info, &look(&[("main", &server)]).await);
    assert_eq!(finding.subject.name, "commit_timestamp");

    mend(&server, "postgres", &finding).await;
    server.restart().unwrap();
    let now = server.scalar("postgres", "show commit_timestamp_buffers").await.unwrap();
    assert_eq!(now, "256kB");
    server.sql("postgres", "select pg_stat_reset_slru(null)").await.unwrap();
    server.sql("postgres", &ask).await.unwrap();
    server.wait_until("postgres", &counted).await.unwrap();
    let strict = Judge::of("pg-slru-low-hit-ratio").with("min_blocks_read", 1.0);
    let found = strict.findings(&look(&[("main", &server)]).await);
    assert!(found.iter().all(|finding| finding.subject.name != "commit_timestamp"), "{found:#?}");
}

#[tokio::test]
async fn an_archiver_is_failing_until_it_works_again() {
    for version in [PgVersion::V13, PgVersion::V18] {
        let server = Postgres::builder(version)
            .setting("archive_mode", "on")
            .setting("archive_command", "false")
            .start()
            .unwrap();
        let judge = Judge::of("pg-wal-archiver-failing");
        judge.is_silent(&look(&[("main", &server)]).await);
        write_wal(&server, 1).await;
        server.sql("postgres", "select pg_switch_wal()").await.unwrap();
        let failed = "select failed_count > 0 from pg_stat_archiver";
        server.wait_until("postgres", failed).await.unwrap();
        let finding = judge.fires(Severity::Critical, &look(&[("main", &server)]).await);
        assert!(finding.message.contains("it never succeeded"), "{}", finding.message);

        set(&server, &[("archive_command", "true")]).await;
        let works = "select last_archived_time > last_failed_time from pg_stat_archiver";
        server.wait_until("postgres", works).await.unwrap();
        // Its failures are still counted, and no longer matter.
        judge.is_silent(&look(&[("main", &server)]).await);
    }
}

#[tokio::test]
async fn wal_that_a_slot_holds_makes_its_directory_large() {
    let server = Postgres::builder(PgVersion::V17)
        .setting("max_wal_size", "32MB")
        .setting("min_wal_size", "32MB")
        .start()
        .unwrap();
    let judge = Judge::of("pg-wal-directory-large");
    let before = look(&[("main", &server)]).await;
    judge.is_silent(&before);
    let create = "select pg_create_physical_replication_slot('s1', true)";
    server.sql("postgres", create).await.unwrap();
    write_wal(&server, 150).await;
    server.sql("postgres", "checkpoint").await.unwrap();
    let mut large = look(&[("main", &server)]).await;
    let finding = judge.fires(Severity::Warning, &large);
    assert!(finding.message.contains("slot s1 holds"), "{}", finding.message);
    since(&before, &mut large);
    let finding = judge.fires(Severity::Warning, &large);
    let grown = finding.evidence.iter().find(|evidence| evidence.label == "grown by");
    let grown = grown.unwrap_or_else(|| panic!("no growth: {finding:#?}"));
    assert!(matches!(grown.value, Measure::Number(bytes) if bytes > 100.0 * MB), "{grown:?}");
    server.sql("postgres", "select pg_drop_replication_slot('s1')").await.unwrap();
    server.sql("postgres", "checkpoint").await.unwrap();
    judge.is_silent(&look(&[("main", &server)]).await);
}

#[tokio::test]
async fn reads_are_judged_once_they_are_timed() {
    let server = Postgres::builder(PgVersion::V13)
        .setting("track_io_timing", "off")
        .setting("shared_buffers", "1MB")
        .start()
        .unwrap();
    let judge = Judge::of("pg-read-latency").with("min_blocks_read", 1000.0);
    let skipped = judge.skipped(&look(&[("main", &server)]).await);
    assert_eq!(skipped.class, Reason::Disabled);
    let remedy = skipped.remedy.unwrap();
    let statements: Vec<_> = remedy.split_inclusive(';').map(str::to_owned).collect();
    run(&server, "postgres", &statements).await;

    server.create_database("app").await.unwrap();
    let table = "create table wide as select repeat('x', 500) from generate_series(1, 20000)";
    server.sql("app", table).await.unwrap();
    scan(&server, 5).await;
    let timed = "select blk_read_time > 0 and blks_read > 3000 from pg_stat_database \
                 where datname = 'app'";
    server.wait_until("postgres", timed).await.unwrap();
    let snapshot = look(&[("main", &server)]).await;
    judge.is_silent(&snapshot);
    judge.with("max_latency_ms", 0.0).fires(Severity::Warning, &snapshot);
}

#[tokio::test]
async fn many_sessions_that_wait_for_their_clients_are_a_profile() {
    let server = Postgres::builder(PgVersion::V18).start().unwrap();
    let judge = Judge::of("pg-wait-event-profile");
    server.sql("postgres", "create table t (n int)").await.unwrap();
    let mut silent = Vec::new();
    for _ in 0..20 {
        let client = server.client("postgres").await.unwrap();
        let copy = client.copy_in::<_, &'static [u8]>("copy t from stdin").await.unwrap();
        silent.push((client, Box::pin(copy)));
    }
    let waiting = "select count(*) = 20 from pg_stat_activity \
                   where state = 'active' and wait_event_type = 'Client'";
    server.wait_until("postgres", waiting).await.unwrap();
    let finding = judge.fires(Severity::Info, &look(&[("main", &server)]).await);
    assert!(finding.message.starts_with("20 of 20 active sessions"), "{}", finding.message);
    drop(silent);
    let gone = "select count(*) = 0 from pg_stat_activity where query like 'copy t%'";
    server.wait_until("postgres", gone).await.unwrap();
    judge.is_silent(&look(&[("main", &server)]).await);
}
