//! What one request of an application asked its server, and whether it asked once for each row of a list.
//!
//! For a client library that knows where a request begins and ends: it reports each statement, and gets a verdict. This
//! is the exact grade of evidence for N+1: nothing is guessed from counters, no log is needed, statements of other
//! requests on the same pooled connection cannot be mixed in.
//!
//! ```
//! use std::time::Duration;
//! use dbvitals_query::request::{Call, Kind, Limits, Told, Watch};
//!
//! let mut watch = Watch::new(Limits::default());
//! let call = |text, parameters, rows| Call {
//!     statement: Told::Text(text),
//!     place: 0,
//!     parameters,
//!     rows,
//!     duration: Duration::from_micros(300),
//! };
//! watch.begin(1);
//! watch.statement(1, &call("SELECT id, customer_id FROM orders LIMIT 20", 0, 20));
//! for customer in 0..20 {
//!     watch.statement(1, &call("SELECT name FROM customers WHERE id = $1", customer, 1));
//! }
//! let verdict = watch.end(1).expect("it was begun");
//! let found = &verdict.repeats[0];
//! assert_eq!((found.kind, found.calls, found.lost), (Kind::EachRow, 20, 19));
//! assert_eq!(found.batched.as_deref(), Some("SELECT … FROM customers WHERE id = ANY ($1)"));
//! ```
//!
//! Pure: no clock, no connection. In a steady state nothing is allocated for a statement; a text is parsed once, when it
//! is first suspected. Memory is bounded by [`Limits`].

mod advice;
mod judged;
mod tally;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc, time::Duration};

use self::{advice::Facts, tally::Tallies};
use crate::shape::{self, Kind as Does, mixer};

/// How much is too much, and how much is kept.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Calls of one statement in one request from which on it is a habit, at least 2. Five, as others have it.
    pub least_repeats: u32,
    /// What a round trip to the server takes, besides the statement's own duration.
    pub round_trip: Duration,
    /// Statements of one request that are looked at; further ones are counted.
    pub most_calls: usize,
    /// Different statements that are known at a time.
    pub most_statements: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            least_repeats: 5,
            round_trip: Duration::ZERO,
            most_calls: 10_000,
            most_statements: 2_000,
        }
    }
}

/// Which statement it was.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// Its text; literals in it count as parameters.
    Text(&'a str),
    /// A number that is equal for equal statements, as of [`crate::fingerprint`]. Nothing can then be said of what to
    /// write instead, and reads are not told from writes.
    Fingerprint(u64),
}

/// One execution of a statement.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Which.
    pub statement: Told<'a>,
    /// Where, as a number of the library's own for server, database and `search_path`: one text asked of many tenants
    /// is many statements. 0 where there is one place only.
    pub place: u64,
    /// A number that is equal for equal parameters.
    pub parameters: u64,
    /// Rows returned.
    pub rows: u64,
    /// How long it took, as the library saw it.
    pub duration: Duration,
}

/// What a request did.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// Statements executed.
    pub calls: u64,
    /// Time of all of them.
    pub duration: Duration,
    /// What was asked again and again, the dearest first.
    pub repeats: Vec<Repeat>,
    /// Statements beyond [`Limits`], which were not looked at.
    pub unseen: u64,
}

/// A statement that was called again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Repeat {
    /// Why.
    pub kind: Kind,
    /// The statement.
    pub child: Named,
    /// The list whose rows it was called for.
    pub parent: Option<Named>,
    /// Its calls.
    pub calls: u64,
    /// Calls with parameters that no call before had.
    pub distinct: u64,
    /// Calls for each row of the list: a whole number, or less where some rows need none.
    pub per_row: Option<f64>,
    /// Calls for each call of the list.
    pub per_list: Option<f64>,
    /// Calls that asking once would spare.
    pub lost: u64,
    /// Their time: mean duration and round trip of each.
    pub lost_time: Duration,
    /// Requests, this one included, in which its calls followed the rows of that list. One alone may be chance where
    /// both numbers are small.
    pub seen: u32,
    /// One call for all keys.
    pub batched: Option<String>,
    /// No further call at all. A suggestion: which column of the list holds the key is a guess by its name.
    pub joined: Option<String>,
}

/// Why a statement was called again and again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Once (or so many times) for each row of a list: N+1.
    EachRow,
    /// With other parameters each time, but for no list of this request: a loop over keys that came from elsewhere.
    Loop,
    /// With the same parameters: the answer was known.
    Redundant,
}

/// A statement by what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// [`Told::Fingerprint`], or a number of the text without its literals; the place is mixed in.
    pub key: u64,
    /// Its text as it came first.
    pub text: Option<Arc<str>>,
}

/// Requests under watch.
#[derive(Debug)]
pub struct Watch {
    limits: Limits,
    statements: Vec<Known>,
    by_key: HashMap<u64, u32>,
    open: HashMap<u64, Open>,
    /// Lists of calls that may be used again.
    spare: Vec<Vec<Done>>,
    tallies: Tallies,
    scratch: judged::Scratch,
}

/// A statement that was seen.
#[derive(Debug)]
struct Known {
    named: Named,
    does: Does,
    facts: Option<Facts>,
}

/// A request that goes on.
#[derive(Debug, Default)]
struct Open {
    calls: Vec<Done>,
    all: u64,
    duration: Duration,
}

/// One call of a request.
#[derive(Debug, Clone, Copy)]
struct Done {
    statement: u32,
    micros: u32,
    parameters: u64,
    rows: u64,
}

/// Bytes of a text that are kept; a longer one is no lookup.
const LONGEST: usize = 8 * 1024;

/// Requests whose lists of calls are kept for the next ones.
const SPARE: usize = 64;

impl Watch {
    /// Nothing seen yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            statements: Vec::new(),
            by_key: HashMap::new(),
            open: HashMap::new(),
            spare: Vec::new(),
            tallies: Tallies::default(),
            scratch: judged::Scratch::default(),
        }
    }

    /// A request begins. One of the same number that is still open is given up.
    pub fn begin(&mut self, request: u64) {
        if self.open.is_empty() && self.statements.len() >= self.limits.most_statements {
            self.statements.clear();
            self.by_key.clear();
            self.tallies = Tallies::default();
        }
        let calls = self.spare.pop().unwrap_or_default();
        self.open.insert(request, Open { calls, ..Open::default() });
    }

    /// A statement was executed. Of a request that was not begun nothing is kept.
    pub fn statement(&mut self, request: u64, call: &Call<'_>) {
        let Some(open) = self.open.get_mut(&request) else { return };
        open.all += 1;
        open.duration += call.duration;
        if open.calls.len() >= self.limits.most_calls {
            return;
        }
        let (key, literals, does) = match call.statement {
            Told::Text(text) => {
                let shape = shape::shape(text.as_bytes());
                (shape.hash, shape.literals, shape.kind)
            }
            Told::Fingerprint(number) => (number, 0, Does::Read),
        };
        let key = if call.place == 0 { key } else { mixer::fold(key, call.place) };
        let known = self.by_key.get(&key).copied();
        let Some(statement) = known.or_else(|| self.learn(key, call.statement, does)) else {
            return;
        };
        if let Some(open) = self.open.get_mut(&request) {
            open.calls.push(Done {
                statement,
                micros: u32::try_from(call.duration.as_micros()).unwrap_or(u32::MAX),
                parameters: mixer::fold(call.parameters, literals),
                rows: call.rows,
            });
        }
    }

    /// A request ends; `None` where it was not begun.
    pub fn end(&mut self, request: u64) -> Option<Verdict> {
        let mut open = self.open.remove(&request)?;
        let repeats = self.repeats(&open.calls);
        let seen = open.calls.len() as u64;
        open.calls.clear();
        if self.spare.len() < SPARE {
            self.spare.push(open.calls);
        }
        Some(Verdict { calls: open.all, duration: open.duration, repeats, unseen: open.all - seen })
    }

    fn learn(&mut self, key: u64, told: Told<'_>, does: Does) -> Option<u32> {
        if self.statements.len() >= self.limits.most_statements {
            return None;
        }
        let place = u32::try_from(self.statements.len()).ok()?;
        let text = match told {
            Told::Text(text) if text.len() <= LONGEST => Some(Arc::from(text)),
            _ => None,
        };
        self.statements.push(Known { named: Named { key, text }, does, facts: None });
        self.by_key.insert(key, place);
        Some(place)
    }
}
