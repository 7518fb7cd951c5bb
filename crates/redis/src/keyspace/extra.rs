//! Second questions about a few keys: how they are stored, how long unused, what hit ratio they publish.
//!
//! None of `TYPE`, `PTTL`, `MEMORY USAGE`, `OBJECT …` counts as a use of a key. The number of elements does, so it is
//! asked last and of few keys: the largest, and up to sixteen of a pattern that are stored in an expensive way.

use dbvitals_model::redis::PatternHits;

use super::{
    Request,
    ask::Answered,
    glob,
    walk::Walk,
    wire::{Reply, Wire},
};
use crate::{
    Error, command::Command, keyspace::leaders::Key, keyspace::name_pattern::write_pattern,
};

/// Keys of a pattern asked first, then every so many.
const FIRST: u64 = 24;
const EVERY: u64 = 64;

/// Keys read for published hit ratios in all.
const MOST_HITS: usize = 1000;

/// Keys of a pattern and encoding asked for their number of elements.
const MOST_COUNTED: i64 = 16;

/// A larger key is expected to be stored in the expensive way.
const SMALL: i64 = 256 * 1024;

/// A second question about a key.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    name: Vec<u8>,
    kind: String,
    memory_bytes: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    /// Idle time or frequency, then the encoding.
    Stored,
    /// The number of elements, of a key stored in this way.
    Length { encoding: String },
    /// `hits`, `misses` and `requests` of a hash.
    Hits,
}

/// Whether a key is asked how it is stored, being the so-manieth of its pattern.
pub(super) fn is_due(asked: u64) -> bool {
    asked <= FIRST || asked.is_multiple_of(EVERY)
}

/// The command that counts the elements of a type.
pub(super) fn length_of(kind: &str) -> Option<Command> {
    match kind {
        "list" => Some(Command::LLEN),
        "set" => Some(Command::SCARD),
        "zset" => Some(Command::ZCARD),
        "hash" => Some(Command::HLEN),
        "stream" => Some(Command::XLEN),
        _ => None,
    }
}

impl Extra {
    /// The question for a published hit ratio, if the name of this hash is one that was told to hold one.
    pub(super) fn hits(request: &Request, read: &mut usize, name: &[u8]) -> Option<Self> {
        let is_told =
            request.hit_ratio_keys.iter().any(|glob| glob::matches(glob.as_bytes(), name));
        if !is_told || *read >= MOST_HITS {
            return None;
        }
        *read += 1;
        Some(Self {
            name: name.to_vec(),
            kind: "hash".to_owned(),
            memory_bytes: 0,
            what: What::Hits,
        })
    }

    /// How a key is stored and when it was last used.
    pub(super) fn stored(name: Vec<u8>, kind: &str, memory_bytes: i64) -> Self {
        Self { name, kind: kind.to_owned(), memory_bytes, what: What::Stored }
    }
}

impl Walk<'_> {
    /// Takes second questions for the next request, and writes them.
    pub(super) fn plan_extras(&mut self) -> Vec<Extra> {
        let count = self.extras.len().min(self.pace.keys() / 2 + 1);
        let mut planned = Vec::with_capacity(count);
        for extra in self.extras.drain(..count) {
            let is_asked = match &extra.what {
                What::Stored => self.asks.encoding || self.asks.idle,
                What::Length { .. } => self.asks.length && length_of(&extra.kind).is_some(),
                What::Hits => self.asks.hits,
            };
            if is_asked {
                planned.push(extra);
            }
        }
        for extra in &planned {
            let name = extra.name.as_slice();
            match &extra.what {
                What::Stored => {
                    if self.asks.idle {
                        ask(self.wire, self.facts.use_command(), name);
                    }
                    if self.asks.encoding {
                        ask(self.wire, Command::OBJECT_ENCODING, name);
                    }
                }
                What::Length { .. } => {
                    if let Some(command) = length_of(&extra.kind) {
                        ask(self.wire, command, name);
                    }
                }
                What::Hits => {
                    self.wire.ask(&[b"HMGET", name, b"hits", b"misses", b"requests"]);
                }
            }
        }
        // What a refusal changes is seen from the next request on.
        self.extras_idle = self.asks.idle;
        self.extras_encoding = self.asks.encoding;
        planned
    }

    /// Reads the answers to a second question.
    pub(super) async fn extra(&mut self, extra: Extra) -> Result<(), Error> {
        match extra.what.clone() {
            What::Stored => self.read_stored(extra).await,
            What::Length { encoding } => {
                let Some(command) = length_of(&extra.kind) else { return Ok(()) };
                let elements = self.number(command).await?.number();
                self.count_encoding(&extra, &encoding, elements);
                Ok(())
            }
            What::Hits => self.read_hits(&extra).await,
        }
    }

    async fn read_stored(&mut self, extra: Extra) -> Result<(), Error> {
        let command = self.facts.use_command();
        let used = if self.extras_idle { self.number(command).await? } else { Answered::NotAsked };
        let mut is_hidden = false;
        let encoding = if self.extras_encoding {
            self.word(Command::OBJECT_ENCODING, &mut is_hidden).await?
        } else {
            None
        };
        if let Some(number) = used.number() {
            let is_idle = command == Command::OBJECT_IDLETIME;
            let at = self.state.books.entry(self.database).or_default().find(&extra.name);
            let book = self.state.books.entry(self.database).or_default();
            if let Some(tally) = book.tally(at) {
                match is_idle {
                    true => tally.idle.add(number),
                    // Where every key is asked it was counted already.
                    false if !self.asks.frequency => tally.frequency.add(number),
                    false => {}
                }
            }
            let leaders = if is_idle { &mut self.state.idlest } else { &mut self.state.hottest };
            if leaders.wants(number) && (is_idle || !self.asks.frequency) {
                leaders.offer(
                    number,
                    Key {
                        node: self.node,
                        database: self.database,
                        name: extra.name.clone(),
                        kind: extra.kind.clone(),
                        memory_bytes: extra.memory_bytes,
                        idle_seconds: is_idle.then_some(number),
                        frequency: (!is_idle).then_some(number),
                        ..Key::default()
                    },
                );
            }
        }
        let Some(encoding) = encoding else { return Ok(()) };
        let is_expensive = matches!(&*encoding, "hashtable" | "skiplist");
        if is_expensive
            && extra.memory_bytes <= SMALL
            && self.asks.length
            && self.counted(&extra, &encoding)
        {
            let encoding = encoding.into_owned();
            self.extras.push_back(Extra { what: What::Length { encoding }, ..extra });
        } else {
            self.count_encoding(&extra, &encoding, None);
        }
        Ok(())
    }

    /// Whether the elements of one more key so stored are to be counted.
    fn counted(&mut self, extra: &Extra, encoding: &str) -> bool {
        let book = self.state.books.entry(self.database).or_default();
        let at = book.find(&extra.name);
        let stored = book.tally(at).and_then(|tally| {
            tally.encodings.get(&format!("{} {encoding}", extra.kind)).map(|it| it.counted_keys)
        });
        stored.unwrap_or(0) < MOST_COUNTED
    }

    fn count_encoding(&mut self, extra: &Extra, encoding: &str, elements: Option<i64>) {
        let book = self.state.books.entry(self.database).or_default();
        let at = book.find(&extra.name);
        if let Some(tally) = book.tally(at) {
            tally.encoding(&extra.kind, encoding, extra.memory_bytes, elements);
        }
    }

    async fn read_hits(&mut self, extra: &Extra) -> Result<(), Error> {
        let head = self.wire.reply().await?;
        if let Some(error) = head.refusal() {
            self.refused(Command::HMGET, &error);
            return Ok(());
        }
        let Reply::Array(count) = head else { return Ok(()) };
        let mut numbers = Vec::with_capacity(3);
        for _ in 0..count {
            numbers.push(self.wire.reply().await?.int().filter(|number| *number >= 0));
        }
        let [Some(hits), misses, requests] = numbers[..] else { return Ok(()) };
        let Some(lookups) = requests.or(misses.map(|misses| hits.saturating_add(misses))) else {
            return Ok(());
        };
        let mut pattern = String::new();
        write_pattern(&extra.name, &mut pattern);
        let known = format!("{} {pattern}", self.database);
        let database = self.database;
        let entry = self.state.hits.entry(known).or_insert_with(|| PatternHits {
            pattern,
            database,
            ..PatternHits::default()
        });
        entry.keys += 1;
        entry.hits = entry.hits.saturating_add(hits.min(lookups));
        entry.lookups = entry.lookups.saturating_add(lookups);
        Ok(())
    }
}

/// Asks a command of one key.
pub(super) fn ask(wire: &mut Wire, command: Command, name: &[u8]) {
    let mut words: Vec<&[u8]> = command.words.iter().map(|word| word.as_bytes()).collect();
    words.push(name);
    wire.ask(&words);
}
