//! What is asked of each key, and reading the answers.

use std::borrow::Cow;

use super::{
    tally::Tally,
    walk::Walk,
    wire::{Reply, Wire},
};
use crate::{Error, command::Command};

/// Keys of a pattern asked for their type before it is believed to have only one.
const TYPES_TO_BELIEVE: u64 = 64;

/// Of a pattern that has had one type only, one key in so many is still asked for it.
const TYPE_EVERY: u64 = 8;

/// Which details are asked: those that the server refused are not asked again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asks {
    pub(super) memory: bool,
    pub(super) ttl: bool,
    pub(super) kind: bool,
    /// `OBJECT FREQ` of every key.
    pub(super) frequency: bool,
    /// `OBJECT IDLETIME`, `FREQ`, `ENCODING`, lengths and counters of some keys.
    pub(super) idle: bool,
    pub(super) encoding: bool,
    pub(super) length: bool,
    pub(super) hits: bool,
}

/// One key of a request.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: Vec<u8>,
    /// Where its tally is, in this generation of the book.
    pub(super) at: usize,
    pub(super) generation: u32,
    pub(super) memory: bool,
    pub(super) ttl: bool,
    pub(super) kind: bool,
    pub(super) frequency: bool,
    /// Its name is among the longest.
    pub(super) is_long: bool,
}

impl Asks {
    /// What to ask of a key of this pattern.
    pub(super) fn plan(
        self,
        name: Vec<u8>,
        at: usize,
        generation: u32,
        tally: &Tally,
        is_long: bool,
    ) -> Plan {
        let is_believed = tally.typed() >= TYPES_TO_BELIEVE && tally.only_type().is_some();
        Plan {
            name,
            at,
            generation,
            memory: self.memory,
            ttl: self.ttl,
            kind: self.kind && (!is_believed || tally.asked.is_multiple_of(TYPE_EVERY)),
            frequency: self.frequency,
            is_long,
        }
    }

    /// The server will never answer this command.
    fn give_up(&mut self, command: Command) {
        match command {
            Command::MEMORY_USAGE => self.memory = false,
            Command::PTTL => self.ttl = false,
            Command::TYPE => self.kind = false,
            Command::OBJECT_FREQ => (self.frequency, self.idle) = (false, false),
            Command::OBJECT_IDLETIME => self.idle = false,
            Command::OBJECT_ENCODING => self.encoding = false,
            Command::HMGET => self.hits = false,
            Command::LLEN | Command::SCARD | Command::ZCARD | Command::HLEN | Command::XLEN => {
                self.length = false;
            }
            _ => {}
        }
    }
}

impl Plan {
    /// Writes the questions, in the order in which the answers are read.
    pub(super) fn encode(&self, wire: &mut Wire) {
        if self.memory {
            // The default number of samples: all of a nested value would take its time.
            wire.ask(&[b"MEMORY", b"USAGE", &self.name]);
        }
        if self.ttl {
            wire.ask(&[b"PTTL", &self.name]);
        }
        if self.kind {
            wire.ask(&[b"TYPE", &self.name]);
        }
        if self.frequency {
            wire.ask(&[b"OBJECT", b"FREQ", &self.name]);
        }
    }
}

/// What became of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answered {
    NotAsked,
    Number(i64),
    /// The key is not there.
    Nothing,
    /// We may not look at the key.
    Hidden,
    Refused,
}

impl Answered {
    /// The number.
    pub(super) fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl Walk<'_> {
    /// The answer to a question for a number.
    pub(super) async fn number(&mut self, command: Command) -> Result<Answered, Error> {
        let refusal = match self.wire.reply().await? {
            Reply::Int(number) => return Ok(Answered::Number(number)),
            Reply::Nil => return Ok(Answered::Nothing),
            reply => reply.refusal(),
        };
        Ok(refusal.map_or(Answered::Refused, |error| self.refused(command, &error)))
    }

    /// The answer to a question for a word.
    pub(super) async fn word(
        &mut self,
        command: Command,
        is_hidden: &mut bool,
    ) -> Result<Option<Cow<'static, str>>, Error> {
        let refusal = match self.wire.reply().await? {
            Reply::Text(text) => return Ok(Some(known(text))),
            reply => reply.refusal(),
        };
        if let Some(error) = refusal {
            *is_hidden |= self.refused(command, &error) == Answered::Hidden;
        }
        Ok(None)
    }

    /// Notes an error reply.
    pub(super) fn refused(&mut self, command: Command, error: &Error) -> Answered {
        if error.is_permission() && error.message().is_some_and(|text| text.contains("access")) {
            return Answered::Hidden;
        }
        if error.message().is_some_and(|text| text.contains("no such key")) {
            return Answered::Nothing;
        }
        if error.code() == Some("WRONGTYPE") {
            // The key was replaced meanwhile, or a counter that is none.
            return Answered::Refused;
        }
        self.state.refuse(command, &self.facts.user, error);
        if error.is_permission() || error.is_unknown_command() {
            self.asks.give_up(command);
        }
        Answered::Refused
    }
}

/// The usual types and encodings need no text of their own.
fn known(text: &[u8]) -> Cow<'static, str> {
    const WORDS: [&str; 15] = [
        "string",
        "hash",
        "zset",
        "set",
        "list",
        "stream",
        "none",
        "listpack",
        "ziplist",
        "hashtable",
        "skiplist",
        "quicklist",
        "intset",
        "embstr",
        "raw",
    ];
    WORDS.iter().find(|word| word.as_bytes() == text).map_or_else(
        || Cow::Owned(String::from_utf8_lossy(text).into_owned()),
        |word| Cow::Borrowed(*word),
    )
}
