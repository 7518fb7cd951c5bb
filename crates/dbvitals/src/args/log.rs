//! Arguments of `dbvitals log`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use jiff::Timestamp;

use super::{
    audit::Judging,
    showing::Showing,
    targets::{ConfigFile, duration},
};

/// Arguments of `dbvitals log`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Args {
    /// Log files and folders of them, plain or packed (gzip, zstd), in any order; - is standard input
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,

    /// How the log is written
    #[arg(long, value_enum, default_value = "auto")]
    pub(crate) log_format: LogFormat,

    /// The server's `log_line_prefix` [default: found out from the first lines]
    #[arg(long, value_name = "PREFIX")]
    pub(crate) prefix: Option<String>,

    /// Leave out what is older: a time (2026-01-31, "2026-01-31 12:00", 2026-01-31T12:00Z; UTC), or how long ago (2h, 1d)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) since: Option<Moment>,

    /// Leave out this time and later
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(crate) until: Option<Moment>,

    /// Remember in STATE how far each file was read, and read only what came since
    #[arg(long, value_name = "STATE", conflicts_with = "follow")]
    pub(crate) resume: Option<PathBuf>,

    /// Read on as the log is written, over rotations; Ctrl-C ends with the report
    #[arg(long)]
    pub(crate) follow: bool,

    /// With --follow, end with the report after this time
    #[arg(long = "for", value_name = "DURATION", value_parser = duration, requires = "follow")]
    pub(crate) for_: Option<Duration>,

    /// With --follow, begin with what is in the file already
    #[arg(long, requires = "follow")]
    pub(crate) from_start: bool,

    /// Statements told in JSON
    #[arg(long, value_name = "NUMBER", default_value = "200", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) top: u32,

    /// The name of this log in the report
    #[arg(long, value_name = "NAME", default_value = "log")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) showing: Showing,

    #[command(flatten)]
    pub(crate) config: ConfigFile,

    /// Save what was read to FILE, to be judged elsewhere or later
    #[arg(long, value_name = "FILE")]
    pub(crate) save_snapshot: Option<PathBuf>,
}

/// How a log is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// Found out from the first lines
    #[default]
    Auto,
    /// `log_destination = stderr`, with any prefix
    Stderr,
    /// csvlog
    Csv,
    /// jsonlog
    Json,
    /// syslog
    Syslog,
}

/// A time, or how long before now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A time.
    At(Timestamp),
    /// Before now.
    Ago(Duration),
}

fn moment(text: &str) -> Result<Moment, String> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(Moment::At(at));
    }
    // Without a zone: UTC, as the report shows times.
    let civil = text.parse::<jiff::civil::DateTime>().ok();
    let civil = civil.or_else(|| Some(text.parse::<jiff::civil::Date>().ok()?.into()));
    if let Some(at) = civil.and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC).ok()) {
        return Ok(Moment::At(at.timestamp()));
    }
    let days = text.strip_suffix('d').and_then(|days| days.parse::<u64>().ok());
    let ago = days.and_then(|days| days.checked_mul(86_400)).map(Duration::from_secs);
    match ago.map_or_else(|| duration(text), Ok) {
        Ok(ago) => Ok(Moment::Ago(ago)),
        Err(_) => Err(format!("{text:?} is no time; write 2026-01-31, \"2026-01-31 12:00\" or 2h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let at = |text: &str| match moment(text).unwrap() {
            Moment::At(at) => at.to_string(),
            Moment::Ago(ago) => format!("{} s ago", ago.as_secs()),
        };
        assert_eq!(at("2026-01-31"), "2026-01-31T00:00:00Z");
        assert_eq!(at("2026-01-31 12:30"), "2026-01-31T12:30:00Z");
        assert_eq!(at("2026-01-31T12:30:00+02:00"), "2026-01-31T10:30:00Z");
        assert_eq!(at("2h"), "7200 s ago");
        assert_eq!(at("1d"), "86400 s ago");
        assert!(moment("yesterday").is_err());
    }
}
