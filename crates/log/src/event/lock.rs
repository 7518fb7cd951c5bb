//! Waits for locks, and those who wait for each other.

use memchr::{memchr, memmem};

use super::{millionths_behind, whole};

/// A wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait<'a> {
    /// Who waits.
    pub pid: i64,
    /// Whether the lock was had in the end.
    pub is_acquired: bool,
    /// `ShareLock`.
    pub mode: &'a [u8],
    /// `transaction 742`, `tuple (0,1) of relation 16384 of database 5`.
    pub object: &'a [u8],
    /// How long so far, in microseconds.
    pub micros: i64,
}

/// One who takes part in a deadlock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Party<'a> {
    /// Its process.
    pub pid: i64,
    /// `ShareLock on transaction 742`.
    pub waits_for: &'a [u8],
    /// Whom it waits for.
    pub blocked_by: i64,
    /// What it was doing.
    pub statement: &'a [u8],
}

/// `process 1 still waiting for ShareLock on transaction 742 after 1000.123 ms`.
pub(super) fn wait(message: &[u8]) -> Option<Wait<'_>> {
    let rest = message.strip_prefix(b"process ")?;
    let (pid, len) = whole(rest)?;
    let rest = &rest[len..];
    let (is_acquired, rest) = if let Some(rest) = rest.strip_prefix(b" still waiting for ") {
        (false, rest)
    } else {
        (true, rest.strip_prefix(b" acquired ")?)
    };
    let on = memmem::find(rest, b" on ")?;
    let after = memmem::rfind(rest, b" after ")?;
    let object = rest.get(on + 4..after)?;
    let micros = millionths_behind(&rest[after..], b" after ")? / 1000;
    Some(Wait { pid, is_acquired, mode: &rest[..on], object, micros })
}

/// The parties of a deadlock, from its detail.
pub fn parties(detail: &[u8]) -> Vec<Party<'_>> {
    let mut parties: Vec<Party<'_>> = Vec::new();
    let mut rest = detail;
    while !rest.is_empty() && parties.len() < 32 {
        let end = line_end(rest);
        let line = rest[..end].trim_ascii();
        if let Some(party) = waiting(line) {
            parties.push(party);
        } else if let Some((pid, _)) = speaker(line) {
            // A statement goes on until the next process speaks.
            let mut len = end;
            while len < rest.len() {
                let next = &rest[len + 1..];
                let next_end = line_end(next);
                if speaker(next[..next_end].trim_ascii()).is_some() {
                    break;
                }
                len += 1 + next_end;
            }
            let said = rest[..len].trim_ascii();
            let statement = speaker(said).map_or(&b""[..], |(_, statement)| statement);
            if let Some(party) = parties.iter_mut().find(|party| party.pid == pid) {
                party.statement = statement;
            }
            rest = rest.get(len + 1..).unwrap_or_default();
            continue;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    parties
}

fn line_end(text: &[u8]) -> usize {
    memchr(b'\n', text).unwrap_or(text.len())
}

fn waiting(line: &[u8]) -> Option<Party<'_>> {
    let rest = line.strip_prefix(b"Process ")?;
    let (pid, len) = whole(rest)?;
    let rest = rest[len..].strip_prefix(b" waits for ")?;
    let mark = b"; blocked by process ";
    let end = memmem::find(rest, mark)?;
    let (blocked_by, _) = whole(&rest[end + mark.len()..])?;
    Some(Party { pid, waits_for: &rest[..end], blocked_by, statement: b"" })
}

fn speaker(line: &[u8]) -> Option<(i64, &[u8])> {
    let rest = line.strip_prefix(b"Process ")?;
    let (pid, len) = whole(rest)?;
    Some((pid, rest[len..].strip_prefix(b": ")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read() {
        let text = b"process 77 acquired ExclusiveLock on tuple (0,1) of relation 16384 of database 5 after 2000.500 ms";
        let read = wait(text).unwrap();
        assert_eq!((read.pid, read.is_acquired, read.micros), (77, true, 2_000_500));
        assert_eq!(read.mode, b"ExclusiveLock");
        assert_eq!(read.object, b"tuple (0,1) of relation 16384 of database 5");
        assert!(wait(b"process 77 detected deadlock while waiting").is_none());
    }

    #[test]
    fn parties_are_told_with_statements_of_several_lines() {
        let detail = b"Process 1 waits for ShareLock on transaction 7; blocked by process 2.\n\tProcess 2 waits for ShareLock on transaction 8; blocked by process 1.\n\tProcess 1: update t\n\tset a = 1\n\tProcess 2: update u";
        let parties = parties(detail);
        assert_eq!(parties.len(), 2);
        assert_eq!(parties[0].statement, b"update t\n\tset a = 1");
        assert_eq!(parties[0].waits_for, b"ShareLock on transaction 7");
        assert_eq!((parties[1].blocked_by, parties[1].statement), (1, &b"update u"[..]));
    }
}
