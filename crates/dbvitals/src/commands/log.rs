//! `dbvitals log`.

mod follow;

use std::path::{Path, PathBuf};

use dbvitals_checks::judge;
use dbvitals_log::{Format, Limits, Prefix, Read, Request, State, feed::Known};
use dbvitals_model::{Snapshot, TargetData, TargetSnapshot, log::LogSnapshot};
use jiff::Timestamp;

use crate::{
    args::log::{Args, LogFormat, Moment},
    commands::audit,
    config::in_force::InForce,
    exit::Exit,
    output,
    problem::Problem,
    progress::Progress,
    render,
};

/// Bytes between two words of progress.
const STEP: u64 = 16 << 20;

/// Reads, judges, reports.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    let in_force = InForce::of_files(&args.config, &args.judging)?;
    render::files(&args.showing.output)?;
    let now = Timestamp::now();
    let known = known(args, now)?;
    let limits = limits(args, now);
    let log =
        if args.follow { follow::follow(args, known, limits)? } else { read(args, known, limits)? };
    if log.records == 0 && log.sources.iter().all(|source| source.resumed_at == 0) {
        return Err(nothing(&log, &args.files));
    }
    let snapshot = snapshot(args, log, now);
    if let Some(path) = &args.save_snapshot {
        audit::save_snapshot(path, &snapshot)?;
    }
    let report = judge(&snapshot, &in_force.settings);
    render::show(&report, &args.showing)?;
    Ok(audit::exit(&report, &snapshot, in_force.merged.fail_on.value))
}

fn known(args: &Args, now: Timestamp) -> Result<Known, Problem> {
    let prefix = args.prefix.as_deref().map(Prefix::compile).transpose().map_err(|error| {
        Problem::usage(error.to_string())
            .hint("give the value of log_line_prefix as `SHOW log_line_prefix` prints it")
    })?;
    let format = match args.log_format {
        LogFormat::Auto => None,
        LogFormat::Stderr => Some(Format::Stderr),
        LogFormat::Csv => Some(Format::Csv),
        LogFormat::Json => Some(Format::Json),
        LogFormat::Syslog => Some(Format::Syslog),
    };
    Ok(Known { format, prefix, not_after: now.as_microsecond() })
}

fn limits(args: &Args, now: Timestamp) -> Limits {
    let micros = |moment: Moment| match moment {
        Moment::At(at) => at.as_microsecond(),
        Moment::Ago(ago) => {
            now.as_microsecond() - i64::try_from(ago.as_micros()).unwrap_or(i64::MAX)
        }
    };
    Limits {
        since: args.since.map(micros),
        until: args.until.map(micros),
        leaders: usize::try_from(args.top).unwrap_or(usize::MAX),
        ..Limits::default()
    }
}

fn read(args: &Args, known: Known, limits: Limits) -> Result<LogSnapshot, Problem> {
    let state = args.resume.as_deref().map(remembered).transpose()?;
    let progress = Progress::new(args.showing.quiet);
    let (mut read_bytes, mut told) = (0_u64, 0_u64);
    let request = Request { paths: args.files.clone(), known, limits, state };
    let read = dbvitals_log::read(request, &mut |bytes| {
        read_bytes += bytes;
        if read_bytes - told >= STEP {
            told = read_bytes;
            progress.step(&args.name, &format!("{} MB read", read_bytes >> 20));
        }
    });
    progress.finish();
    let Read { log, state } = read.map_err(|error| {
        Problem::usage(error.to_string()).hint("check the path and its permissions")
    })?;
    if let Some(path) = &args.resume {
        let text = state.write().map_err(Problem::unwritten)?;
        output::file(path, text.as_bytes())?;
    }
    Ok(log)
}

/// Where the last run ended; nothing at the first one.
fn remembered(path: &Path) -> Result<State, Problem> {
    if !path.exists() {
        return Ok(State::default());
    }
    State::read(&output::read(path)?).map_err(|error| {
        Problem::usage(format!("{} does not hold what --resume keeps: {error}", path.display()))
            .hint("name another file, or remove this one to read everything again")
    })
}

/// Not one record: the report would be of nothing.
fn nothing(log: &LogSnapshot, files: &[PathBuf]) -> Problem {
    let lines = log.unread.lines;
    let names: Vec<&str> = log.sources.iter().map(|source| source.name.as_str()).collect();
    let problem = log.sources.iter().find_map(|source| source.problem.as_deref());
    let what = match (lines, problem, log.unread.examples.first()) {
        (_, Some(problem), _) => format!("cannot read {}: {problem}", names.join(", ")),
        _ if names.is_empty() => {
            let given: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
            format!("there is no log file in {}", given.join(", "))
        }
        (0, ..) => format!("there is no record in {}", names.join(", ")),
        (_, _, Some(first)) => format!(
            "none of {lines} lines of {} is a record of a PostgreSQL log; the first is: {first}",
            names.join(", ")
        ),
        _ => format!("none of {lines} lines is a record of a PostgreSQL log"),
    };
    let hint = if lines > 0 {
        "say how it is written: --prefix with the value of log_line_prefix, or --log-format"
    } else {
        "check the files, and --since and --until"
    };
    Problem::usage(what).hint(hint)
}

fn snapshot(args: &Args, log: LogSnapshot, now: Timestamp) -> Snapshot {
    let files: Vec<&str> = log.sources.iter().map(|source| source.name.as_str()).collect();
    let endpoint = match files.len() {
        0..=3 => files.join(", "),
        more => format!("{more} files"),
    };
    let broken = log.sources.iter().filter_map(|source| {
        Some(format!("{} breaks off: {}", source.name, source.problem.as_ref()?))
    });
    let target = TargetSnapshot {
        problems: broken.collect(),
        ..TargetSnapshot::new(&args.name, endpoint, TargetData::Log(Box::new(log)))
    };
    Snapshot::new(env!("CARGO_PKG_VERSION"), now, vec![target])
}
