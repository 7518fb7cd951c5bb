//! Statements and how long they took.

use memchr::{memchr, memmem};

use super::{Event, millionths};

/// Which part of the work a duration is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Executing, or all of it.
    Execute,
    /// Parsing, in the extended protocol.
    Parse,
    /// Binding and planning, in the extended protocol.
    Bind,
}

/// `duration: 1.234 ms`, and what follows.
#[inline]
pub(super) fn timed(message: &[u8]) -> Option<Event<'_>> {
    let rest = &message[b"duration: ".len()..];
    let (millionths, len) = millionths(rest)?;
    let micros = millionths / 1000;
    let rest = rest[len..].strip_prefix(b" ms")?;
    let rest = match rest.first() {
        Some(b' ') => rest.trim_ascii_start(),
        // The end, a further line, or something nobody knows.
        _ => return Some(Event::Duration(micros)),
    };
    if let Some(text) = rest.strip_prefix(b"statement: ") {
        return Some(Event::Timed { phase: Phase::Execute, micros, text });
    }
    if let Some(plan) = rest.strip_prefix(b"plan:") {
        return Some(planned(plan, micros));
    }
    let phase = match rest.first()? {
        b'e' if rest.starts_with(b"execute ") => Phase::Execute,
        b'p' if rest.starts_with(b"parse ") => Phase::Parse,
        b'b' if rest.starts_with(b"bind ") => Phase::Bind,
        b'f' if rest.starts_with(b"fastpath ") => Phase::Execute,
        _ => return Some(Event::Duration(micros)),
    };
    Some(Event::Timed { phase, micros, text: behind_name(rest) })
}

/// `statement: …`, `execute name: …` without a duration.
pub(super) fn started(message: &[u8]) -> Option<Event<'_>> {
    if let Some(text) = message.strip_prefix(b"statement: ") {
        return Some(Event::Started(text));
    }
    let names_one = message.starts_with(b"execute ") && memmem::find(message, b": ").is_some();
    names_one.then(|| Event::Started(behind_name(message)))
}

/// The text behind `execute name: `.
fn behind_name(text: &[u8]) -> &[u8] {
    memmem::find(text, b": ").map_or(text, |at| &text[at + 2..])
}

fn planned(plan: &[u8], micros: i64) -> Event<'_> {
    let plan = plan.trim_ascii();
    let json = b"\"Query Text\": \"";
    if let Some(at) = memmem::find(&plan[..plan.len().min(256)], json) {
        let text = &plan[at + json.len()..];
        let mut end = 0;
        while let Some(next) = memchr::memchr2(b'"', b'\\', text.get(end..).unwrap_or_default()) {
            end += next;
            if text[end] == b'"' {
                break;
            }
            end += 2;
        }
        let text = &text[..end.min(text.len())];
        return Event::Planned { micros, text, is_json: true, plan };
    }
    let Some(query) = plan.strip_prefix(b"Query Text: ") else {
        return Event::Planned { micros, text: b"", is_json: false, plan };
    };
    // The plan begins with the line that holds the first cost.
    let mut at = 0;
    let end = loop {
        let Some(len) = memchr(b'\n', &query[at..]) else { break query.len() };
        let line = &query[at + len + 1..];
        let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
        if line.starts_with(b"Query Parameters: ")
            || line.starts_with(b"\tQuery Parameters: ")
            || memmem::find(line, b"  (cost=").is_some()
        {
            break at + len;
        }
        at += len + 1;
    };
    Event::Planned { micros, text: &query[..end], is_json: false, plan }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_come_with_their_statement() {
        let timed = |text| timed(text).unwrap();
        assert_eq!(
            timed(b"duration: 12.345 ms  statement: select 1"),
            Event::Timed { phase: Phase::Execute, micros: 12_345, text: b"select 1" }
        );
        assert_eq!(
            timed(b"duration: 0.1 ms  bind <unnamed>: select $1"),
            Event::Timed { phase: Phase::Bind, micros: 100, text: b"select $1" }
        );
        assert_eq!(
            timed(b"duration: 5 ms  execute fetch from S_1/C_2: select $1"),
            Event::Timed { phase: Phase::Execute, micros: 5000, text: b"select $1" }
        );
        assert_eq!(timed(b"duration: 0.075 ms"), Event::Duration(75));
        assert_eq!(started(b"execute S_1: select 2"), Some(Event::Started(b"select 2")));
        assert_eq!(started(b"something else"), None);
    }

    #[test]
    fn what_is_no_duration_is_none() {
        assert_eq!(timed(b"duration: x ms"), None);
    }

    #[test]
    fn plans_tell_their_statement() {
        let text = b"duration: 7.000 ms  plan:\n\tQuery Text: select *\n\tfrom t\n\tSeq Scan on t  (cost=0.00..1.00 rows=1 width=4)";
        let Some(Event::Planned { micros, text, is_json, plan }) = timed(text) else { panic!() };
        assert_eq!((micros, text, is_json), (7000, &b"select *\n\tfrom t"[..], false));
        assert!(plan.ends_with(b"width=4)"));
        let text = br#"duration: 7.0 ms  plan:{ "Query Text": "select \"a\"", "Plan": {} }"#;
        let Some(Event::Planned { text, is_json, .. }) = timed(text) else { panic!() };
        assert_eq!((text, is_json), (&br#"select \"a\""#[..], true));
    }
}
