//! `dbvitals check`: vital signs in the manner of a monitoring plugin.

use std::time::Duration;

use dbvitals_checks::vitals::{self, Vital, VitalState};
use dbvitals_model::{Severity, Snapshot, TargetData, Unit, report::Wanted};
use dbvitals_report::plugin::{self, State};

use crate::{
    args::{
        audit::{Judging, Looking},
        check::Args,
    },
    config::in_force::InForce,
    exit::Exit,
    gather, output,
    problem::Problem,
    progress::Progress,
};

/// Longest time for one target unless told otherwise: a monitoring system gives up after ten seconds.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Prints one line and exits with the code monitoring systems expect. What stops us from looking is no
/// alarm about the servers: it is said on the line as UNKNOWN.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    look(args).or_else(|problem| {
        let text = problem.to_string().replace('\n', "; ").replace('|', "/");
        output::data(&format!("DBVITALS UNKNOWN - {text}")).map(|()| Exit::Incomplete)
    })
}

fn look(args: &Args) -> Result<Exit, Problem> {
    let in_force = InForce::of(&args.targets, &Judging::default(), Looking::default())?;
    let targets = in_force.targets(&args.targets)?;
    let timeout = args.targets.timeout.unwrap_or(TIMEOUT);
    let options = gather::Options { quick: true, ..gather::Options::once(timeout) };
    let snapshot = gather::gather(&targets, &options, &Progress::new(true))?;
    let mut signs: Vec<plugin::Vital> = unreachable(&snapshot);
    let many = targets.len() > 1;
    signs.extend(
        vitals::vitals(&snapshot, &in_force.settings).into_iter().filter_map(|v| sign(v, many)),
    );
    let said = plugin::render(&signs);
    output::data(&said.line)?;
    Ok(match said.state {
        State::Ok => Exit::Clean,
        State::Warning => Exit::Findings,
        State::Critical => Exit::Usage,
        State::Unknown => Exit::Incomplete,
    })
}

/// A server that cannot be reached is critical, and its other vital signs are not known.
fn unreachable(snapshot: &Snapshot) -> Vec<plugin::Vital> {
    let lost = snapshot.targets.iter().filter_map(|target| match &target.data {
        TargetData::Unreachable { why, .. } => Some((target, why)),
        _ => None,
    });
    lost.map(|(target, why)| plugin::Vital {
        name: target.name.clone(),
        value: None,
        unit: Unit::Count,
        warn: None,
        crit: None,
        state: State::Critical,
        text: why.detail.clone(),
    })
    .collect()
}

fn sign(vital: Vital, many: bool) -> Option<plugin::Vital> {
    let state = match vital.state {
        VitalState::Healthy | VitalState::Found(Severity::Info) => State::Ok,
        VitalState::Found(Severity::Warning) => State::Warning,
        VitalState::Found(Severity::Critical) => State::Critical,
        VitalState::Unknown => State::Unknown,
        // A replica's lag where there is no replica is no vital sign; a value still is worth telling.
        VitalState::NotApplicable if vital.value.is_some() => State::Ok,
        VitalState::NotApplicable => return None,
    };
    let wanted = |limit: f64| {
        if vital.low_is_bad { Wanted::AtLeast(limit) } else { Wanted::AtMost(limit) }
    };
    let name =
        if many { format!("{} {}", vital.target, vital.name) } else { vital.name.to_owned() };
    Some(plugin::Vital {
        name,
        value: vital.value,
        unit: vital.unit,
        warn: vital.warning.map(wanted),
        crit: vital.critical.map(wanted),
        state,
        text: vital.text,
    })
}
