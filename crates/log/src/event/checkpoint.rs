//! Checkpoints and restartpoints.

use memchr::memmem;

use super::{Event, millionths_behind, number_behind};

/// Why one began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// `checkpoint_timeout` ran out.
    Time,
    /// `max_wal_size` was near.
    Wal,
    /// Asked for, shutdown, end of recovery.
    Other,
}

/// One that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckpointDone {
    /// Buffers it wrote.
    pub buffers: i64,
    /// Microseconds of writing.
    pub write: i64,
    /// Microseconds of syncing.
    pub sync: i64,
    /// Microseconds in all.
    pub total: i64,
    /// Microseconds of the slowest sync of a file.
    pub longest_sync: i64,
    /// Kilobytes of WAL since the one before.
    pub distance_kb: i64,
}

pub(super) fn event(message: &[u8]) -> Option<Event<'_>> {
    let rest =
        message.strip_prefix(b"checkpoint").or_else(|| message.strip_prefix(b"restartpoint"))?;
    if let Some(why) = rest.strip_prefix(b" starting:") {
        let has = |word: &[u8]| memmem::find(why, word).is_some();
        let is_asked = has(b"immediate") || has(b"force") || has(b"shutdown") || has(b"recovery");
        let cause = match (has(b" time"), has(b" wal") || has(b" xlog")) {
            _ if is_asked => Cause::Other,
            (_, true) => Cause::Wal,
            (true, false) => Cause::Time,
            _ => Cause::Other,
        };
        return Some(Event::CheckpointStarted(cause));
    }
    if rest.starts_with(b" complete") {
        let time = |mark: &[u8]| millionths_behind(rest, mark).unwrap_or(0);
        return Some(Event::CheckpointDone(CheckpointDone {
            buffers: number_behind(rest, b"wrote ").unwrap_or(0),
            write: time(b"write="),
            sync: time(b"sync="),
            total: time(b"total="),
            longest_sync: time(b"longest="),
            distance_kb: number_behind(rest, b"distance=").unwrap_or(0),
        }));
    }
    let apart = rest.strip_prefix(b"s are occurring too frequently (")?;
    let (seconds, _) = super::whole(apart)?;
    Some(Event::CheckpointsTooFrequent(seconds as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_tell_why_and_what_they_cost() {
        assert_eq!(
            event(b"checkpoint starting: time"),
            Some(Event::CheckpointStarted(Cause::Time))
        );
        assert_eq!(
            event(b"restartpoint starting: wal"),
            Some(Event::CheckpointStarted(Cause::Wal))
        );
        assert_eq!(
            event(b"checkpoint starting: immediate force wait"),
            Some(Event::CheckpointStarted(Cause::Other))
        );
        let done = event(b"checkpoint complete: wrote 43 buffers (0.3%), wrote 2 SLRU buffers; 0 WAL file(s) added, 0 removed, 0 recycled; write=4.250 s, sync=0.010 s, total=4.300 s; sync files=12, longest=0.005 s, average=0.001 s; distance=260 kB, estimate=260 kB; lsn=0/1, redo lsn=0/1");
        let expected = CheckpointDone {
            buffers: 43,
            write: 4_250_000,
            sync: 10_000,
            total: 4_300_000,
            longest_sync: 5000,
            distance_kb: 260,
        };
        assert_eq!(done, Some(Event::CheckpointDone(expected)));
        assert_eq!(
            event(b"checkpoints are occurring too frequently (3 seconds apart)"),
            Some(Event::CheckpointsTooFrequent(3.0))
        );
    }
}
