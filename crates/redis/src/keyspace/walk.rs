//! Walking one database of one server: names from `SCAN`, details of each in the request after.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    Meter, Request, Way,
    ask::{Asks, Plan},
    course::Course,
    extra::Extra,
    facts::Facts,
    pace::{PING_EVERY, Pace},
    state::State,
    wire::{Reply, Wire},
};
use crate::{Error, command::Command, link::Link};

/// Names of one answer that are kept to be asked; more are a server's fault.
const MOST_NAMES: usize = 100_000;

/// Details asked of each pattern at least, in a survey that is to ask one in so many keys in all.
const PATTERNS_OF_A_SURVEY: usize = 64;

/// One walk.
pub(super) struct Walk<'a> {
    pub(super) wire: &'a mut Wire,
    pub(super) facts: &'a Facts,
    pub(super) request: &'a Request,
    pub(super) meter: &'a Meter,
    pub(super) state: &'a mut State,
    pub(super) pace: &'a mut Pace,
    pub(super) asks: &'a mut Asks,
    /// Index of the server, of its database among those of the server, and its number.
    pub(super) node: usize,
    pub(super) slot: usize,
    pub(super) database: i64,
    pub(super) begun: Instant,
    pub(super) deadline: Option<Instant>,
    /// Names still to be asked.
    pub(super) names: VecDeque<Vec<u8>>,
    /// The first so many of them were noted before the walk was interrupted: no repeats.
    pub(super) noted: usize,
    /// Asked, and not answered yet.
    pub(super) asked: VecDeque<Plan>,
    pub(super) extras: VecDeque<Extra>,
    /// Which of their questions the request under way holds.
    pub(super) extras_idle: bool,
    pub(super) extras_encoding: bool,
    /// `COUNT` of `SCAN`, where it is not the pace that sets it.
    pub(super) count: Option<usize>,
}

impl Walk<'_> {
    /// Goes on until the end, the deadline, or a request to stop. An error means that the connection is of no more use;
    /// what was under way then is kept for another walk.
    pub(super) async fn run(&mut self, guard: &mut Link, course: Course) -> Result<(), Error> {
        if let Some(database) = self.database_state() {
            let pending = std::mem::take(&mut database.pending);
            self.noted = std::mem::take(&mut database.pending_noted);
            self.names = pending.into();
        }
        let result = self.steps(guard, course).await;
        if result.is_err() {
            self.put_back();
        }
        result
    }

    /// Names that are not dealt with are for the next walk.
    fn put_back(&mut self) {
        let asked = std::mem::take(&mut self.asked);
        let noted = asked.len() + self.noted;
        let mut pending = Vec::with_capacity(asked.len() + self.names.len());
        for plan in asked {
            self.forget(&plan);
            pending.push(plan.name);
        }
        pending.extend(self.names.drain(..));
        if let Some(database) = self.database_state() {
            (database.pending, database.pending_noted) = (pending, noted);
        }
    }

    async fn steps(&mut self, guard: &mut Link, mut course: Course) -> Result<(), Error> {
        let mut pinged = Instant::now();
        let mut page = 0_u64;
        loop {
            let cursor = course.cursor().filter(|_| !self.is_over());
            if cursor.is_none() && self.names.is_empty() && self.extras.is_empty() {
                break;
            }
            self.plan();
            let extras = self.plan_extras();
            let cursor = cursor.filter(|_| self.names.is_empty());
            if let Some(cursor) = cursor {
                let count = self.count.unwrap_or_else(|| self.pace.count());
                let words = [cursor.to_string(), count.to_string()];
                self.wire.ask(&[b"SCAN", words[0].as_bytes(), b"COUNT", words[1].as_bytes()]);
            }
            let is_time = pinged.elapsed() >= PING_EVERY && guard.lost().is_none();
            if is_time && self.pace.wants_silence() {
                pinged = Instant::now();
                self.pace.heard_in_silence(ping(guard).await);
            }
            self.wire.send().await?;
            let asked = Instant::now();
            let found = if pinged.elapsed() >= PING_EVERY && guard.lost().is_none() {
                pinged = asked;
                let exchange = self.exchange(extras, cursor.is_some());
                let (found, ping) = tokio::join!(exchange, ping(guard));
                self.pace.heard(ping);
                found?
            } else {
                self.exchange(extras, cursor.is_some()).await?
            };
            if self.names.is_empty() || cursor.is_some() {
                self.end_page(std::mem::take(&mut page), matches!(course, Course::Places { .. }));
            }
            if let Some((cursor, names)) = found {
                page = names;
                course.answered(cursor);
                self.stands_at(&course);
            } else if cursor.is_some() {
                // SCAN itself is refused.
                return Ok(());
            }
            if let Some(rest) = self.pace.worked(asked.elapsed()) {
                tokio::time::sleep(rest).await;
            }
        }
        if let Some(database) = self.database_state() {
            database.is_done = matches!(course, Course::Over) || course.cursor().is_none();
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.meter.is_stopped() || self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Notes where to go on: names that were given but not asked yet are asked before the walk ends.
    fn stands_at(&mut self, course: &Course) {
        if let (Some(database), Course::Walk(cursor)) = (self.database_state(), course) {
            database.cursor = *cursor;
        }
    }

    pub(super) fn database_state(&mut self) -> Option<&mut super::state::Database> {
        self.state.nodes.get_mut(self.node)?.databases.get_mut(self.slot)
    }

    /// Chooses the keys of the next request and writes what is asked of each.
    fn plan(&mut self) {
        let book = self.state.books.entry(self.database).or_default();
        let is_sampling = matches!(self.request.way, Way::Places(_));
        let mut named = 0;
        while self.asked.len() < self.pace.keys() {
            let Some(name) = self.names.pop_front() else { break };
            if self.noted > 0 {
                self.noted -= 1;
            } else if self.state.repeats.is_repeat(self.database, &name) {
                continue;
            }
            named += 1;
            let at = book.find(&name);
            let generation = book.generation();
            let Some(tally) = book.tally(at) else { continue };
            tally.name(&name);
            if self.facts.walks_slots() {
                self.state.slots.add(&name);
            }
            if is_sampling {
                tally.places.get_or_insert_default().here += 1;
            }
            let length = i64::try_from(name.len()).unwrap_or(i64::MAX);
            let is_long = self.state.longest.wants(length);
            if !is_long && !wants_details(self.request.way, tally.named) {
                // A name alone does not tell the type, but its siblings do.
                if tally.only_type() == Some("hash") {
                    let read = &mut self.state.hits_read;
                    self.extras.extend(Extra::hits(self.request, read, &name));
                }
                continue;
            }
            let plan = self.asks.plan(name, at, generation, tally, is_long);
            plan.encode(self.wire);
            self.asked.push_back(plan);
        }
        self.meter.saw(named);
        if let Some(database) = self.database_state() {
            database.named += named;
        }
    }

    /// Takes in the answers to a request. Gives the cursor and the number of names of a `SCAN`.
    async fn exchange(
        &mut self,
        extras: Vec<Extra>,
        scans: bool,
    ) -> Result<Option<(u64, u64)>, Error> {
        while let Some(plan) = self.asked.pop_front() {
            match self.answers(&plan).await {
                Ok(answers) => self.details(plan, answers),
                Err(error) => {
                    self.asked.push_front(plan);
                    return Err(error);
                }
            }
        }
        for extra in extras {
            self.extra(extra).await?;
        }
        if scans { self.page().await } else { Ok(None) }
    }

    /// Reads the answer to `SCAN`; names of one that was cut short are given again by the next walk.
    async fn page(&mut self) -> Result<Option<(u64, u64)>, Error> {
        let before = self.names.len();
        let page = self.whole_page().await;
        if page.is_err() {
            self.names.truncate(before);
        }
        page
    }

    async fn whole_page(&mut self) -> Result<Option<(u64, u64)>, Error> {
        let head = self.wire.reply().await?;
        if let Some(error) = head.refusal() {
            self.state.refuse(Command::SCAN, &self.facts.user, &error);
            return Ok(None);
        }
        if head != Reply::Array(2) {
            return Err(self.wire.nonsense());
        }
        let cursor = match self.wire.reply().await? {
            Reply::Text(text) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()),
            _ => None,
        };
        let (Some(cursor), Reply::Array(count)) = (cursor, self.wire.reply().await?) else {
            return Err(self.wire.nonsense());
        };
        let mut names = 0;
        for _ in 0..count {
            match self.wire.reply().await? {
                Reply::Text(name) if self.names.len() < MOST_NAMES => {
                    self.names.push_back(name.to_vec());
                    names += 1;
                }
                Reply::TooLong => self.state.too_long += 1,
                _ => {}
            }
        }
        Ok(Some((cursor, names)))
    }

    /// All keys of an answer to `SCAN` were dealt with.
    fn end_page(&mut self, names: u64, is_place: bool) {
        if !is_place || names == 0 {
            return;
        }
        let book = self.state.books.entry(self.database).or_default();
        for tally in book.tallies() {
            if tally.places.is_some_and(|places| places.here > 0) {
                tally.end_place(names);
            }
        }
        let (places, squares) = self.state.places.entry(self.database).or_default();
        *places += 1.0;
        *squares += (names * names) as f64;
    }
}

/// Whether the key that is the `named`-th of its pattern is asked for details.
fn wants_details(way: Way, named: u64) -> bool {
    match way {
        Way::All | Way::Places(_) => true,
        Way::Survey(keys) => {
            let base = u64::try_from(keys / PATTERNS_OF_A_SURVEY).unwrap_or(0).max(16);
            let stride = (named / base).max(1);
            named <= base || named.is_multiple_of(1 << stride.ilog2())
        }
    }
}

/// The round trip of a PING on the other connection, in milliseconds.
async fn ping(guard: &mut Link) -> f64 {
    let sent = Instant::now();
    // A refused PING made the round trip all the same.
    let _ = guard.one("PING", &Command::PING.cmd()).await;
    milliseconds(sent.elapsed())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survey_asks_all_of_a_rare_pattern_and_ever_fewer_of_a_common_one() {
        let way = Way::Survey(6400);
        let asked = |keys: u64| (1..=keys).filter(|named| wants_details(way, *named)).count();
        assert_eq!(asked(100), 100);
        assert!((140..=210).contains(&asked(200)), "{}", asked(200));
        let million = asked(1_000_000);
        assert!((900..=1600).contains(&million), "{million}");
        let all = (1..=1000).filter(|named| wants_details(Way::All, *named)).count();
        assert_eq!(all, 1000);
    }
}
