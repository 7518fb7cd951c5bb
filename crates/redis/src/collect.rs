//! Collecting everything of one server, in a few pipelines.

mod acl;
mod acl_log;
pub(crate) mod clients;
mod cluster;
pub(crate) mod command_log;
pub(crate) mod config;
pub(crate) mod info;
pub(crate) mod latency;
mod memory_stats;
pub(crate) mod server;
pub(crate) mod slowlog;
mod slowlog_key;

use std::time::{Duration, Instant};

use dbvitals_model::{
    Reason, Section, ServerVersion, Unavailable,
    redis::{Client, Config, Info, LatencyEvent, RedisSnapshot, Window},
    snapshot::CollectorCost,
};
use redis::{Cmd, Value};

use crate::{
    Error, Target,
    command::Command,
    connect::{self, Opened},
    keyspace::{self, Facts, Manner, Request, Way},
    link::{Answer, Link},
    reply,
    unavailable::refused,
};

/// The oldest version that is supported.
const OLDEST: ServerVersion = ServerVersion::new(6, 0, 0);

/// How to collect.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest wait for the answers of one round trip, unless the target says otherwise.
    pub timeout: Duration,
    /// Time between two looks at the counters; `None` takes one look and gives no rates.
    pub window: Option<Duration>,
    /// Most keys to look at; 0 looks at none.
    pub sample_keys: usize,
    /// Longest time for looking at keys.
    pub sample_time: Duration,
}

impl Default for Options {
    /// Five seconds per answer, no window, 2 000 keys in 300 ms.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            window: None,
            sample_keys: 2000,
            sample_time: Duration::from_millis(300),
        }
    }
}

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    /// The sections.
    pub snapshot: RedisSnapshot,
    /// What each collector cost.
    pub cost: Vec<CollectorCost>,
    /// Trouble along the way.
    pub problems: Vec<String>,
    /// URLs of servers learnt from this one: replicas of a primary, the primary of a replica.
    pub offered: Vec<String>,
}

/// Connects and collects. An error means that nothing at all could be read; whatever fails later is in the
/// snapshot, as the reason why a section is missing.
pub async fn collect(target: &Target, options: &Options) -> Result<Collected, Error> {
    let patience = target.timeout.unwrap_or(options.timeout);
    let mut opened = connect::open(target, patience).await?;
    let mut snapshot = RedisSnapshot::default();
    let user = first_stage(&mut opened, target, &mut snapshot).await;
    snapshot.server = server::describe(&opened, target, &snapshot.server, &snapshot.info);
    let version = snapshot.server.version;
    if version != ServerVersion::new(0, 0, 0) && version < OLDEST {
        return Err(Error::TooOld { endpoint: target.endpoint(), version });
    }
    second_stage(&mut opened, &user, &mut snapshot).await;
    snapshot.window = window(&mut opened.link, &user, options.window).await;
    if options.window.is_some() {
        refresh(&mut opened, target, &mut snapshot).await;
    }
    snapshot.key_sample = keys(&mut opened.link, target, &user, &snapshot, options).await;
    if snapshot.server.mode == "sentinel" {
        server::without_data(&mut snapshot);
    }
    let mut problems = std::mem::take(&mut opened.problems);
    problems.extend(server::problems(&snapshot));
    if let Some(error) = opened.link.lost() {
        problems.push(format!("{}; what was collected before is kept", error.unavailable().detail));
    }
    let offered = server::offered(target, snapshot.info.value());
    Ok(Collected { snapshot, cost: opened.link.take_cost(), problems, offered })
}

/// Looks again after a window, so that the slow log, the clients and the clock are of its end; what was seen
/// before stays where the server went away meanwhile.
async fn refresh(opened: &mut Opened, target: &Target, snapshot: &mut RedisSnapshot) {
    let mut again = snapshot.clone();
    let user = first_stage(opened, target, &mut again).await;
    again.server.user.clone_from(&snapshot.server.user);
    second_stage(opened, &user, &mut again).await;
    if opened.link.lost().is_none() {
        *snapshot = again;
    }
}

/// Everything that needs no knowledge of the server, in one pipeline. Gives the name of our ACL user.
async fn first_stage(opened: &mut Opened, target: &Target, snapshot: &mut RedisSnapshot) -> String {
    let plain = |command: Command| (command, command.cmd());
    let wanted = [
        plain(Command::TIME),
        with(Command::INFO, "everything"),
        plain(Command::ACL_WHOAMI),
        with(Command::CONFIG_GET, "*"),
        plain(Command::SLOWLOG_LEN),
        with(Command::SLOWLOG_GET, slowlog::ENTRIES),
        plain(Command::LATENCY_LATEST),
        plain(Command::MEMORY_STATS),
        plain(Command::ACL_LIST),
        with(Command::ACL_LOG, acl_log::ENTRIES),
    ];
    let mut answers = opened.link.stage("the first stage", &wanted).await.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    let now = next();
    let info = next();
    let user = next().ok().as_ref().and_then(reply::text);
    let name = user.clone().unwrap_or_else(|| target.user_name().to_owned());
    snapshot.server.user = user;
    if let Some(now) = now.ok().as_ref().and_then(server::clock) {
        snapshot.server.now = now;
    }
    snapshot.info = section(Command::INFO, &name, info, |value| {
        info::parse(&reply::text(value).unwrap_or_default())
    });
    snapshot.config = section(Command::CONFIG_GET, &name, next(), config::decode);
    let length = next().ok().as_ref().and_then(reply::int);
    snapshot.slowlog =
        section(Command::SLOWLOG_GET, &name, next(), |value| slowlog::decode(value, length));
    let latency = section(Command::LATENCY_LATEST, &name, next(), latency::decode);
    snapshot.latency = unless_monitored(latency, snapshot.config.value());
    snapshot.memory_stats = section(Command::MEMORY_STATS, &name, next(), memory_stats::decode);
    snapshot.users = section(Command::ACL_LIST, &name, next(), acl::decode);
    snapshot.acl_log = section(Command::ACL_LOG, &name, next(), acl_log::decode);
    // A Sentinel before 7.0 does not know the word and answers with nothing.
    if snapshot.info.value().is_some_and(|info| info.fields.is_empty()) {
        let answer = opened.link.stage("INFO", &[with(Command::INFO, "all")]).await.pop();
        snapshot.info = section(Command::INFO, &name, answer.unwrap_or(Ok(Value::Nil)), |value| {
            info::parse(&reply::text(value).unwrap_or_default())
        });
    }
    name
}

/// No latency events where nobody watches is no good news: says that the monitor is off.
pub(crate) fn unless_monitored(
    events: Section<Vec<LatencyEvent>>,
    config: Option<&Config>,
) -> Section<Vec<LatencyEvent>> {
    let threshold = config.and_then(|it| it.int("latency-monitor-threshold"));
    if threshold == Some(0) && events.value().is_some_and(Vec::is_empty) {
        return Section::Unavailable(Unavailable::with_remedy(
            Reason::Disabled,
            "the latency monitor is off",
            "CONFIG SET latency-monitor-threshold 100",
        ));
    }
    events
}

/// What depends on the kind of server: its clients unless there are too many, its cluster if it is part of one.
async fn second_stage(opened: &mut Opened, user: &str, snapshot: &mut RedisSnapshot) {
    let info = snapshot.info.value();
    let int = |name: &str| info.and_then(|info| info.int(name));
    let connected = int("connected_clients").unwrap_or(0);
    let is_cluster = int("cluster_enabled") == Some(1);
    let mut wanted = Vec::new();
    if connected <= clients::TOO_MANY {
        wanted.push((Command::CLIENT_LIST, Command::CLIENT_LIST.cmd()));
    }
    if is_cluster {
        wanted.push((Command::CLUSTER_INFO, Command::CLUSTER_INFO.cmd()));
    }
    if is_cluster && snapshot.server.role == "slave" {
        // Without it a replica in a cluster sends every reader of keys to its primary.
        wanted.push((Command::READONLY, Command::READONLY.cmd()));
    }
    let mut answers = opened.link.stage("the second stage", &wanted).await.into_iter();
    let mut next = || answers.next().unwrap_or(Ok(Value::Nil));
    snapshot.clients = if connected <= clients::TOO_MANY {
        let own = opened.hello.iter().find(|(name, _)| name == "id");
        listed(user, next(), own.and_then(|(_, id)| id.parse().ok()))
    } else {
        Section::unavailable(
            Reason::Timeout,
            format!("listing {connected} connections would hold up the server"),
        )
    };
    snapshot.cluster = if is_cluster {
        section(Command::CLUSTER_INFO, user, next(), |value| {
            cluster::parse(&reply::text(value).unwrap_or_default())
        })
    } else {
        match snapshot.info.get() {
            Ok(_) => Section::unavailable(Reason::NotApplicable, "cluster mode is off"),
            // Only INFO tells whether there is a cluster: what opens it opens this.
            Err(why) => Section::Unavailable(why.clone()),
        }
    };
}

/// `CLIENT LIST` without ourselves.
fn listed(user: &str, answer: Answer, own_id: Option<i64>) -> Section<Vec<Client>> {
    let parsed = section(Command::CLIENT_LIST, user, answer, |value| {
        clients::parse(&reply::text(value).unwrap_or_default(), own_id, clients::KEPT)
    });
    match parsed {
        Section::Unavailable(why) => Section::Unavailable(why),
        Section::Collected(it) => {
            let (clients, dropped) = it.value;
            let gap = (dropped > 0).then(|| Unavailable {
                reason: Reason::Timeout,
                detail: format!("{dropped} more connections were seen and not kept"),
                remedy: None,
            });
            let gaps = gap.into_iter().collect();
            Section::Collected(dbvitals_model::Collected { value: clients, gaps })
        }
    }
}

/// Two looks at the counters, with nothing of ours in between.
async fn window(link: &mut Link, user: &str, length: Option<Duration>) -> Section<Window> {
    let Some(length) = length else {
        return Section::Unavailable(Unavailable::with_remedy(
            Reason::NotAsked,
            "rates need two looks",
            "--interval 10s",
        ));
    };
    let before = look(link, user).await;
    let begun = Instant::now();
    if link.lost().is_none() {
        tokio::time::sleep(length).await;
    }
    let after = look(link, user).await;
    let seconds = begun.elapsed().as_secs_f64();
    match (before, after) {
        (Section::Collected(before), Section::Collected(after)) => {
            match Window::between(&before.value, &after.value, seconds) {
                Some(window) => Section::collected(window),
                None => Section::unavailable(
                    Reason::Failed,
                    "the server restarted or its statistics were reset between the two looks",
                ),
            }
        }
        (Section::Unavailable(why), _) | (_, Section::Unavailable(why)) => {
            Section::Unavailable(why)
        }
    }
}

async fn look(link: &mut Link, user: &str) -> Section<Info> {
    let mut answers = link.stage("INFO", &[with(Command::INFO, "everything")]).await;
    let answer = answers.pop().unwrap_or(Ok(Value::Nil));
    section(Command::INFO, user, answer, |value| {
        info::parse(&reply::text(value).unwrap_or_default())
    })
}

async fn keys(
    link: &mut Link,
    target: &Target,
    user: &str,
    snapshot: &RedisSnapshot,
    options: &Options,
) -> Section<dbvitals_model::redis::KeySample> {
    if options.sample_keys == 0 {
        return Section::unavailable(Reason::NotAsked, "no keys were to be looked at");
    }
    if snapshot.server.mode == "sentinel" {
        return Section::unavailable(
            Reason::NotApplicable,
            "a server in sentinel mode holds no keys",
        );
    }
    if let Some(error) = link.lost() {
        return Section::Unavailable(error.unavailable());
    }
    let version = Some(snapshot.server.version);
    let facts = Facts::new(snapshot.info.value().cloned(), user.to_owned(), version);
    let request = Request {
        manner: Manner::Gentle,
        most_time: Some(options.sample_time.min(link.patience())),
        // Another place each time: what is rare is met sooner or later.
        seed: snapshot.server.now.as_microsecond().unsigned_abs(),
        ..Request::new(Way::Places(options.sample_keys))
    };
    keyspace::sample(link, target, facts, snapshot.server.round_trip_ms, &request).await
}

pub(crate) fn with(command: Command, argument: impl redis::ToRedisArgs) -> (Command, Cmd) {
    let mut cmd = command.cmd();
    cmd.arg(argument);
    (command, cmd)
}

/// The answer decoded, or why there is none.
pub(crate) fn section<T>(
    command: Command,
    user: &str,
    answer: Answer,
    decode: impl FnOnce(&Value) -> T,
) -> Section<T> {
    match answer {
        Ok(value) => Section::collected(decode(&value)),
        Err(error) => Section::Unavailable(refused(command, user, &error)),
    }
}
