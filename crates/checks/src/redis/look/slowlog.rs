//! The slow log, grouped by the shape of its commands.

use std::collections::{BTreeMap, BTreeSet};

use dbvitals_model::{
    Measure, Sheet, Unit,
    redis::{
        Slowlog, SlowlogEntry,
        look::{LargeCommand, SlowlogLook},
    },
};
use jiff::Timestamp;

use super::{begin, cost::cost, seen};
use crate::{redis::latency::slow_command, view::seconds_between, words};

/// Shapes shown.
const SHAPES: usize = 25;

/// Single entries shown.
const SINGLE: usize = 10;

/// Clients named for a shape.
const CLIENTS: usize = 3;

/// The slow log of a server as a sheet.
pub fn sheet(target: &str, look: &SlowlogLook) -> Sheet {
    let mut sheet = begin("redis-slowlog", target, &look.ground);
    let config = seen(&mut sheet, "threshold and length of the log", &look.ground.config);
    let setting = |name: &str| config.and_then(|config| config.int(name));
    let threshold = setting("slowlog-log-slower-than");
    if let Some(micros) = threshold.filter(|micros| *micros >= 0) {
        let ms = micros as f64 / 1000.0;
        sheet.fact("logged from", ms, Unit::Ms, "CONFIG slowlog-log-slower-than");
    } else if threshold.is_some() {
        sheet.note(
            "Nothing is logged: slowlog-log-slower-than is negative. `CONFIG SET \
                    slowlog-log-slower-than 10000` logs what takes 10 ms or more.",
        );
    }
    let Some(log) = seen(&mut sheet, "the slow log", &look.slowlog) else { return sheet };
    // Without a beginning, or where the log was empty then, all of it counts.
    let is_new = |entry: &&SlowlogEntry| look.since_id.is_none_or(|since| entry.id > since);
    let entries: Vec<&SlowlogEntry> = log.entries.iter().filter(is_new).collect();
    overall(&mut sheet, look, log, &entries, setting("slowlog-max-len"));
    let now = look.ground.server.now;
    shapes(&mut sheet, &entries, now);
    slowest(&mut sheet, &entries, now);
    large(&mut sheet, "large-requests", "Largest requests", &look.large_requests, now);
    large(&mut sheet, "large-replies", "Largest answers", &look.large_replies, now);
    sheet
}

fn overall(
    sheet: &mut Sheet,
    look: &SlowlogLook,
    log: &Slowlog,
    entries: &[&SlowlogEntry],
    longest: Option<i64>,
) {
    sheet.fact("entries in the log", log.length, Unit::Count, "SLOWLOG LEN");
    if let Some(longest) = longest {
        sheet.fact("room for", longest, Unit::Count, "CONFIG slowlog-max-len");
    }
    let newest = log.entries.iter().map(|entry| entry.id).max();
    if let Some(newest) = newest {
        // Ids count from 0 and go on when the log is emptied.
        sheet.fact("logged since the start", newest + 1, Unit::Count, "newest id");
    }
    let total: f64 = entries.iter().map(|entry| entry.duration_us as f64 / 1000.0).sum();
    if let Some(seconds) = look.seconds {
        let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
        let logged = match (look.since_id, newest) {
            (Some(since), Some(newest)) => newest.saturating_sub(since).max(0),
            _ => count,
        };
        meanwhile(sheet, seconds, logged, total);
        if logged > count && longest.is_some_and(|longest| logged >= longest) {
            sheet.note(format!(
                "{} entries were pushed out before they were read, or are our own: look more often, or raise \
                 slowlog-max-len.",
                logged - count
            ));
        }
    } else {
        let oldest = entries.iter().filter_map(|entry| entry.at).min();
        if let Some(oldest) = oldest {
            let age = seconds_between(oldest, look.ground.server.now);
            sheet.fact("reaches back", age, Unit::Seconds, "oldest entry");
        }
        if longest.is_some_and(|longest| log.length >= longest) {
            sheet.note(
                "The log is full: older entries are forgotten. Raise slowlog-max-len to look further back.",
            );
        }
    }
    if entries.is_empty() {
        sheet.note("No slow command.");
    } else {
        sheet.fact("time of these commands", total, Unit::Ms, "SLOWLOG GET");
    }
}

fn meanwhile(sheet: &mut Sheet, seconds: f64, logged: i64, total_ms: f64) {
    sheet.fact("looked for", seconds, Unit::Seconds, "two looks");
    sheet.fact("logged meanwhile", logged, Unit::Count, "ids of the two looks");
    if seconds > 0.0 {
        sheet.fact("share of time", total_ms / 1000.0 / seconds, Unit::Ratio, "SLOWLOG GET");
    }
}

/// Entries of one command on one pattern of keys.
type Shape<'a> = (&'a str, Option<&'a str>);

fn shapes(sheet: &mut Sheet, entries: &[&SlowlogEntry], now: Timestamp) {
    let mut by_shape: BTreeMap<Shape<'_>, Vec<&SlowlogEntry>> = BTreeMap::new();
    for entry in entries {
        let shape = (entry.command.as_str(), entry.pattern.as_deref());
        by_shape.entry(shape).or_default().push(entry);
    }
    let total =
        |entries: &[&SlowlogEntry]| entries.iter().map(|entry| entry.duration_us).sum::<i64>();
    let mut shapes: Vec<_> = by_shape.into_iter().collect();
    shapes.sort_by_key(|(shape, entries)| (std::cmp::Reverse(total(entries)), *shape));
    let rows = shapes.iter().take(SHAPES).map(|((command, pattern), entries)| {
        let total = total(entries) as f64 / 1000.0;
        let worst = entries.iter().map(|entry| entry.duration_us).max().unwrap_or(0);
        let times = || entries.iter().filter_map(|entry| entry.at);
        let ago = |at: Option<Timestamp>| {
            Measure::Number(at.map_or(f64::NAN, |at| seconds_between(at, now)))
        };
        vec![
            (*command).into(),
            pattern.unwrap_or_default().into(),
            Measure::from(i64::try_from(entries.len()).unwrap_or(i64::MAX)),
            total.into(),
            (total / entries.len().max(1) as f64).into(),
            (worst as f64 / 1000.0).into(),
            clients(entries).as_str().into(),
            ago(times().min()),
            ago(times().max()),
        ]
    });
    let columns = [
        ("command", Unit::Text),
        ("keys", Unit::Text),
        ("times", Unit::Count),
        ("total", Unit::Ms),
        ("mean", Unit::Ms),
        ("worst", Unit::Ms),
        ("clients", Unit::Text),
        ("first", Unit::Seconds),
        ("last", Unit::Seconds),
    ];
    sheet.table(
        "shapes",
        "By command and keys (first and last: how long ago)",
        &columns,
        rows.collect(),
    );
    let mut told = BTreeSet::new();
    let leaders = shapes.iter().map(|((command, _), _)| *command);
    let rows = leaders.filter(|command| told.insert(*command)).take(SHAPES).map(|command| {
        let name = command.split('|').next().unwrap_or_default();
        let cost = cost(command).unwrap_or_default();
        vec![command.into(), cost.into(), slow_command::advice(name).into()]
    });
    let columns = [("command", Unit::Text), ("grows with", Unit::Text), ("advice", Unit::Text)];
    sheet.table("advice", "What their time grows with", &columns, rows.collect());
}

/// Names or addresses of the clients with most entries.
fn clients(entries: &[&SlowlogEntry]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for client in entries.iter().filter_map(|entry| entry.client.as_deref()) {
        *counts.entry(client).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(client, count)| (std::cmp::Reverse(*count), *client));
    let mut names: Vec<String> =
        counts.iter().take(CLIENTS).map(|(client, _)| words::shorten(client, 40)).collect();
    if counts.len() > CLIENTS {
        names.push(format!("{} more", counts.len() - CLIENTS));
    }
    names.join(", ")
}

fn slowest(sheet: &mut Sheet, entries: &[&SlowlogEntry], now: Timestamp) {
    let mut sorted: Vec<&SlowlogEntry> = entries.to_vec();
    sorted.sort_by_key(|entry| (std::cmp::Reverse(entry.duration_us), entry.id));
    let rows = sorted.into_iter().take(SINGLE).map(|entry| {
        let ago = entry.at.map_or(f64::NAN, |at| seconds_between(at, now));
        vec![
            entry.id.into(),
            Measure::Number(ago),
            (entry.duration_us as f64 / 1000.0).into(),
            entry.command.as_str().into(),
            entry.key.as_deref().unwrap_or_default().into(),
            entry.arguments.into(),
            entry.client.as_deref().unwrap_or_default().into(),
        ]
    });
    let columns = [
        ("id", Unit::Count),
        ("ago", Unit::Seconds),
        ("took", Unit::Ms),
        ("command", Unit::Text),
        ("key", Unit::Text),
        ("words", Unit::Count),
        ("client", Unit::Text),
    ];
    sheet.table("slowest", "Slowest", &columns, rows.collect());
}

/// Commands by the size of their request or answer, where the server keeps a log of it.
fn large(sheet: &mut Sheet, id: &str, title: &str, all: &[LargeCommand], now: Timestamp) {
    if all.is_empty() {
        return;
    }
    let mut sorted: Vec<&LargeCommand> = all.iter().collect();
    sorted.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.key.cmp(&b.key)));
    let rows = sorted.into_iter().take(SINGLE).map(|entry| {
        vec![
            Measure::Number(entry.at.map_or(f64::NAN, |at| seconds_between(at, now))),
            entry.bytes.into(),
            entry.command.as_str().into(),
            entry.key.as_deref().unwrap_or_default().into(),
            entry.client.as_deref().unwrap_or_default().into(),
        ]
    });
    let columns = [
        ("ago", Unit::Seconds),
        ("size", Unit::Bytes),
        ("command", Unit::Text),
        ("key", Unit::Text),
        ("client", Unit::Text),
    ];
    sheet.table(id, title, &columns, rows.collect());
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Section, redis::look::Ground};

    use super::*;
    use crate::testing::{ago, healthy_redis};

    fn entry(id: i64, command: &str, key: &str, pattern: &str, duration_us: i64) -> SlowlogEntry {
        SlowlogEntry {
            id,
            command: command.into(),
            key: Some(key.into()),
            pattern: Some(pattern.into()),
            duration_us,
            at: ago(100 - id),
            client: Some("shop".into()),
            ..SlowlogEntry::default()
        }
    }

    fn look(entries: Vec<SlowlogEntry>) -> SlowlogLook {
        let redis = healthy_redis();
        let length = i64::try_from(entries.len()).unwrap();
        let mut config = dbvitals_model::redis::Config::default();
        config.0.insert("slowlog-log-slower-than".into(), "10000".into());
        config.0.insert("slowlog-max-len".into(), "3".into());
        let ground =
            Ground { server: redis.server, info: redis.info, config: Section::collected(config) };
        let slowlog = Section::collected(Slowlog { length, entries });
        SlowlogLook { ground, slowlog, ..SlowlogLook::default() }
    }

    fn three() -> Vec<SlowlogEntry> {
        vec![
            entry(12, "hgetall", "user:2", "user:*", 30_000),
            entry(11, "keys", "", "", 15_000),
            entry(10, "hgetall", "user:1", "user:*", 10_000),
        ]
    }

    #[test]
    fn large_answers_are_told_where_a_log_of_them_is_kept() {
        let ids = |look: &SlowlogLook| {
            let sheet = sheet("cache", look);
            sheet.tables.iter().map(|table| table.id.clone()).collect::<Vec<_>>()
        };
        assert!(!ids(&look(three())).iter().any(|id| id.starts_with("large")));
        let large =
            |bytes| LargeCommand { bytes, command: "get".into(), ..LargeCommand::default() };
        let large_replies = vec![large(2_000_000), large(9_000_000)];
        let look = SlowlogLook { large_replies, ..look(three()) };
        assert!(ids(&look).contains(&"large-replies".to_owned()));
        let sheet = sheet("cache", &look);
        let table = sheet.tables.iter().find(|table| table.id == "large-replies").unwrap();
        assert_eq!(table.rows[0][1], 9_000_000_i64.into(), "the largest leads");
    }

    #[test]
    fn entries_are_grouped_by_command_and_pattern() {
        let sheet = sheet("cache", &look(three()));
        let shapes = &sheet.tables[0];
        assert_eq!(shapes.rows.len(), 2);
        assert_eq!(shapes.rows[0][..3], ["hgetall".into(), "user:*".into(), 2_i64.into()]);
        assert_eq!(shapes.rows[0][3..6], [40.0.into(), 20.0.into(), 30.0.into()]);
        assert_eq!(shapes.rows[0][7..9], [90.0.into(), 88.0.into()]);
        let advice = &sheet.tables[1];
        assert_eq!(advice.rows[0][1], "O(N) fields of the hash".into());
        assert_eq!(advice.rows[1][0], "keys".into());
        assert!(sheet.notes.iter().any(|note| note.contains("The log is full")));
        let logged = sheet.facts.iter().find(|it| it.label == "logged since the start").unwrap();
        assert_eq!(logged.value, 13_i64.into());
    }

    #[test]
    fn only_ids_after_the_beginning_count() {
        let since = |since_id| {
            let look = SlowlogLook { since_id, seconds: Some(10.0), ..look(three()) };
            let sheet = sheet("cache", &look);
            let logged = sheet.facts.iter().find(|it| it.label == "logged meanwhile").unwrap();
            (logged.value.clone(), sheet.tables.first().map_or(0, |it| it.rows.len()))
        };
        assert_eq!(since(Some(11)), (1_i64.into(), 1));
        assert_eq!(since(Some(12)), (0_i64.into(), 0));
        // The log was empty when the look began, so all of it is new.
        assert_eq!(since(None), (3_i64.into(), 2));
    }

    #[test]
    fn what_was_refused_is_missing() {
        let why = dbvitals_model::Reason::Permission;
        let slowlog = Section::unavailable(why, "refused");
        let sheet = sheet("cache", &SlowlogLook { slowlog, ..look(Vec::new()) });
        assert_eq!((sheet.missing.len(), sheet.tables.len()), (1, 0));
    }
}
