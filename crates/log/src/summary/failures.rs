//! Errors by their words, and what befell the server.

use std::collections::BTreeMap;

use crate::{
    event::{IncidentKind, class_of, incident},
    moment::{HOUR, Micros},
    names::{ByHash, Name, Tally},
    record::{Record, text},
    severity::Severity,
    shape::mixer::{fold, number_of},
    summary::Who,
};

/// Different errors that are kept.
const GROUPS: usize = 2000;
const EXAMPLE: usize = 500;
const STATEMENT: usize = 1000;

/// Errors of the same words.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) severity: Severity,
    pub(super) sqlstate: String,
    pub(super) class: &'static str,
    pub(super) message: String,
    pub(super) count: i64,
    pub(super) first: Option<Micros>,
    pub(super) last: Option<Micros>,
    pub(super) example: String,
    pub(super) detail: String,
    pub(super) statement: String,
    pub(super) clients: Tally,
    pub(super) databases: Tally,
    pub(super) users: Tally,
    hour: i64,
    in_hour: i64,
    pub(super) peak_per_hour: i64,
}

/// Something that befell the server.
#[derive(Debug, Default)]
pub(super) struct Incidents {
    pub(super) count: i64,
    pub(super) first: Option<Micros>,
    pub(super) last: Option<Micros>,
    pub(super) example: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Failures {
    pub(super) groups: ByHash<Failure>,
    pub(super) dropped: i64,
    pub(super) incidents: BTreeMap<IncidentKind, Incidents>,
    scratch: Vec<u8>,
}

impl Failures {
    pub(super) fn add(&mut self, record: &Record<'_>, who: Who, client: Name) {
        if let Some(kind) = incident(record.message) {
            self.incident(record, kind);
        }
        let class = class_of(record);
        let first_line = record.message.split(|byte| *byte == b'\n').next().unwrap_or_default();
        self.scratch.clear();
        gist(first_line, keeps_names(class), &mut self.scratch);
        // Which table it was stands in the context alone.
        if class == "autovacuum cancelled"
            && let Some(at) = memchr::memmem::rfind(record.context, b"automatic ")
        {
            self.scratch.extend_from_slice(b": ");
            self.scratch.extend_from_slice(record.context[at..].trim_ascii_end());
        }
        let key = fold(number_of(&self.scratch), record.severity as u64);
        if !self.groups.contains_key(&key) && self.groups.len() >= GROUPS {
            self.leave_out();
        }
        let words = &self.scratch;
        let failure = self.groups.entry(key).or_insert_with(|| Failure {
            severity: record.severity,
            sqlstate: String::from_utf8_lossy(record.sqlstate).into_owned(),
            class,
            message: text(words, EXAMPLE),
            count: 0,
            first: record.time,
            last: record.time,
            example: String::new(),
            detail: String::new(),
            statement: String::new(),
            clients: Tally::default(),
            databases: Tally::default(),
            users: Tally::default(),
            hour: i64::MIN,
            in_hour: 0,
            peak_per_hour: 0,
        });
        failure.count(record);
        failure.clients.add(client);
        failure.databases.add(who.database);
        failure.users.add(who.user);
    }

    pub(super) fn incident(&mut self, record: &Record<'_>, kind: IncidentKind) {
        let incidents = self.incidents.entry(kind).or_default();
        incidents.count += 1;
        incidents.first = incidents.first.or(record.time);
        incidents.last = record.time.or(incidents.last);
        incidents.example = text(record.message, EXAMPLE);
    }

    /// Leaves out the eighth that is rarest.
    #[cold]
    fn leave_out(&mut self) {
        let mut counts: Vec<(i64, u64)> =
            self.groups.iter().map(|(key, failure)| (failure.count, *key)).collect();
        counts.sort_unstable();
        for (count, key) in counts.iter().take(GROUPS / 8) {
            self.groups.remove(key);
            self.dropped += count;
        }
    }
}

impl Failure {
    fn count(&mut self, record: &Record<'_>) {
        self.count += 1;
        self.last = record.time.or(self.last);
        if let Some(hour) = record.time.map(|time| time.div_euclid(HOUR)) {
            if hour != self.hour {
                (self.hour, self.in_hour) = (hour, 0);
            }
            self.in_hour += 1;
            self.peak_per_hour = self.peak_per_hour.max(self.in_hour);
        }
        // Texts are copied at first and then ever more rarely: a million errors are not a million copies.
        if self.count.count_ones() == 1 {
            self.example = text(record.message, EXAMPLE);
            self.detail = text(record.detail, EXAMPLE);
            self.statement = text(record.statement, STATEMENT);
        }
    }
}

fn keeps_names(class: &str) -> bool {
    matches!(class, "constraint" | "unknown name" | "permission")
}

/// The words of a message without the values in it.
fn gist(message: &[u8], keeps_names: bool, into: &mut Vec<u8>) {
    let mut at = 0;
    while let Some(byte) = message.get(at) {
        match byte {
            b'0'..=b'9' => {
                while message.get(at).is_some_and(|byte| byte.is_ascii_digit() || *byte == b'.') {
                    at += 1;
                }
                into.extend_from_slice("…".as_bytes());
                continue;
            }
            b'"' if !keeps_names => {
                if let Some(len) = memchr::memchr(b'"', &message[at + 1..]) {
                    into.extend_from_slice("\"…\"".as_bytes());
                    at += len + 2;
                    continue;
                }
                into.push(*byte);
            }
            _ => into.push(*byte),
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out_of_messages() {
        let words = |message: &str, keeps| {
            let mut into = Vec::new();
            gist(message.as_bytes(), keeps, &mut into);
            String::from_utf8(into).unwrap()
        };
        assert_eq!(words("user \"joe\" at 10.0.0.1:55", false), "user \"…\" at …:…");
        assert_eq!(words("constraint \"users_key\" 7", true), "constraint \"users_key\" …");
        assert_eq!(words("open \" only", false), "open \" only");
    }
}
