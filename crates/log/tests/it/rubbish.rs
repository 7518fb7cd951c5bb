//! Anything may stand in a file: nothing of it stops the reader, and nothing is lost silently.

use std::io::Cursor;

use dbvitals_log::{
    Format, Limits,
    feed::{Feed, Known},
    summary::Summary,
};
use dbvitals_model::log::LogSnapshot;
use proptest::prelude::*;

const CORPORA: [&[u8]; 4] = [
    include_bytes!("../corpus/stderr.log"),
    include_bytes!("../corpus/csv.csv"),
    include_bytes!("../corpus/json.json"),
    include_bytes!("../corpus/syslog.log"),
];

fn read(bytes: &[u8], format: Option<Format>) -> LogSnapshot {
    let mut feed =
        Feed::new(Known { format, not_after: 1_800_000_000_000_000, ..Known::default() });
    let mut summary = Summary::new(Limits::default());
    let mut input = Cursor::new(bytes);
    while feed.pump(&mut input, &mut summary).unwrap() > 0 {}
    feed.finish(false, &mut summary);
    assert_eq!(feed.done(), bytes.len() as u64);
    let zone = feed.unknown_zone();
    summary.snapshot(Vec::new(), zone)
}

#[test]
fn the_corpora_are_read_whole() {
    for (corpus, least) in CORPORA.into_iter().zip([20, 20, 20, 8]) {
        let log = read(corpus, None);
        assert!(log.records >= least, "{}", log.records);
        assert_eq!(log.unread.lines, 0, "{:?}", log.unread.examples);
    }
}

#[test]
fn a_record_without_end_is_cut_and_what_follows_is_read() {
    let next = "2026-01-01 10:00:00.000 UTC [8] LOG:  duration: 2.000 ms  statement: select 1\n";
    for (front, filling, back) in [
        ("2026-01-01 10:00:00.000 UTC [7] ERROR:  ", "x", "\n"),
        ("2026-01-01 10:00:00.000 UTC [7] ERROR:  x", "\n\tyyyyyyy", "\n"),
        ("", "\0", "\n"),
    ] {
        let filler = filling.repeat(20_000_000 / filling.len());
        let log =
            read(format!("{next}{front}{filler}{back}{next}").as_bytes(), Some(Format::Stderr));
        assert_eq!(log.statements.value().unwrap().calls, 2, "{front:?} {filling:?}");
        assert!(log.unread.cut_records >= 1, "{:?}", log.unread);
    }
    let row = |message: &str| {
        format!(
            "2024-05-01 12:00:00.123 UTC,,,78,,66.4e,1,,2024-05-01 11:00:00 UTC,,0,LOG,00000,\"{message}\",,,,,,,,,\"\"\n"
        )
    };
    let long = row(&"x\ny".repeat(5_000_000));
    let timed = row("duration: 2.000 ms  statement: select 1");
    let log = read(format!("{timed}{long}{timed}").as_bytes(), Some(Format::Csv));
    assert_eq!(log.statements.value().unwrap().calls, 2);
    assert_eq!(log.unread.cut_records, 1);
}

#[test]
fn examples_of_unread_lines_are_few_short_and_harmless() {
    let log = read(b"\x1b[31mred\n\xff\xfe\n\0\0\na\nb\nc\nd\n", None);
    assert_eq!((log.records, log.unread.lines), (0, 7));
    assert_eq!(log.unread.examples.len(), 5);
    assert!(log.unread.examples.iter().all(|line| !line.chars().any(char::is_control)));
}

fn format() -> impl Strategy<Value = Option<Format>> {
    prop_oneof![
        Just(None),
        Just(Some(Format::Stderr)),
        Just(Some(Format::Csv)),
        Just(Some(Format::Json)),
        Just(Some(Format::Syslog)),
    ]
}

/// Something that may happen to a file.
#[derive(Debug, Clone)]
enum Change {
    Cut(prop::sample::Index, prop::sample::Index),
    Put(prop::sample::Index, Vec<u8>),
    Flip(prop::sample::Index, u8),
}

fn change() -> impl Strategy<Value = Change> {
    use prop::sample::Index;
    prop_oneof![
        (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Change::Cut(a, b)),
        (any::<Index>(), prop::collection::vec(any::<u8>(), 0..20))
            .prop_map(|(a, b)| Change::Put(a, b)),
        (any::<Index>(), "[\"\n\t,:'\\\\$\\[\\]{}0-9a-z ]{0,9}")
            .prop_map(|(a, b)| Change::Put(a, b.into_bytes())),
        (any::<Index>(), any::<u8>()).prop_map(|(a, b)| Change::Flip(a, b)),
    ]
}

fn changed(corpus: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = corpus.to_vec();
    for change in changes {
        let len = bytes.len() + 1;
        match change {
            Change::Cut(a, b) => {
                let (a, b) = (a.index(len), b.index(len));
                bytes.drain(a.min(b)..a.max(b).min(a.min(b) + 400));
            }
            Change::Put(at, what) => {
                let at = at.index(len);
                bytes.splice(at..at, what.iter().copied());
            }
            Change::Flip(at, what) => {
                if let Some(byte) = bytes.get_mut(at.index(len)) {
                    *byte = *what;
                }
            }
        }
    }
    bytes
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..600), format in format()) {
        read(&bytes, format);
    }

    #[test]
    fn spoilt_logs_are_read(
        corpus in 0..4_usize, changes in prop::collection::vec(change(), 1..12), format in format()
    ) {
        let bytes = changed(CORPORA[corpus], &changes);
        let log = read(&bytes, format);
        prop_assert!(log.bytes >= 0 && log.unread.bytes >= 0);
    }

    #[test]
    fn the_size_of_pieces_makes_no_difference(
        corpus in 0..4_usize, changes in prop::collection::vec(change(), 0..6), repeats in 1..40_usize
    ) {
        // Longer than one piece, so that records lie across the edge.
        let once = changed(CORPORA[corpus], &changes);
        let bytes = once.repeat(repeats * 3);
        let whole = read(&bytes, None);
        let mut feed = Feed::new(Known { not_after: 1_800_000_000_000_000, ..Known::default() });
        let mut summary = Summary::new(Limits::default());
        let mut trickle = Trickle { bytes: &bytes };
        while feed.pump(&mut trickle, &mut summary).unwrap() > 0 {}
        feed.finish(false, &mut summary);
        let zone = feed.unknown_zone();
        prop_assert_eq!(whole, summary.snapshot(Vec::new(), zone));
    }
}

/// Gives a few bytes at a time, as a pipe does.
struct Trickle<'a> {
    bytes: &'a [u8],
}

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.bytes.len().min(buffer.len()).min(977);
        buffer[..len].copy_from_slice(&self.bytes[..len]);
        self.bytes = &self.bytes[len..];
        Ok(len)
    }
}
