//! Finding out how a log is written, from its first lines.

use crate::{
    csv,
    feed::{Format, Known},
    json,
    moment::{Clock, Micros},
    prefix::{Prefix, USUAL, free},
    record::{Record, Sink},
    stderr, syslog,
};

/// Bytes and lines looked at.
const HEAD: usize = 128 << 10;
const LINES: usize = 400;

/// The format, and the prefix of a plain log; `None` where no common one fits.
pub(crate) fn detect(head: &[u8], known: &Known) -> (Format, Option<Prefix>) {
    let head = &head[..head.len().min(HEAD)];
    let format = known.format.unwrap_or_else(|| format(head, known.not_after));
    let prefix = match (&known.prefix, format) {
        (Some(prefix), _) => Some(prefix.clone()),
        (None, Format::Stderr) => prefix(head),
        (None, _) => None,
    };
    (format, prefix)
}

#[derive(Default)]
struct Count {
    records: usize,
    unread: usize,
    first: Option<Micros>,
}

impl Sink for Count {
    fn record(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.first = self.first.or(record.time);
    }

    fn unread(&mut self, _: &[u8]) {
        self.unread += 1;
    }

    fn cut(&mut self) {}
}

fn format(head: &[u8], not_after: Micros) -> Format {
    let mut best = (Format::Stderr, 0);
    for format in [Format::Csv, Format::Json, Format::Syslog, Format::Stderr] {
        let mut count = Count::default();
        match format {
            Format::Csv => csv::Scanner::default().scan(head, false, &mut count),
            Format::Json => json::Scanner::default().scan(head, false, &mut count),
            Format::Syslog => syslog::Scanner::new(None, not_after).scan(head, true, &mut count),
            Format::Stderr => stderr::Scanner::new(None).scan(head, false, &mut count),
        };
        let fits = count.records * 2 > count.unread;
        if fits && count.records > best.1 {
            best = (format, count.records);
        }
    }
    best.0
}

/// The time of the first record.
pub(crate) fn first_time(head: &[u8], known: &Known) -> Option<Micros> {
    let mut count = Count::default();
    let (format, prefix) = detect(head, known);
    match format {
        Format::Csv => csv::Scanner::default().scan(head, true, &mut count),
        Format::Json => json::Scanner::default().scan(head, true, &mut count),
        Format::Syslog => {
            syslog::Scanner::new(prefix, known.not_after).scan(head, true, &mut count)
        }
        Format::Stderr => stderr::Scanner::new(prefix).scan(head, true, &mut count),
    };
    count.first
}

/// The common prefix that reads the most lines, and of those the one that tells the most.
fn prefix(head: &[u8]) -> Option<Prefix> {
    let lines: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.starts_with(b"\t") && !line.is_empty())
        .take(LINES)
        .collect();
    let mut clock = Clock::default();
    let reads = |prefix: &Prefix, clock: &mut Clock| {
        lines.iter().filter(|line| prefix.read(line, clock).is_some()).count()
    };
    let best = USUAL
        .iter()
        .filter_map(|text| Prefix::compile(text).ok())
        .map(|prefix| (reads(&prefix, &mut clock), prefix.richness(), prefix))
        // Of equals the last is taken: the first of the list.
        .rev()
        .max_by_key(|(read, richness, _)| (*read, *richness))?;
    let freely = lines.iter().filter(|line| free(line, &mut clock).is_some()).count();
    // A prefix that reads a few lines of many is not theirs.
    (best.0 > 0 && best.0 * 2 > freely).then_some(best.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(head: &str) -> String {
        let (format, prefix) = detect(head.as_bytes(), &Known::default());
        format!("{} {}", format.as_str(), prefix.map_or(String::new(), |p| p.as_str().to_owned()))
    }

    #[test]
    fn formats_and_prefixes_are_told_by_their_first_lines() {
        let debian = "2024-05-01 12:00:00.000 UTC [7] LOG:  x\n\
                      2024-05-01 12:00:00.000 UTC [8] joe@app LOG:  y\n";
        assert_eq!(detected(debian), "stderr %m [%p] %q%u@%d ");
        let rds = "2024-05-01 12:00:00 UTC:10.0.0.1(5533):joe@app:[77]:LOG:  x\n";
        assert_eq!(detected(rds), "stderr %t:%r:%u@%d:[%p]:");
        let cloud = "2024-05-01 12:00:00.123 UTC [77]: [3-1] db=app,user=joe LOG:  x\n";
        assert_eq!(detected(cloud), "stderr %m [%p]: [%l-1] db=%d,user=%u ");
        let other = "pid=77 at 2024 LOG:  x\n2024-05-01 12:00:00 UTC ~ 77 ~ LOG:  x\n";
        assert_eq!(detected(other), "stderr ");
        let syslog = "Nov 21 18:00:00 db1 postgres[77]: [3-1] LOG:  x\n";
        assert_eq!(detected(syslog), "syslog ");
        let json = "{\"timestamp\":\"2024-05-01 12:00:00.123 UTC\",\"error_severity\":\"LOG\"}\n";
        assert_eq!(detected(json), "json ");
        let csv = "2024-05-01 12:00:00.123 UTC,,,78,,66.4e,1,,2024-05-01 11:00:00 UTC,,0,LOG,00000,\"hi\",,,,,,,,,\"\"\n";
        assert_eq!(detected(csv), "csv ");
        assert_eq!(detected("\0\u{1}rubbish"), "stderr ");
    }
}
