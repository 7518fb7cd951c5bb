//! A gentle, bounded look at some keys: `SCAN`, then type, expiry and size of what it named, in pipelines.
//!
//! `SCAN` walks the hash table, whose order has nothing to do with names or age, so its beginning is a fair sample.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use dbvitals_model::{
    Reason, Section, Unavailable,
    redis::{Info, KeyInfo, KeySample},
};
use redis::{Cmd, Value};

use super::key_fold::{self, Seen};
use crate::{
    Error,
    command::Command,
    link::{Answer, Link},
    reply,
    unavailable::{keys_hidden, refused},
};

/// `COUNT` of each `SCAN`.
const STEP: usize = 100;

/// Asked of each key. None of them counts as a use of the key for eviction.
const DETAILS: [Command; 3] = [Command::TYPE, Command::PTTL, Command::MEMORY_USAGE];

/// What a sample may cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) keys: usize,
    pub(crate) time: Duration,
}

/// Who looks, and at what.
#[derive(Debug)]
pub(crate) struct Look<'a> {
    pub(crate) info: Option<&'a Info>,
    /// The database that is selected.
    pub(crate) database: i64,
    pub(crate) user: &'a str,
    pub(crate) before_7: bool,
    pub(crate) limits: Limits,
}

/// What was gathered so far.
#[derive(Debug, Default)]
struct Gathered {
    seen: Vec<Seen>,
    /// Keys we may not look at.
    hidden: usize,
    /// Commands that were refused, each once.
    refusals: BTreeMap<String, Unavailable>,
    /// Databases that were not walked to the end.
    unfinished: usize,
    /// `SCAN` was answered at least once.
    scanned: bool,
    bytes: u64,
}

/// Takes the sample.
pub(crate) async fn sample(link: &mut Link, look: &Look<'_>) -> Section<KeySample> {
    let begun = Instant::now();
    let mut gathered = Gathered::default();
    let databases = databases(link, look).await;
    let total: i64 = databases.iter().map(|(_, keys)| keys).sum();
    let mut selected = look.database;
    for (database, keys) in databases {
        let is_over =
            begun.elapsed() >= look.limits.time || gathered.seen.len() >= look.limits.keys;
        if is_over
            || link.lost().is_some()
            || !select(link, look, database, &mut selected, &mut gathered).await
        {
            gathered.unfinished += 1;
            continue;
        }
        let quota =
            quota(look.limits.keys, keys, total).min(look.limits.keys - gathered.seen.len());
        walk(link, look, database, quota, begun, &mut gathered).await;
    }
    let largest = describe(link, look, &mut selected, &mut gathered).await;
    let rows = u64::try_from(gathered.seen.len()).unwrap_or(u64::MAX);
    link.spent("key_sample".to_owned(), begun.elapsed(), rows, gathered.bytes);
    section(link, look, gathered, total, largest)
}

/// Databases with keys, the fullest first, and how many keys each has.
async fn databases(link: &mut Link, look: &Look<'_>) -> Vec<(i64, i64)> {
    if let Some(info) = look.info {
        let mut all: Vec<(i64, i64)> =
            info.keyspace.iter().map(|it| (it.database, it.keys)).filter(|it| it.1 > 0).collect();
        all.sort_by_key(|(database, keys)| (-keys, *database));
        return all;
    }
    let size = link.one("DBSIZE", &Command::DBSIZE.cmd()).await;
    // Where even this is refused, one step is tried all the same.
    let keys = size.ok().as_ref().and_then(reply::int).unwrap_or(1);
    vec![(look.database, keys)]
}

/// How many keys of a database are looked at: its share, at least one step.
fn quota(limit: usize, keys: i64, total: i64) -> usize {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let share = i128::from(limit) * i128::from(keys) / i128::from(total.max(1));
    usize::try_from(share).unwrap_or(STEP).max(STEP)
}

async fn select(
    link: &mut Link,
    look: &Look<'_>,
    database: i64,
    selected: &mut i64,
    gathered: &mut Gathered,
) -> bool {
    if *selected == database {
        return true;
    }
    let mut select = Command::SELECT.cmd();
    select.arg(database);
    match link.one("SELECT", &select).await {
        Ok(_) => {
            *selected = database;
            true
        }
        Err(error) => {
            gathered.refuse(Command::SELECT, look.user, &error);
            false
        }
    }
}

/// Walks one database until it ends, the quota is full or the time is up. Each batch asks about the keys that the
/// one before named.
async fn walk(
    link: &mut Link,
    look: &Look<'_>,
    database: i64,
    quota: usize,
    begun: Instant,
    gathered: &mut Gathered,
) {
    let mut cursor = Some("0".to_owned());
    let mut known: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut names: Vec<Vec<u8>> = Vec::new();
    loop {
        let goes_on = known.len() < quota && begun.elapsed() < look.limits.time;
        let next = cursor.clone().filter(|_| goes_on);
        let mut commands = details(&names);
        if let Some(cursor) = &next {
            let mut scan = Command::SCAN.cmd();
            scan.arg(cursor.as_str()).arg("COUNT").arg(STEP);
            commands.push(scan);
        }
        if commands.is_empty() {
            break;
        }
        let mut answers = link.pipeline("the key sample", commands).await;
        let scan = if next.is_some() { answers.pop() } else { None };
        gathered.take(look.user, database, std::mem::take(&mut names), &answers);
        match scan {
            Some(Ok(page)) => {
                gathered.scanned = true;
                gathered.bytes = gathered.bytes.saturating_add(reply::size(&page).1);
                let (after, found) = page_of(&page);
                cursor = after;
                names = found.into_iter().filter(|name| known.insert(name.clone())).collect();
            }
            Some(Err(error)) => {
                gathered.refuse(Command::SCAN, look.user, &error);
                break;
            }
            None => {}
        }
    }
    gathered.unfinished += usize::from(cursor.is_some());
}

fn details(names: &[Vec<u8>]) -> Vec<Cmd> {
    names.iter().flat_map(|name| DETAILS.map(|command| with_key(command, name))).collect()
}

fn with_key(command: Command, name: &[u8]) -> Cmd {
    let mut cmd = command.cmd();
    cmd.arg(name);
    cmd
}

/// `[cursor, [names]]`; no cursor once the walk has ended.
fn page_of(page: &Value) -> (Option<String>, Vec<Vec<u8>>) {
    let [cursor, names, ..] = reply::items(page) else { return (None, Vec::new()) };
    let names = reply::items(names).iter().filter_map(|name| Some(reply::bytes(name)?.to_vec()));
    (reply::text(cursor).filter(|cursor| cursor != "0"), names.collect())
}

impl Gathered {
    /// Takes in the answers to [`details`].
    fn take(&mut self, user: &str, database: i64, names: Vec<Vec<u8>>, answers: &[Answer]) {
        for (name, answers) in names.into_iter().zip(answers.chunks_exact(DETAILS.len())) {
            let is_hidden = |answer: &Answer| answer.as_ref().is_err_and(hides_keys);
            if answers.iter().any(is_hidden) {
                self.hidden += 1;
                continue;
            }
            for (command, answer) in DETAILS.iter().zip(answers) {
                match answer {
                    Err(error) => self.refuse(*command, user, error),
                    Ok(value) => self.bytes = self.bytes.saturating_add(reply::size(value).1),
                }
            }
            let [kind, ttl, memory] = answers else { continue };
            let kind = kind.as_ref().ok().and_then(reply::text).unwrap_or_default();
            let ttl = ttl.as_ref().ok().and_then(reply::int);
            if kind == "none" || ttl == Some(-2) {
                // It expired or was deleted in the meantime.
                continue;
            }
            let memory_bytes = memory.as_ref().ok().and_then(reply::int).unwrap_or(0).max(0);
            let ttl_ms = ttl.filter(|ttl| *ttl >= 0);
            self.seen.push(Seen { database, name, kind, memory_bytes, ttl_ms });
        }
    }

    /// Notes a refusal; of each command only the first.
    fn refuse(&mut self, command: Command, user: &str, error: &Error) {
        let name = if error.is_connection_lost() { String::new() } else { command.name() };
        self.refusals.entry(name).or_insert_with(|| refused(command, user, error));
    }
}

/// Whether an error is about the key, not the command.
fn hides_keys(error: &Error) -> bool {
    error.is_permission() && error.message().is_some_and(|message| message.contains("access"))
}

/// Encoding and number of elements of the largest keys.
async fn describe(
    link: &mut Link,
    look: &Look<'_>,
    selected: &mut i64,
    gathered: &mut Gathered,
) -> Vec<KeyInfo> {
    let seen = std::mem::take(&mut gathered.seen);
    let mut by_database: BTreeMap<i64, Vec<&Seen>> = BTreeMap::new();
    for key in key_fold::largest(&seen) {
        by_database.entry(key.database).or_default().push(key);
    }
    let mut described = Vec::new();
    for (database, keys) in by_database {
        let is_selected = select(link, look, database, selected, gathered).await;
        let commands: Vec<Cmd> = keys
            .iter()
            .flat_map(|key| {
                let count = with_key(length_of(&key.kind), &key.name);
                [with_key(Command::OBJECT_ENCODING, &key.name), count]
            })
            .collect();
        let answers =
            if is_selected { link.pipeline("the key sample", commands).await } else { Vec::new() };
        for (index, key) in keys.into_iter().enumerate() {
            let mut info = key_fold::shown(key);
            let mut answer =
                |offset: usize, command: Command| match answers.get(2 * index + offset)? {
                    Ok(value) => Some(value),
                    Err(error) => {
                        gathered.refuse(command, look.user, error);
                        None
                    }
                };
            info.encoding = answer(0, Command::OBJECT_ENCODING).and_then(reply::text);
            info.elements = answer(1, length_of(&key.kind)).and_then(reply::int);
            described.push(info);
        }
    }
    gathered.seen = seen;
    described.sort_by(|a, b| (b.memory_bytes, &a.name).cmp(&(a.memory_bytes, &b.name)));
    described
}

/// The command that counts the elements of a type (bytes of a string). A module's type has none; its key is asked
/// for its type again, which is no number.
fn length_of(kind: &str) -> Command {
    match kind {
        "string" => Command::STRLEN,
        "list" => Command::LLEN,
        "set" => Command::SCARD,
        "zset" => Command::ZCARD,
        "hash" => Command::HLEN,
        "stream" => Command::XLEN,
        _ => Command::TYPE,
    }
}

fn section(
    link: &Link,
    look: &Look<'_>,
    gathered: Gathered,
    total: i64,
    largest: Vec<KeyInfo>,
) -> Section<KeySample> {
    let scan_refused = gathered.refusals.get("SCAN").filter(|_| !gathered.scanned);
    if let Some(why) = scan_refused {
        return Section::Unavailable(why.clone());
    }
    if gathered.seen.is_empty()
        && let Some(error) = link.lost()
    {
        return Section::Unavailable(error.unavailable());
    }
    if gathered.seen.is_empty() && gathered.hidden > 0 {
        return Section::Unavailable(keys_hidden(look.user, gathered.hidden, look.before_7));
    }
    let (expiring, expiring_in_fullest_minute) = key_fold::expiries(&gathered.seen);
    let is_whole = gathered.unfinished == 0 && gathered.hidden == 0 && link.lost().is_none();
    let value = KeySample {
        sampled: i64::try_from(gathered.seen.len()).unwrap_or(i64::MAX),
        total,
        is_complete: is_whole,
        patterns: key_fold::by_pattern(&gathered.seen),
        largest,
        expiring,
        expiring_in_fullest_minute,
    };
    let mut gaps: Vec<Unavailable> = gathered.refusals.into_values().collect();
    if gathered.hidden > 0 {
        gaps.push(keys_hidden(look.user, gathered.hidden, look.before_7));
    }
    Section::Collected(dbvitals_model::Collected { value, gaps })
}

/// A server that has no keys of its own.
pub(crate) fn not_applicable(mode: &str) -> Section<KeySample> {
    Section::unavailable(Reason::NotApplicable, format!("a server in {mode} mode holds no keys"))
}
