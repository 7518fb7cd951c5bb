//! Builders of snapshots for tests: everything collected and empty, then edited.
#![expect(clippy::panic, reason = "a builder for tests stops the test that misuses it")]

use dbvitals_model::{
    Finding, Section, ServerVersion, Snapshot, TargetData, TargetSnapshot,
    host::{Host, HostSnapshot},
    log::LogSnapshot,
    pg::{DatabaseSnapshot, PgSnapshot, instance::Setting},
    pooler::PoolerSnapshot,
    redis::RedisSnapshot,
    statement::StatementSnapshot,
};
use jiff::{SignedDuration, Timestamp};

use crate::{
    check::Check,
    judge::{Verdicts, run},
    settings::Settings,
    skip::Skip,
};

/// The "now" of every built snapshot: 2026-01-01 00:00 UTC.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A moment that many seconds before [`now`].
pub fn ago(seconds: i64) -> Option<Timestamp> {
    Some(now() - SignedDuration::from_secs(seconds))
}

/// A snapshot of one PostgreSQL 16 primary called `main`, edited.
pub fn pg(edit: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
    let mut pg = healthy_pg();
    edit(&mut pg);
    snapshot(vec![target("main", TargetData::Postgres(Box::new(pg)))])
}

/// A snapshot of one PostgreSQL 16 primary whose database `app` is edited.
pub fn database(edit: impl FnOnce(&mut DatabaseSnapshot)) -> Snapshot {
    pg(|pg| edit(app(pg)))
}

/// The database `app` of a built server.
pub fn app(pg: &mut PgSnapshot) -> &mut DatabaseSnapshot {
    pg.by_database.first_mut().unwrap_or_else(|| panic!("a built server has a database"))
}

/// A snapshot of one Redis 7 master called `cache`, edited.
pub fn redis(edit: impl FnOnce(&mut RedisSnapshot)) -> Snapshot {
    let mut redis = healthy_redis();
    edit(&mut redis);
    snapshot(vec![target("cache", TargetData::Redis(Box::new(redis)))])
}

/// A snapshot of one pooler called `pool`, edited.
pub fn pooler(edit: impl FnOnce(&mut PoolerSnapshot)) -> Snapshot {
    let mut pooler: PoolerSnapshot = all_collected();
    pooler.version = ServerVersion::new(1, 18, 0);
    pooler.queue = Section::default();
    edit(&mut pooler);
    snapshot(vec![target("pool", TargetData::Pooler(Box::new(pooler)))])
}

/// A snapshot of one statement called `statement`, with all sections empty, edited.
pub fn statement(edit: impl FnOnce(&mut StatementSnapshot)) -> Snapshot {
    let mut statement: StatementSnapshot = all_collected();
    statement.text = "select 1".to_owned();
    edit(&mut statement);
    snapshot(vec![target("statement", TargetData::Statement(Box::new(statement)))])
}

/// A snapshot of one log called `log`, with all sections empty, edited.
pub fn log(edit: impl FnOnce(&mut LogSnapshot)) -> Snapshot {
    let mut log: LogSnapshot = all_collected();
    edit(&mut log);
    snapshot(vec![target("log", TargetData::Log(Box::new(log)))])
}

/// A snapshot of one machine called `host` that carries `main`, a PostgreSQL 16 primary; both edited.
pub fn host(edit: impl FnOnce(&mut Host, &mut PgSnapshot)) -> Snapshot {
    let mut host = HostSnapshot { host: healthy_host(), serves: vec!["main".to_owned()] };
    let mut pg = healthy_pg();
    edit(&mut host.host, &mut pg);
    snapshot(vec![
        target("host", TargetData::Host(Box::new(host))),
        target("main", TargetData::Postgres(Box::new(pg))),
    ])
}

/// A snapshot of these targets, taken [`now`].
pub fn snapshot(targets: Vec<TargetSnapshot>) -> Snapshot {
    Snapshot::new("0.0.0", now(), targets)
}

/// One target of that name.
pub fn target(name: &str, data: TargetData) -> TargetSnapshot {
    TargetSnapshot::new(name, format!("{name}.example:1"), data)
}

/// A value in its section, for editing; a section that was unavailable becomes an empty one.
pub fn edit<T: Default>(section: &mut Section<T>) -> &mut T {
    if section.value().is_none() {
        *section = Section::collected(T::default());
    }
    match section {
        Section::Collected(collected) => &mut collected.value,
        Section::Unavailable(_) => panic!("just collected"),
    }
}

/// Sets a setting of a built server: value in the unit given, as `pg_settings` would show it.
pub fn set(pg: &mut PgSnapshot, name: &str, value: &str, unit: Option<&str>) {
    let settings = &mut edit(&mut pg.settings).0;
    settings.retain(|setting| setting.name != name);
    settings.push(Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: unit.map(str::to_owned),
        kind: "string".to_owned(),
        context: "sighup".to_owned(),
        source: "configuration file".to_owned(),
        boot_value: None,
        pending_restart: false,
    });
}

/// The findings of a check with default settings, over all targets; a skip stops the test.
pub fn findings(check: &'static Check, snapshot: &Snapshot) -> Vec<Finding> {
    findings_with(check, snapshot, &Settings::default())
}

/// The findings of a check with these settings, over all targets; a skip stops the test.
pub fn findings_with(
    check: &'static Check,
    snapshot: &Snapshot,
    settings: &Settings,
) -> Vec<Finding> {
    let judged = judged(check, snapshot, settings);
    judged.unwrap_or_else(|skip| panic!("{} was skipped: {skip:?}", check.id))
}

/// Why a check was skipped; findings stop the test.
pub fn skipped(check: &'static Check, snapshot: &Snapshot) -> Skip {
    match judged(check, snapshot, &Settings::default()) {
        Err(skip) => skip,
        Ok(findings) => panic!("{} was not skipped: {findings:?}", check.id),
    }
}

/// What a check says over all targets it is meant for; the first skip wins.
fn judged(
    check: &'static Check,
    snapshot: &Snapshot,
    settings: &Settings,
) -> Result<Vec<Finding>, Skip> {
    let mut all = Vec::new();
    let mut seen = false;
    for target in &snapshot.targets {
        let Some(Verdicts(parts)) = run(check, snapshot, target, settings) else { continue };
        seen = true;
        for (_, part) in parts {
            all.extend(part?);
        }
    }
    assert!(seen, "{} found no target of its kind", check.id);
    Ok(all)
}

/// A PostgreSQL 16 primary with every section but the window and the growth collected and empty.
pub fn healthy_pg() -> PgSnapshot {
    let mut pg: PgSnapshot = all_collected();
    pg.server.version = ServerVersion::new(16, 11, 0);
    pg.server.now = now();
    pg.server.started_at = ago(90 * 86_400);
    pg.server.system_identifier = Some(7);
    pg.server.database = "postgres".to_owned();
    pg.server.user = "monitor".to_owned();
    let mut database: DatabaseSnapshot = all_collected();
    database.name = "app".to_owned();
    pg.by_database = vec![database];
    let stats = dbvitals_model::pg::database::Database {
        oid: 16_384,
        name: "app".to_owned(),
        allows_connections: true,
        connection_limit: -1,
        stats_reset: ago(60 * 86_400),
        ..Default::default()
    };
    *edit(&mut pg.databases) = vec![stats];
    let statements = edit(&mut pg.statements_status);
    statements.is_preloaded = true;
    statements.installed_in = Some("postgres".to_owned());
    statements.track = Some("top".to_owned());
    // Most audits look once; a test that is about rates says so by editing the window.
    pg.window = Section::default();
    pg.growth = Section::default();
    pg
}

/// A Redis 7 master with every section but the window collected and empty.
pub fn healthy_redis() -> RedisSnapshot {
    let mut redis: RedisSnapshot = all_collected();
    redis.server.version = ServerVersion::new(7, 2, 15);
    redis.server.now = now();
    redis.server.uptime_seconds = 90 * 86_400;
    redis.window = Section::default();
    redis
}

/// A machine with every section collected and at ease.
pub fn healthy_host() -> Host {
    let mut host: Host = all_collected();
    host.source = "proc".to_owned();
    host.cpu_count = Some(8);
    host
}

/// A default value with every section collected and empty, through its serialised form, so that new
/// sections need no mention here.
fn all_collected<T: Default + serde::Serialize + serde::de::DeserializeOwned>() -> T {
    let mut value = serde_json::to_value(T::default()).unwrap_or_default();
    let names: Vec<String> = value
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, field)| field.get("unavailable").is_some())
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        for empty in [serde_json::json!([]), serde_json::json!({})] {
            value[&name] = serde_json::json!({ "collected": { "value": empty } });
            if serde_json::from_value::<T>(value.clone()).is_ok() {
                break;
            }
        }
    }
    serde_json::from_value(value).unwrap_or_else(|error| panic!("cannot fill sections: {error}"))
}
