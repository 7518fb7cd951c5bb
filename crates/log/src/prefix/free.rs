//! Lines of a prefix nobody told us: a time in front, a word such as `LOG:  ` somewhere behind it.

use memchr::memmem;

use super::{Header, epoch, number};
use crate::{moment::Clock, record::Record, severity::Word};

/// How long a prefix may be.
const REACH: usize = 512;

/// Reads what it can of the front of a line.
pub fn free<'a>(line: &'a [u8], clock: &mut Clock) -> Option<Header<'a>> {
    let mut fields = Record::default();
    let skipped = line.iter().take_while(|byte| matches!(byte, b'<' | b'[' | b' ')).count();
    let timed = clock.read(&line[skipped..]).or_else(|| epoch(&line[skipped..]));
    let start = match timed {
        Some((time, len)) => {
            fields.time = Some(time);
            skipped + len
        }
        // Without a time only the bare word is a beginning.
        None => 0,
    };
    let reach = if timed.is_some() { line.len().min(start + REACH) } else { line.len().min(12) };
    let (word, message) = word_in(line, start, reach)?;
    read_fields(&line[start..message], &mut fields);
    Some(Header { fields, word, message })
}

/// The first word such as `LOG:  ` and where the message behind it begins.
fn word_in(line: &[u8], start: usize, reach: usize) -> Option<(Word, usize)> {
    for colon in memmem::find_iter(&line[start..reach], b":  ").map(|found| start + found) {
        // Some languages have a space before the colon, and letters of several bytes.
        let front = line[start..colon].trim_ascii_end();
        let is_letter =
            |byte: &&u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte >= 128;
        let letters = front.iter().rev().take_while(is_letter).count();
        let begin = start + front.len() - letters;
        if let Some((word, len)) = Word::read(&line[begin..]) {
            return Some((word, begin + len));
        }
    }
    None
}

fn read_fields<'a>(text: &'a [u8], fields: &mut Record<'a>) {
    let value_of = |names: &[&str]| {
        let found = names
            .iter()
            .find_map(|name| memmem::find(text, name.as_bytes()).map(|at| at + name.len()));
        let rest = &text[found.unwrap_or(text.len())..];
        let end = rest.iter().position(|byte| matches!(byte, b',' | b' ' | b']' | b'|' | b';'));
        &rest[..end.unwrap_or(rest.len())]
    };
    fields.user = value_of(&["user="]);
    fields.database = value_of(&["db=", "database="]);
    fields.application = value_of(&["app=", "application="]);
    fields.client = value_of(&["client=", "host="]);
    let mut rest = text;
    while let Some(open) = memchr::memchr2(b'[', b'(', rest) {
        rest = &rest[open + 1..];
        let len = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if let Some(pid) = number(&rest[..len]) {
            fields.pid = pid;
            break;
        }
    }
    if fields.user.is_empty() {
        let pair = text.split(|byte| matches!(byte, b' ' | b':' | b'[' | b']')).find_map(|word| {
            let at = memchr::memchr(b'@', word)?;
            Some((&word[..at], &word[at + 1..]))
        });
        if let Some((user, database)) = pair {
            (fields.user, fields.database) = (user, database);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::severity::Severity;

    #[test]
    fn unknown_prefixes_still_tell_time_process_and_names() {
        let line = b"<2024-05-01 12:00:00.000 UTC> pid[77] joe@app ~ ERROR:  no";
        let header = free(line, &mut Clock::default()).unwrap();
        assert_eq!(header.word, Word::Record(Severity::Error));
        assert_eq!((header.fields.pid, header.fields.user), (77, &b"joe"[..]));
        assert_eq!(&line[header.message..], b"no");
        assert!(free(b"LOG:  bare", &mut Clock::default()).is_some());
        assert!(free(b"whatever LOG:  bare", &mut Clock::default()).is_none());
        assert!(free(b"2024-05-01 12:00:00 UTC hello", &mut Clock::default()).is_none());
    }
}
