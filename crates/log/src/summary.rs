//! What all records say together, in memory that does not grow with their number.

mod arrivals;
mod failures;
mod groups;
mod hours;
mod maintenance;
mod sequences;
mod told;
mod waits;

use dbvitals_model::log::{LogSnapshot, Source};

use self::{
    arrivals::Arrivals,
    failures::Failures,
    groups::Groups,
    hours::Hours,
    maintenance::MaintenanceSum,
    sequences::{At, Sequences},
    waits::Waits,
};
use crate::{
    event::{self, Event, Phase},
    language,
    moment::Micros,
    names::{Memo, Name, Names},
    record::{Record, Sink},
    severity::Severity,
    shape::{Shape, mixer::number_of, shape},
};

/// What to read and how much to keep.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Records before this are left out.
    pub since: Option<Micros>,
    /// Records from this on are left out.
    pub until: Option<Micros>,
    /// Different statements kept in memory.
    pub statements: usize,
    /// Statements that are told in the end.
    pub leaders: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { since: None, until: None, statements: 10_000, leaders: 200 }
    }
}

/// Who a record is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) database: Name,
    pub(crate) user: Name,
    pub(crate) application: Name,
}

/// What all records so far say together.
#[derive(Debug, Default)]
pub struct Summary {
    limits: Limits,
    names: Names,
    memos: [Memo; 3],
    first: Option<Micros>,
    last: Option<Micros>,
    records: i64,
    bytes: i64,
    severities: [i64; Severity::ALL.len()],
    /// The language of messages, once it is known not to be English.
    language: Option<&'static str>,
    unread: Unread,
    groups: Groups,
    sequences: Sequences,
    failures: Failures,
    waits: Waits,
    maintenance: MaintenanceSum,
    arrivals: Arrivals,
    hours: Hours,
    scratch: Vec<u8>,
}

#[derive(Debug, Default)]
struct Unread {
    lines: i64,
    bytes: i64,
    examples: Vec<String>,
    cut: i64,
}

/// Records by which the language is found out.
const LOOKED_AT: i64 = 2000;
/// Lines shown of those that are no part of a record.
const EXAMPLES: usize = 5;
const EXAMPLE_CHARS: usize = 120;

impl Summary {
    /// An empty summary.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Records taken so far.
    pub fn records(&self) -> i64 {
        self.records
    }

    /// Everything, for judgement.
    pub fn snapshot(self, sources: Vec<Source>, unknown_zone: Option<String>) -> LogSnapshot {
        told::snapshot(self, sources, unknown_zone)
    }

    fn who(&mut self, record: &Record<'_>) -> Who {
        let [database, user, application] = &mut self.memos;
        Who {
            database: database.number(record.database, &mut self.names),
            user: user.number(record.user, &mut self.names),
            application: application.number(record.application, &mut self.names),
        }
    }

    /// One execution, or one phase of it.
    #[inline]
    fn timed(&mut self, record: &Record<'_>, who: Who, text: &[u8], phase: Phase, micros: i64) {
        let shape = shape(text);
        self.groups.make_room(self.limits.statements, shape.hash);
        let group = self.groups.entry(shape.hash, text);
        match phase {
            Phase::Parse => group.parse += micros,
            Phase::Bind => group.bind += micros,
            Phase::Execute => {
                group.add(record, who, text, micros);
                self.executed(record, who, shape, micros);
            }
        }
    }

    fn executed(&mut self, record: &Record<'_>, who: Who, shape: Shape, micros: i64) {
        self.hours.at(record.time).statement(micros);
        let literals = shape.literals ^ number_of(record.detail);
        self.sequences.step(At::of(record), who, Shape { literals, ..shape }, micros);
    }

    /// A duration without a text belongs to the statement that the session named before.
    fn lone_duration(&mut self, record: &Record<'_>, who: Who, micros: i64) {
        let Some(shape) = self.sequences.take_named(record.pid) else { return };
        if let Some(group) = self.groups.get(shape.hash) {
            group.untimed -= 1;
            group.add(record, who, b"", micros);
            self.executed(record, who, shape, micros);
        }
    }

    fn named(&mut self, record: &Record<'_>, who: Who, text: &[u8]) {
        let shape = shape(text);
        self.groups.make_room(self.limits.statements, shape.hash);
        let group = self.groups.entry(shape.hash, text);
        group.untimed += 1;
        group.seen(record.time, who);
        let literals = shape.literals ^ number_of(record.detail);
        self.sequences.name(At::of(record), who, Shape { literals, ..shape });
    }

    fn planned(&mut self, record: &Record<'_>, who: Who, event: &Event<'_>) {
        let Event::Planned { micros, text, is_json, plan } = event else { return };
        let mut scratch = std::mem::take(&mut self.scratch);
        let text = if *is_json {
            scratch.clear();
            crate::json::unescape(text, &mut scratch);
            &scratch[..]
        } else {
            text
        };
        if !text.is_empty() {
            let hash = shape(text).hash;
            self.groups.make_room(self.limits.statements, hash);
            self.groups.entry(hash, text).planned(record, who, *micros, plan);
        }
        self.scratch = scratch;
    }

    fn waited(&mut self, record: &Record<'_>, wait: &event::Wait<'_>) {
        let statement = (!record.statement.is_empty()).then(|| shape(record.statement).hash);
        let holder = waits::holder(record.detail).and_then(|pid| self.sequences.last_of(pid));
        self.waits.add(record, wait, statement, holder);
        if !wait.is_acquired {
            self.hours.at(record.time).lock_waits += 1;
        }
        if let Some(hash) = statement {
            self.groups.make_room(self.limits.statements, hash);
            let group = self.groups.entry(hash, record.statement);
            if wait.is_acquired {
                group.lock_wait += wait.micros;
            } else {
                group.lock_waits += 1;
            }
        }
    }

    fn temp_file(&mut self, record: &Record<'_>, bytes: i64) {
        self.waits.temp_file(bytes);
        self.hours.at(record.time).temp_bytes += bytes;
        if !record.statement.is_empty() {
            let hash = shape(record.statement).hash;
            self.groups.make_room(self.limits.statements, hash);
            let group = self.groups.entry(hash, record.statement);
            group.temp_files += 1;
            group.temp_bytes += bytes;
        }
    }

    fn failed(&mut self, record: &Record<'_>, who: Who) {
        if record.severity >= Severity::Error {
            self.hours.at(record.time).errors += 1;
            if !record.statement.is_empty() {
                let hash = shape(record.statement).hash;
                if let Some(group) = self.groups.get(hash) {
                    group.errors += 1;
                }
            }
        }
        let client = self.names.number(host_of(record.client));
        self.failures.add(record, who, client);
    }
}

/// An address without its port.
fn host_of(client: &[u8]) -> &[u8] {
    let client = client.split(|byte| *byte == b'(').next().unwrap_or(client);
    match memchr::memrchr(b':', client) {
        Some(at) if client[at + 1..].iter().all(u8::is_ascii_digit) && at > 0 => {
            let host = &client[..at];
            // `::1` has colons and no port.
            if host.contains(&b':') { client } else { host }
        }
        _ => client,
    }
}

impl Sink for Summary {
    fn record(&mut self, record: &Record<'_>) {
        if let Some(time) = record.time {
            let is_early = self.limits.since.is_some_and(|since| time < since);
            if is_early || self.limits.until.is_some_and(|until| time >= until) {
                return;
            }
            self.first = Some(self.first.map_or(time, |first| first.min(time)));
            self.last = Some(self.last.map_or(time, |last| last.max(time)));
        }
        self.records += 1;
        self.bytes += i64::try_from(record.bytes).unwrap_or(0);
        self.severities[record.severity as usize] += 1;
        self.hours.at(record.time).records += 1;
        if self.language.is_none() && self.records <= LOOKED_AT {
            self.language = language::of(record.message);
        }
        let event = event::of(record);
        let who = self.who(record);
        match &event {
            Event::Timed { phase, micros, text } => {
                self.timed(record, who, text, *phase, *micros);
            }
            Event::Duration(micros) => self.lone_duration(record, who, *micros),
            Event::Started(text) => self.named(record, who, text),
            Event::Planned { .. } => self.planned(record, who, &event),
            Event::Waited(wait) => self.waited(record, wait),
            Event::Deadlock => {
                self.waits.deadlock(record);
                self.failed(record, who);
            }
            Event::TempFile(bytes) => self.temp_file(record, *bytes),
            Event::CheckpointStarted(_)
            | Event::CheckpointDone(_)
            | Event::CheckpointsTooFrequent(_)
            | Event::Vacuumed(_)
            | Event::Analyzed { .. } => {
                if matches!(event, Event::CheckpointDone(_)) {
                    self.hours.at(record.time).checkpoints += 1;
                }
                self.maintenance.add(record, &event);
            }
            Event::Connected(host) => {
                let client = self.names.number(host);
                let peak = self.arrivals.connected(record.time, client);
                self.hours.at(record.time).connected(peak);
            }
            Event::Authorized(identity) => self.arrivals.authorized(identity, &mut self.names),
            Event::Disconnected(micros) => {
                self.arrivals.disconnected(*micros);
                self.sequences.gone(record.pid);
            }
            Event::Lost => self.arrivals.lost(record.pid),
            Event::Incident(kind) => self.failures.incident(record, *kind),
            Event::Failed => self.failed(record, who),
            Event::Other => {}
        }
    }

    fn unread(&mut self, line: &[u8]) {
        self.unread.lines += 1;
        self.unread.bytes += i64::try_from(line.len()).unwrap_or(0);
        if self.unread.examples.len() < EXAMPLES {
            let text = String::from_utf8_lossy(&line[..line.len().min(EXAMPLE_CHARS * 4)]);
            let is_unseen = |c: char| c.is_control() || c == '\u{feff}';
            let mut escaped = String::new();
            for c in text.chars().take(EXAMPLE_CHARS) {
                if is_unseen(c) { escaped.extend(c.escape_debug()) } else { escaped.push(c) }
            }
            self.unread.examples.push(escaped);
        }
    }

    fn cut(&mut self) {
        self.unread.cut += 1;
    }
}
