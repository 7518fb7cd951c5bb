//! The demonstration: throwaway servers, a platform with planted problems, a real workload, an audit.

mod cache;
mod held;
mod plants;
mod platform;
mod workload;

use std::time::Duration;

use dbvitals_checks::{Settings, judge, settings::CheckSettings};
use dbvitals_model::{Snapshot, report::Report};
use dbvitals_testkit::{PgVersion, Postgres, Redis, RedisVersion, TestkitError};
use tokio::runtime::Builder;

use crate::{
    args::{
        audit::{Judging, Looking},
        targets::TargetArgs,
    },
    config::{file::File, merged::Merged, target},
    gather,
    output::talk,
    problem::Problem,
    progress::Progress,
    runtime,
};

pub(crate) use plants::{PLANTS, missed};

/// What a demonstration leaves to show; the servers live as long as it does.
pub(crate) struct Demo {
    pub(crate) report: Report,
    _servers: Servers,
}

struct Servers {
    postgres: Postgres,
    redis: Redis,
}

/// How long the workload runs before the audit, at scale 1.
const WORKLOAD: Duration = Duration::from_secs(12);

/// Time between the two looks of the audit.
const INTERVAL: Duration = Duration::from_secs(3);

/// Builds everything and audits it.
pub(crate) fn run(scale: f64) -> Result<Demo, Problem> {
    talk("starting a throwaway PostgreSQL and a throwaway Redis");
    let servers = start().map_err(from_testkit)?;
    let runtime = runtime::start(Builder::new_multi_thread().worker_threads(2))?;
    let held = runtime
        .block_on(runtime::until_interrupted(prepare(&servers, scale)))?
        .map_err(from_testkit)?;
    talk("auditing both, twice within three seconds, while the application goes on");
    let going_on = workload::Background::start(&runtime, &servers.postgres, &servers.redis);
    let snapshot = audit(&servers)?;
    going_on.stop();
    drop(held);
    Ok(Demo { report: judge(&snapshot, &settings()), _servers: servers })
}

fn start() -> Result<Servers, TestkitError> {
    let postgres = Postgres::builder(PgVersion::NEWEST)
        .preload("pg_stat_statements")
        .setting("track_io_timing", "on")
        .setting("shared_buffers", "64MB")
        .setting("work_mem", "1MB")
        .setting("max_wal_size", "128MB")
        .setting("min_wal_size", "80MB")
        .setting("deadlock_timeout", "100ms")
        .setting("max_prepared_transactions", "5")
        .setting("synchronous_commit", "off")
        .setting("archive_mode", "on")
        .setting("archive_command", "false")
        .setting("autovacuum_naptime", "1h")
        .hba("host all all 10.0.0.0/8 trust")
        .start()?;
    let redis = Redis::builder(RedisVersion::V7)
        .config("maxmemory", "256mb")
        .config("maxmemory-policy", "volatile-lru")
        .config("protected-mode", "no")
        .config("tcp-keepalive", "0")
        .config("appendonly", "no")
        .start()?;
    Ok(Servers { postgres, redis })
}

async fn prepare(servers: &Servers, scale: f64) -> Result<held::Held, TestkitError> {
    talk(
        "building a video-auction platform: users, auctions, bids, orders, payments, notifications …",
    );
    let rows = platform::build(&servers.postgres, scale).await?;
    talk(&format!("  {} thousand rows", rows / 1000));
    talk("planting problems");
    platform::plant(&servers.postgres).await?;
    talk("filling the cache: sessions, auctions, API answers, a leaderboard");
    cache::fill(&servers.redis, scale)?;
    talk("running bidders, readers, reports and a few accidents");
    workload::run(&servers.postgres, &servers.redis, WORKLOAD, scale).await?;
    held::hold(&servers.postgres).await
}

fn audit(servers: &Servers) -> Result<Snapshot, Problem> {
    let args = TargetArgs {
        targets: vec![
            format!("auction={}", servers.postgres.superuser_url("auction")),
            format!("cache={}", servers.redis.url()),
        ],
        ..TargetArgs::default()
    };
    let file = File::default();
    let looking = Looking { interval: Some(INTERVAL), ..Looking::default() };
    let merged = Merged::new(&args, &Judging::default(), looking, &file, None)?;
    let mut targets = target::resolve(&args, &merged, &file, &|_| None)?;
    // As a configuration file would say with `role = "cache"`.
    for target in targets.iter_mut().filter(|target| target.name == "cache") {
        target.expectations.is_cache = Some(true);
    }
    let once = gather::Options::once(merged.timeout.value);
    let (interval, measure_bytes) = (merged.interval.value, merged.measure_bytes());
    let options = gather::Options { interval, measure_bytes, ..once };
    gather::gather(&targets, &options, &Progress::new(false))
}

/// Thresholds of time and size, brought down to what a minute and a laptop can show.
pub(crate) fn settings() -> Settings {
    let mut settings = Settings::default();
    for (check, key, value) in plants::LOWERED {
        let own: &mut CheckSettings = settings.checks.entry((*check).to_owned()).or_default();
        own.thresholds.insert((*key).to_owned(), *value);
    }
    settings
}

fn from_testkit(error: impl Into<TestkitError>) -> Problem {
    let error = error.into();
    match error {
        TestkitError::MissingServer { .. } => Problem::usage(error.to_string()),
        _ => Problem::internal(error.to_string()),
    }
}
