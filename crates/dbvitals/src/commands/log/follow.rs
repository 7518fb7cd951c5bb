//! A log that is read as it is written, with what matters told at once.

use std::time::{Duration, Instant};

use dbvitals_log::{
    Limits,
    feed::Known,
    follow::Follower,
    record::{Record, Sink, text},
    severity::Severity,
    summary::Summary,
};
use dbvitals_model::log::LogSnapshot;

use crate::{args::log::Args, output, problem::Problem, runtime};

/// How often the file is looked at.
const PAUSE: Duration = Duration::from_millis(200);
/// A statement that took as long is told at once.
const SLOW_MS: i64 = 1000;

/// Follows until the time is over or the user stops it.
pub(super) fn follow(args: &Args, known: Known, limits: Limits) -> Result<LogSnapshot, Problem> {
    let [path] = &args.files[..] else {
        return Err(Problem::usage("--follow reads one file or folder")
            .hint("name the file the server writes, or its folder"));
    };
    let failed = |error: std::io::Error| {
        Problem::usage(format!("cannot read {}: {error}", path.display()))
            .hint("check the path and its permissions")
    };
    let mut follower = Follower::new(path.clone(), known, !args.from_start).map_err(failed)?;
    let mut told = Told { summary: Summary::new(limits), is_quiet: args.showing.quiet };
    let end = args.for_.and_then(|for_| Instant::now().checked_add(for_));
    runtime::block_on(async {
        let mut stopped = std::pin::pin!(runtime::interrupted());
        loop {
            follower.poll(&mut told).map_err(failed)?;
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(());
            }
            let pause = left.map_or(PAUSE, |left| left.min(PAUSE));
            tokio::select! {
                () = &mut stopped => {
                    // What came until now still counts.
                    follower.poll(&mut told).map_err(failed)?;
                    return Ok(());
                }
                () = tokio::time::sleep(pause) => {}
            }
        }
    })
    .flatten()?;
    let (sources, zone) = follower.finish(&mut told);
    Ok(told.summary.snapshot(sources, zone))
}

/// Sums up, and tells what matters on standard error.
struct Told {
    summary: Summary,
    is_quiet: bool,
}

impl Sink for Told {
    fn record(&mut self, record: &Record<'_>) {
        self.summary.record(record);
        if !self.is_quiet && matters(record) {
            let message = text(record.message, 300).replace('\n', " ");
            let time = record.time.and_then(|time| jiff::Timestamp::from_microsecond(time).ok());
            let time = time.map_or_else(String::new, |time| format!("{time:.0} "));
            output::talk(&format!("{time}{}: {}", record.severity.as_str(), printable(&message)));
        }
    }

    fn unread(&mut self, line: &[u8]) {
        self.summary.unread(line);
    }

    fn cut(&mut self) {
        self.summary.cut();
    }
}

impl dbvitals_log::follow::Counts for Told {
    fn records(&self) -> i64 {
        self.summary.records()
    }
}

/// Errors, waits, what came too often, and slow statements.
fn matters(record: &Record<'_>) -> bool {
    use dbvitals_log::event::{Event, of};
    match of(record) {
        Event::Timed { micros, .. } | Event::Duration(micros) => micros >= SLOW_MS * 1000,
        Event::Waited(_)
        | Event::Deadlock
        | Event::CheckpointsTooFrequent(_)
        | Event::Incident(_) => true,
        _ => record.severity >= Severity::Error,
    }
}

/// A terminal must not obey what a log holds.
fn printable(text: &str) -> String {
    text.chars().map(|sign| if sign.is_control() { '\u{fffd}' } else { sign }).collect()
}
