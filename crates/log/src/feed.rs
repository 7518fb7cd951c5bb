//! From a stream of bytes to records: one buffer, refilled, whatever the format.

use std::io;

use crate::{csv, detect, json, moment::Micros, prefix::Prefix, record::Sink, stderr, syslog};

/// Bytes read at a time.
const CHUNK: usize = 256 << 10;
/// The longest record that is read whole.
const RECORD: usize = 8 << 20;

/// How a log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `log_destination = csvlog`.
    Csv,
    /// `log_destination = jsonlog`.
    Json,
    /// `log_destination = stderr`, also as cloud providers hand it out.
    Stderr,
    /// `log_destination = syslog`.
    Syslog,
}

impl Format {
    /// The lowercase word used in every format.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Stderr => "stderr",
            Self::Syslog => "syslog",
        }
    }
}

/// What is known of a log before it is read.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How it is written; `None`: to be found out.
    pub format: Option<Format>,
    /// Its `log_line_prefix`; `None`: to be found out.
    pub prefix: Option<Prefix>,
    /// Times without a year lie before this.
    pub not_after: Micros,
}

/// A stream on its way to records.
#[derive(Debug)]
pub struct Feed {
    known: Known,
    scanner: Option<Scanner>,
    buffer: Vec<u8>,
    filled: usize,
    /// Bytes done with since the beginning.
    done: u64,
}

#[derive(Debug)]
enum Scanner {
    Csv(csv::Scanner),
    Json(json::Scanner),
    Stderr(stderr::Scanner),
    Syslog(Box<syslog::Scanner>),
}

impl Scanner {
    fn new(format: Format, prefix: Option<Prefix>, not_after: Micros) -> Self {
        match format {
            Format::Csv => Self::Csv(csv::Scanner::default()),
            Format::Json => Self::Json(json::Scanner::default()),
            Format::Stderr => Self::Stderr(stderr::Scanner::new(prefix)),
            Format::Syslog => Self::Syslog(Box::new(syslog::Scanner::new(prefix, not_after))),
        }
    }

    fn scan(&mut self, buffer: &[u8], is_end: bool, sink: &mut impl Sink) -> usize {
        match self {
            Self::Csv(scanner) => scanner.scan(buffer, is_end, sink),
            Self::Json(scanner) => scanner.scan(buffer, is_end, sink),
            Self::Stderr(scanner) => scanner.scan(buffer, is_end, sink),
            Self::Syslog(scanner) => scanner.scan(buffer, is_end, sink),
        }
    }

    /// What was given last was cut within a record.
    fn pass_rest(&mut self, ends_line: bool) {
        match self {
            Self::Csv(scanner) => scanner.pass_rest(),
            Self::Json(scanner) => scanner.pass_rest(ends_line),
            Self::Stderr(scanner) => scanner.pass_rest(ends_line),
            Self::Syslog(scanner) => scanner.pass_rest(ends_line),
        }
    }
}

impl Feed {
    /// A stream of which so much is known.
    pub fn new(known: Known) -> Self {
        Self { known, scanner: None, buffer: vec![0; CHUNK], filled: 0, done: 0 }
    }

    /// Reads once and gives the records that are whole to a sink; returns how many bytes came, 0 at the end.
    pub fn pump(&mut self, input: &mut dyn io::Read, sink: &mut impl Sink) -> io::Result<usize> {
        if self.filled == self.buffer.len() {
            self.widen(sink);
        }
        let len = loop {
            match input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.filled += len;
        // A short read is no reason to look: what is looked at twice costs twice.
        if self.filled == self.buffer.len() {
            self.scan(self.filled, false, sink);
        }
        Ok(len)
    }

    /// Gives the rest to a sink. With `keeps_part`, a last line without its end is left for another time.
    pub fn finish(&mut self, keeps_part: bool, sink: &mut impl Sink) {
        let whole = if keeps_part {
            memchr::memrchr(b'\n', &self.buffer[..self.filled]).map_or(0, |end| end + 1)
        } else {
            self.filled
        };
        self.scan(whole, true, sink);
    }

    /// Bytes done with since the beginning.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// What was found out, once something was read.
    pub fn format(&self) -> Option<Format> {
        Some(match self.scanner.as_ref()? {
            Scanner::Csv(_) => Format::Csv,
            Scanner::Json(_) => Format::Json,
            Scanner::Stderr(_) => Format::Stderr,
            Scanner::Syslog(_) => Format::Syslog,
        })
    }

    /// The prefix it is read with.
    pub fn prefix(&self) -> Option<&Prefix> {
        match self.scanner.as_ref()? {
            Scanner::Stderr(scanner) => scanner.prefix(),
            _ => None,
        }
    }

    /// A time zone that could not be placed.
    pub fn unknown_zone(&self) -> Option<String> {
        match self.scanner.as_ref()? {
            Scanner::Csv(scanner) => scanner.clock().unknown_zone(),
            Scanner::Json(scanner) => scanner.clock().unknown_zone(),
            Scanner::Stderr(scanner) => scanner.clock().unknown_zone(),
            Scanner::Syslog(scanner) => scanner.clock().unknown_zone(),
        }
    }

    fn scan(&mut self, whole: usize, is_end: bool, sink: &mut impl Sink) {
        // From nothing the format cannot be told.
        if whole == 0 && self.scanner.is_none() {
            return;
        }
        let known = &self.known;
        let buffer = &self.buffer[..whole];
        let scanner = self.scanner.get_or_insert_with(|| {
            let (format, prefix) = detect::detect(buffer, known);
            Scanner::new(format, prefix, known.not_after)
        });
        let used = scanner.scan(buffer, is_end, sink);
        self.buffer.copy_within(used..self.filled, 0);
        self.filled -= used;
        self.done += used as u64;
    }

    /// A record does not fit: makes room, or cuts it.
    fn widen(&mut self, sink: &mut impl Sink) {
        if self.buffer.len() < RECORD {
            self.buffer.resize(self.buffer.len() * 2, 0);
            return;
        }
        let ends_line = self.buffer[..self.filled].ends_with(b"\n");
        sink.cut();
        self.scan(self.filled, true, sink);
        if let Some(scanner) = &mut self.scanner {
            scanner.pass_rest(ends_line);
        }
    }
}
