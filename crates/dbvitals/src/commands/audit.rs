//! `dbvitals audit`.

use std::path::Path;

use dbvitals_checks::{baseline, judge};
use dbvitals_model::{
    Snapshot, TargetData, report::Report, since::since, snapshot::FORMAT_VERSION,
};

use crate::{
    args::audit::{Args, FailOn},
    config::{in_force::InForce, target},
    exit::Exit,
    gather, output,
    problem::Problem,
    progress::Progress,
    render,
};

/// Looks, judges, reports.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    let in_force = InForce::of(&args.targets, &args.judging, args.looking)?;
    let before = args.baseline.as_deref().map(read_report).transpose()?;
    render::files(&args.showing.output)?;
    let earlier = args.since.as_deref().map(|path| Ok((path, read_snapshot(path)?))).transpose()?;
    let mut snapshot = match &args.from {
        Some(path) => read_snapshot(path)?,
        None => look(args, &in_force)?,
    };
    if let Some(path) = &args.save_snapshot {
        save_snapshot(path, &snapshot)?;
        say(args, "saved the snapshot to", path);
    }
    // What was saved stays as it was seen; the earlier snapshot is for this judgement alone.
    if let Some((path, earlier)) = &earlier {
        begin_with(path, earlier, &mut snapshot)?;
    }
    let mut report = judge(&snapshot, &in_force.settings);
    if let Some(before) = &before {
        report.baseline = Some(baseline::compare(before, &report));
    }
    render::show(&report, &args.showing)?;
    Ok(exit(&report, &snapshot, in_force.merged.fail_on.value))
}

fn look(args: &Args, in_force: &InForce) -> Result<Snapshot, Problem> {
    let InForce { merged, settings, .. } = in_force;
    let targets = in_force.targets(&args.targets)?;
    let targets = target::nodes(targets, args.nodes)?;
    let options = gather::Options {
        interval: merged.interval.value.filter(|_| args.since.is_none()),
        timeout: merged.timeout.value,
        quick: false,
        statements: false,
        measure_bytes: merged.measure_bytes(),
        settings: settings.clone(),
    };
    gather::gather(&targets, &options, &Progress::new(args.showing.quiet))
}

/// Makes the earlier snapshot the first look of every window.
pub(crate) fn begin_with(
    path: &Path,
    earlier: &Snapshot,
    snapshot: &mut Snapshot,
) -> Result<(), Problem> {
    if earlier.taken_at >= snapshot.taken_at {
        return Err(Problem::usage(format!(
            "{} was taken at {:.0}, not before the snapshot to judge ({:.0})",
            path.display(),
            earlier.taken_at,
            snapshot.taken_at
        ))
        .hint("name the older of the two with --since"));
    }
    since(earlier, snapshot);
    Ok(())
}

/// The exit code of a report: 4 when nothing could be reached, 3 when something is missing (a verdict
/// on a part is no verdict on the whole), else 1 or 0 by what was found.
pub(crate) fn exit(report: &Report, snapshot: &Snapshot, fail_on: FailOn) -> Exit {
    let unreachable = |data: &TargetData| matches!(data, TargetData::Unreachable { .. });
    let lost = snapshot.targets.iter().filter(|target| unreachable(&target.data)).count();
    let servers =
        snapshot.targets.iter().filter(|t| !matches!(t.data, TargetData::Host(_))).count();
    if lost > 0 && lost == servers {
        Exit::Connect
    } else if lost > 0 || report.coverage.skipped.iter().any(|skip| skip.class.went_wrong()) {
        Exit::Incomplete
    } else if fails(report, fail_on) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

fn fails(report: &Report, fail_on: FailOn) -> bool {
    let is_too_much = |least| report.findings.iter().any(|finding| finding.severity >= least);
    fail_on.least().is_some_and(is_too_much)
}

fn read_report(path: &Path) -> Result<Report, Problem> {
    let text = output::read(path)?;
    serde_json::from_str(&text).map_err(|error| {
        Problem::usage(format!("{} is not a dbvitals report: {error}", path.display()))
            .hint("write one with `dbvitals audit --format json`")
    })
}

/// A snapshot that was saved.
pub(crate) fn read_snapshot(path: &Path) -> Result<Snapshot, Problem> {
    let text = output::read(path)?;
    let wrong = |error: &dyn std::fmt::Display| {
        Problem::usage(format!("{} is not a dbvitals snapshot: {error}", path.display()))
            .hint("write one with `dbvitals audit --save-snapshot FILE`")
    };
    let value: serde_json::Value = serde_json::from_str(&text).map_err(|error| wrong(&error))?;
    let version = value.get("format_version").and_then(serde_json::Value::as_u64);
    match version {
        Some(version) if version == u64::from(FORMAT_VERSION) => {
            serde_json::from_value(value).map_err(|error| wrong(&error))
        }
        Some(version) => Err(Problem::usage(format!(
            "{} has format version {version}; this dbvitals reads {FORMAT_VERSION}",
            path.display()
        ))
        .hint("judge it with the dbvitals that wrote it")),
        None => Err(wrong(&"it has no format_version")),
    }
}

pub(crate) fn save_snapshot(path: &Path, snapshot: &Snapshot) -> Result<(), Problem> {
    let bytes = serde_json::to_vec(snapshot).map_err(Problem::unwritten)?;
    output::file(path, &bytes)
}

/// Tells where something was put, unless the user wants quiet.
fn say(args: &Args, what: &str, path: &Path) {
    if !args.showing.quiet {
        output::talk(&format!("{what} {}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, TargetSnapshot, Unavailable, snapshot::TargetKind};
    use jiff::Timestamp;

    use dbvitals_checks::Settings;

    use super::*;

    fn target(name: &str, data: TargetData) -> TargetSnapshot {
        TargetSnapshot::new(name, "", data)
    }

    fn unreachable(name: &str) -> TargetSnapshot {
        let why = Unavailable { reason: Reason::Failed, detail: "refused".into(), remedy: None };
        target(name, TargetData::Unreachable { kind: TargetKind::Postgres, why })
    }

    fn code(targets: Vec<TargetSnapshot>) -> Exit {
        let snapshot = Snapshot::new("", Timestamp::UNIX_EPOCH, targets);
        exit(&judge(&snapshot, &Settings::default()), &snapshot, FailOn::Info)
    }

    #[test]
    fn one_lost_target_is_incomplete_and_all_lost_is_no_connection() {
        let empty = || target("empty", TargetData::Redis(Box::default()));
        assert_eq!(code(vec![unreachable("a")]), Exit::Connect);
        assert_eq!(code(vec![unreachable("a"), unreachable("b")]), Exit::Connect);
        assert_eq!(code(vec![unreachable("a"), empty()]), Exit::Incomplete);
        assert_eq!(code(vec![empty()]), Exit::Clean);
    }
}
