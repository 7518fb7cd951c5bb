//! Spoils logs and reads them: `fuzz_log SECONDS [SEED]`. The same seed spoils the same way; a panic names the case,
//! which is left in a file beside it.
#![expect(clippy::print_stdout, reason = "a program")]

use std::{
    io::Cursor,
    time::{Duration, Instant},
};

use dbvitals_log::{
    Format, Limits,
    feed::{Feed, Known},
    summary::Summary,
};
use dbvitals_query::shape;

const CORPORA: [&[u8]; 4] = [
    include_bytes!("../tests/corpus/stderr.log"),
    include_bytes!("../tests/corpus/csv.csv"),
    include_bytes!("../tests/corpus/json.json"),
    include_bytes!("../tests/corpus/syslog.log"),
];

/// What is put into logs: marks the readers look for.
const MARKS: [&[u8]; 22] = [
    b"\"",
    b"\"\"",
    b"\n",
    b"\n\t",
    b"\r\n",
    b"\0",
    b"\xff\xfe",
    b"\\",
    b"\\u",
    b"\\ud83d",
    b"$$",
    b"/*",
    b"'",
    b"E'\\",
    b"LOG:  ",
    b"DETAIL:  ",
    b"duration: ",
    b" ms  plan:",
    b"9999999999999999999999",
    b"{\"",
    b"#011",
    b"[1-2] ",
];

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % sides.max(1)
    }
}

fn spoilt(dice: &mut Dice) -> Vec<u8> {
    let mut bytes = CORPORA[dice.roll(4)].to_vec();
    if dice.roll(4) == 0 {
        bytes.extend_from_slice(CORPORA[dice.roll(4)]);
    }
    for _ in 0..=dice.roll(40) {
        let at = dice.roll(bytes.len() + 1);
        match dice.roll(6) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = u8::try_from(dice.roll(256)).unwrap_or(0);
                }
            }
            1 => {
                let mark = MARKS[dice.roll(MARKS.len())];
                bytes.splice(at..at, mark.iter().copied());
            }
            2 => {
                let end = (at + dice.roll(200)).min(bytes.len());
                bytes.drain(at..end);
            }
            3 => {
                let from = dice.roll(bytes.len() + 1);
                let piece = bytes[from..(from + dice.roll(300)).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at.max(1)),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.roll(8);
                }
            }
        }
    }
    if dice.roll(200) == 0 {
        bytes = bytes.repeat(1 + dice.roll(200));
    }
    bytes
}

fn read(bytes: &[u8], format: Option<Format>) {
    let known = Known { format, not_after: 1_800_000_000_000_000, ..Known::default() };
    let mut feed = Feed::new(known);
    let limits = Limits { statements: 64, ..Limits::default() };
    let mut summary = Summary::new(limits);
    let mut input = Cursor::new(bytes);
    while feed.pump(&mut input, &mut summary).is_ok_and(|len| len > 0) {}
    feed.finish(bytes.len().is_multiple_of(2), &mut summary);
    let log = summary.snapshot(Vec::new(), feed.unknown_zone());
    assert!(log.bytes >= 0 && log.records >= 0);
    let _ = serde_json::to_string(&log).map(|text| text.len());
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().ok_or("usage: fuzz_log SECONDS [SEED]")?.parse()?;
    let seed: u64 = arguments.next().map_or(Ok(1), |seed| seed.parse())?;
    let formats =
        [None, Some(Format::Stderr), Some(Format::Csv), Some(Format::Json), Some(Format::Syslog)];
    let end = Instant::now() + Duration::from_secs(seconds);
    let (mut cases, mut all) = (0_u64, 0_u64);
    let case_file = std::env::temp_dir().join(format!("fuzz_log.{}", std::process::id()));
    while Instant::now() < end {
        let mut dice = Dice((seed << 32) ^ (cases + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let bytes = spoilt(&mut dice);
        let format = formats[dice.roll(5)];
        let told = std::panic::catch_unwind(|| {
            read(&bytes, format);
            let _ = shape::shape(&bytes);
            let _ = shape::normalise(&bytes, 500);
        });
        if told.is_err() {
            std::fs::write(&case_file, &bytes)?;
            println!("case {cases} of seed {seed}, format {format:?}: {}", case_file.display());
            return Err("a case panicked".into());
        }
        cases += 1;
        all += bytes.len() as u64;
    }
    println!("{cases} spoilt logs, {} MB, seed {seed}: none stopped the reader", all >> 20);
    Ok(())
}
