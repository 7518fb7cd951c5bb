//! The details of one key: reading the answers, and putting them where they belong.

use std::borrow::Cow;

use super::{
    ask::{Answered, Plan},
    extra::{Extra, is_due},
    leaders::Key,
    tally::Details,
    walk::Walk,
};
use crate::{Error, command::Command};

/// The answers about one key.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) memory: Answered,
    pub(super) ttl: Answered,
    pub(super) kind: Option<Cow<'static, str>>,
    pub(super) frequency: Answered,
    pub(super) is_hidden: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            memory: Answered::NotAsked,
            ttl: Answered::NotAsked,
            kind: None,
            frequency: Answered::NotAsked,
            is_hidden: false,
        }
    }
}

impl Walk<'_> {
    /// Reads the answers about one key.
    pub(super) async fn answers(&mut self, plan: &Plan) -> Result<Answers, Error> {
        let mut answers = Answers::default();
        if plan.memory {
            answers.memory = self.number(Command::MEMORY_USAGE).await?;
        }
        if plan.ttl {
            answers.ttl = self.number(Command::PTTL).await?;
        }
        if plan.kind {
            answers.kind = self.word(Command::TYPE, &mut answers.is_hidden).await?;
        }
        if plan.frequency {
            answers.frequency = self.number(Command::OBJECT_FREQ).await?;
        }
        Ok(answers)
    }

    /// Takes in the answers about one key.
    pub(super) fn details(&mut self, plan: Plan, answers: Answers) {
        let Answers { memory, ttl, kind, frequency, mut is_hidden } = answers;
        is_hidden |= [memory, ttl, frequency].contains(&Answered::Hidden);
        let is_gone = kind.as_deref() == Some("none")
            || ttl == Answered::Number(-2)
            || memory == Answered::Nothing;
        if is_hidden || is_gone {
            self.state.hidden += u64::from(is_hidden);
            self.forget(&plan);
            return;
        }
        let ttl_ms = ttl.number().filter(|ttl| *ttl >= 0);
        let since = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        if let Some(ttl) = ttl_ms {
            self.state.expires(ttl, since);
        }
        let memory_bytes = memory.number().unwrap_or(0).max(0);
        self.take_in(
            plan,
            Details { memory_bytes, ttl_ms, kind: kind.as_deref() },
            frequency.number(),
        );
    }

    fn take_in(&mut self, plan: Plan, details: Details<'_>, frequency: Option<i64>) {
        let book = self.state.books.entry(self.database).or_default();
        let at = if plan.generation == book.generation() { plan.at } else { book.find(&plan.name) };
        let Some(tally) = book.tally(at) else { return };
        tally.details(details);
        if let Some(frequency) = frequency {
            tally.frequency.add(frequency);
        }
        let kind = details.kind.or_else(|| tally.only_type()).unwrap_or_default().to_owned();
        if is_due(tally.asked) {
            let extra = Extra::stored(plan.name.clone(), &kind, details.memory_bytes);
            self.extras.push_back(extra);
        }
        if kind == "hash" {
            let read = &mut self.state.hits_read;
            self.extras.extend(Extra::hits(self.request, read, &plan.name));
        }
        let size = details.memory_bytes;
        let is_collection = !kind.is_empty() && kind != "string";
        let length = i64::try_from(plan.name.len()).unwrap_or(i64::MAX);
        let leads = (
            self.state.largest.wants(size),
            is_collection && self.state.collections.wants(size),
            frequency.filter(|number| self.state.hottest.wants(*number)),
            plan.is_long,
        );
        if !leads.0 && !leads.1 && leads.2.is_none() && !leads.3 {
            return;
        }
        let key = Key {
            node: self.node,
            database: self.database,
            name: plan.name,
            kind,
            memory_bytes: size,
            ttl_ms: details.ttl_ms,
            frequency,
            ..Key::default()
        };
        if leads.0 {
            self.state.largest.offer(size, key.clone());
        }
        if leads.1 {
            self.state.collections.offer(size, key.clone());
        }
        if let Some(number) = leads.2 {
            self.state.hottest.offer(number, key.clone());
        }
        if leads.3 {
            self.state.longest.offer(length, key);
        }
    }

    /// A key that went away, or that we may not see, was never there.
    pub(super) fn forget(&mut self, plan: &Plan) {
        let book = self.state.books.entry(self.database).or_default();
        let at = book.find(&plan.name);
        if let Some(tally) = book.tally(at) {
            tally.named = tally.named.saturating_sub(1);
            let length = u64::try_from(plan.name.len()).unwrap_or(0);
            tally.name_bytes = tally.name_bytes.saturating_sub(length);
        }
        if let Some(database) = self.database_state() {
            database.named = database.named.saturating_sub(1);
        }
        if self.facts.walks_slots() {
            self.state.slots.remove(&plan.name);
        }
    }
}
