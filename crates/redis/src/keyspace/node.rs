//! One server of the keyspace: its two connections, its databases, and the order of the work.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use dbvitals_model::{
    Section,
    redis::{Info, KeySample},
};

use super::{
    Meter, Request, State, Way,
    ask::Asks,
    course::Course,
    facts::Facts,
    pace::Pace,
    section, state,
    walk::Walk,
    wire::{Reply, Wire},
};
use crate::{
    Error, Target, collect::info, command::Command, connect, link::Link, reply,
    unavailable::refused,
};

/// `COUNT` of `SCAN` where places are drawn: small places tell more than large ones.
const PLACE: usize = 20;

/// PINGs on a server left alone, before a walk.
const PINGS: usize = 15;

/// A server with both connections open.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) link: Link,
    wire: Wire,
    pub(crate) facts: Facts,
    pub(crate) endpoint: String,
    /// A PING on the server left alone.
    idle_ms: f64,
    /// The database the URL names.
    database: i64,
}

/// Connects twice and asks who is there.
pub(super) async fn open(target: &Target, patience: Duration) -> Result<Server, Error> {
    let opened = connect::open(target, patience).await?;
    let mut link = opened.link;
    let mut info = Command::INFO.cmd();
    info.arg("everything");
    let mut answers = link.batch("INFO", &[Command::ACL_WHOAMI.cmd(), info]).await.into_iter();
    let user = answers.next().and_then(Result::ok).as_ref().and_then(reply::text);
    let info = answers.next().and_then(Result::ok).as_ref().and_then(reply::text);
    if let Some(error) = link.lost() {
        return Err(error.clone());
    }
    let user = user.unwrap_or_else(|| target.user_name().to_owned());
    let facts = Facts::new(info.map(|text| info::parse(&text)), user, None);
    let mut pings = Vec::with_capacity(PINGS);
    for _ in 0..PINGS {
        let sent = Instant::now();
        let _ = link.one("PING", &Command::PING.cmd()).await;
        pings.push(sent.elapsed().as_secs_f64() * 1000.0);
    }
    pings.sort_by(f64::total_cmp);
    let idle_ms = pings.get(PINGS / 2).copied().unwrap_or(0.0);
    let wire = wire(target, patience, &facts).await?;
    Ok(Server {
        link,
        wire,
        facts,
        endpoint: target.endpoint(),
        idle_ms,
        database: target.database,
    })
}

async fn wire(target: &Target, patience: Duration, facts: &Facts) -> Result<Wire, Error> {
    let mut wire = connect::wire(target, patience).await?;
    if facts.is_replica && facts.walks_slots() {
        // Without it a replica in a cluster sends every reader of keys to its primary.
        wire.ask(&[b"READONLY"]);
        wire.send().await?;
        wire.reply().await?;
    }
    Ok(wire)
}

impl Server {
    /// Its entry in the state, with all databases that have keys.
    pub(super) async fn node(&mut self, request: &Request) -> state::Node {
        let mut databases = match &self.facts.info {
            Some(info) => databases_of(info),
            None => vec![only_database(&mut self.link, self.database).await],
        };
        if !request.databases.is_empty() {
            databases.retain(|it| request.databases.contains(&it.number));
        }
        let info = self.facts.info.as_ref();
        state::Node {
            endpoint: self.endpoint.clone(),
            is_replica: self.facts.is_replica,
            run_id: info.and_then(|info| info.text("run_id")).map(str::to_owned),
            databases,
            dataset_bytes: info.and_then(|info| info.int("used_memory_dataset")),
            slots: 0,
            problem: None,
        }
    }
}

/// The database the URL names, where nobody says which ones there are.
async fn only_database(link: &mut Link, database: i64) -> state::Database {
    let size = link.one("DBSIZE", &Command::DBSIZE.cmd()).await;
    // Where even this is refused, one step is tried all the same.
    let keys = size.ok().as_ref().and_then(reply::int).unwrap_or(1);
    state::Database { number: database, keys, ..state::Database::default() }
}

/// A bounded look for an audit, over the connection it has and one more.
pub(crate) async fn sample(
    link: &mut Link,
    target: &Target,
    facts: Facts,
    idle_ms: Option<f64>,
    request: &Request,
) -> Section<KeySample> {
    let begun = Instant::now();
    let wire = match wire(target, link.patience(), &facts).await {
        Ok(wire) => wire,
        Err(error) => return Section::Unavailable(error.unavailable()),
    };
    let mut state = State::new(request.way);
    let info = facts.info.as_ref();
    let node = state::Node {
        endpoint: target.endpoint(),
        is_replica: facts.is_replica,
        dataset_bytes: info.and_then(|info| info.int("used_memory_dataset")),
        databases: match info {
            Some(info) => databases_of(info),
            None => vec![only_database(link, target.database).await],
        },
        ..state::Node::default()
    };
    state.nodes.push(node);
    let meter = Meter::default();
    let mut work = Work::new(link, wire, &facts, idle_ms.unwrap_or(0.2), request, &meter);
    work.deadline = request.most_time.map(|time| begun + time);
    work.run(&mut state).await;
    let bytes = work.wire.received;
    state.seconds = begun.elapsed().as_secs_f64();
    link.spent("key_sample".to_owned(), begun.elapsed(), state.named(), bytes);
    if let Some(error) = link.lost()
        && state.named() == 0
    {
        return Section::Unavailable(error.unavailable());
    }
    section::of(&state, Some(&facts))
}

fn databases_of(info: &Info) -> Vec<state::Database> {
    let mut all: Vec<state::Database> = info
        .keyspace
        .iter()
        .filter(|it| it.keys > 0)
        .map(|it| state::Database {
            number: it.database,
            keys: it.keys,
            expires: Some(it.expires),
            ..state::Database::default()
        })
        .collect();
    all.sort_by_key(|it| (-it.keys, it.number));
    all
}

/// Walks every database of a server that is not done yet, and completes what is known of the largest keys.
pub(super) async fn walk_all(
    server: Server,
    node: usize,
    request: &Request,
    deadline: Option<Instant>,
    meter: &Meter,
    state: &mut State,
) -> Facts {
    let Server { mut link, wire, facts, idle_ms, .. } = server;
    let mut work = Work::new(&mut link, wire, &facts, idle_ms, request, meter);
    work.node = node;
    work.deadline = deadline;
    work.run(state).await;
    facts
}

/// The work on one server.
struct Work<'a> {
    link: &'a mut Link,
    wire: Wire,
    facts: &'a Facts,
    request: &'a Request,
    meter: &'a Meter,
    deadline: Option<Instant>,
    begun: Instant,
    /// Index of the server in the state.
    node: usize,
    pace: Pace,
    asks: Asks,
    /// The database that is selected.
    selected: i64,
}

impl<'a> Work<'a> {
    fn new(
        link: &'a mut Link,
        wire: Wire,
        facts: &'a Facts,
        idle_ms: f64,
        request: &'a Request,
        meter: &'a Meter,
    ) -> Self {
        let asks = Asks {
            memory: true,
            ttl: true,
            kind: true,
            frequency: facts.is_lfu && request.way == Way::All && !facts.is_replica,
            // The times of use on a replica are those of its own readers.
            idle: !facts.is_replica,
            encoding: true,
            length: true,
            hits: !request.hit_ratio_keys.is_empty(),
        };
        let pace = Pace::new(request.manner, idle_ms);
        let begun = Instant::now();
        Self {
            link,
            wire,
            facts,
            request,
            meter,
            deadline: None,
            begun,
            node: 0,
            pace,
            asks,
            selected: 0,
        }
    }

    async fn run(&mut self, state: &mut State) {
        let result = self.databases(state).await;
        let worst = self.pace.worst_ms();
        if worst > 0.0 {
            state.worst_ms = Some(state.worst_ms.unwrap_or(0.0).max(worst));
        }
        if let Err(error) = result {
            if let Some(node) = state.nodes.get_mut(self.node) {
                node.problem = Some(error.unavailable().detail);
            }
            state.refuse(Command::SCAN, &self.facts.user, &error);
        }
    }

    async fn databases(&mut self, state: &mut State) -> Result<(), Error> {
        let databases =
            state.nodes.get(self.node).map(|it| it.databases.clone()).unwrap_or_default();
        let total: i64 = databases.iter().map(|it| it.keys).sum();
        for (slot, database) in databases.iter().enumerate() {
            let is_late = self.deadline.is_some_and(|at| Instant::now() >= at);
            if database.is_done || is_late || self.meter.is_stopped() {
                continue;
            }
            if !self.select(database.number, state).await? {
                continue;
            }
            let (course, count) = course(self.request, self.facts, database, total);
            let node = state.nodes.get_mut(self.node);
            if let Some(it) = node.and_then(|it| it.databases.get_mut(slot)) {
                it.is_sampled = count.is_some();
            }
            let ttl = self.asks.ttl;
            // No key of it has a time to live: there is nothing to ask.
            self.asks.ttl &= database.expires != Some(0);
            let (mut walk, guard) = self.walk(state, slot, database.number);
            walk.count = count;
            walk.run(guard, course).await?;
            self.asks.ttl = ttl && !state.refusals.contains_key("PTTL");
        }
        for (slot, database) in databases.iter().enumerate() {
            let database = database.number;
            let leaders = state.leaders(self.node);
            if leaders.iter().any(|key| key.database == database && key.encoding.is_none())
                && self.select(database, state).await?
            {
                self.walk(state, slot, database).0.describe(leaders).await?;
            }
        }
        Ok(())
    }

    /// A walk of one database, and the connection that listens meanwhile.
    fn walk<'b>(
        &'b mut self,
        state: &'b mut State,
        slot: usize,
        database: i64,
    ) -> (Walk<'b>, &'b mut Link) {
        let walk = Walk {
            wire: &mut self.wire,
            facts: self.facts,
            request: self.request,
            meter: self.meter,
            state,
            pace: &mut self.pace,
            asks: &mut self.asks,
            node: self.node,
            slot,
            database,
            begun: self.begun,
            deadline: self.deadline,
            names: VecDeque::new(),
            noted: 0,
            asked: VecDeque::new(),
            extras: VecDeque::new(),
            extras_idle: false,
            extras_encoding: false,
            count: None,
        };
        (walk, self.link)
    }

    async fn select(&mut self, database: i64, state: &mut State) -> Result<bool, Error> {
        if self.selected == database {
            return Ok(true);
        }
        self.wire.ask(&[b"SELECT", database.to_string().as_bytes()]);
        self.wire.send().await?;
        let refusal = match self.wire.reply().await? {
            Reply::Text(_) => {
                self.selected = database;
                return Ok(true);
            }
            reply => reply.refusal(),
        };
        if let Some(error) = refusal {
            let why = refused(Command::SELECT, &self.facts.user, &error);
            state.refusals.entry(Command::SELECT.name()).or_insert(why);
        }
        Ok(false)
    }
}

/// Where a walk of one database begins, and the `COUNT` to use where only places of it are drawn.
fn course(
    request: &Request,
    facts: &Facts,
    database: &state::Database,
    total: i64,
) -> (Course, Option<usize>) {
    let Way::Places(limit) = request.way else { return (Course::Walk(database.cursor), None) };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let share = i128::from(limit) * i128::from(database.keys) / i128::from(total.max(1));
    let quota = usize::try_from(share).unwrap_or(PLACE).max(5 * PLACE);
    let keys = usize::try_from(database.keys).unwrap_or(usize::MAX);
    if keys <= quota || keys <= 10 * PLACE {
        return (Course::Walk(database.cursor), None);
    }
    let places = u32::try_from(quota / PLACE).unwrap_or(u32::MAX);
    if facts.walks_slots() {
        // One place, as large as all of them.
        return (Course::places(1, request.seed), Some(quota));
    }
    (Course::places(places, request.seed), Some(PLACE))
}
