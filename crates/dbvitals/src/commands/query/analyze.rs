//! `dbvitals query analyze`.

mod facts;
mod given;
mod look;
mod offline;
mod rewrites;
mod suggestions;
mod values;
mod verify;

use dbvitals_checks::judge;
use dbvitals_model::{Reason, Section, Snapshot, TargetData};
use dbvitals_postgres::scratch::Place;
use dbvitals_query::{Class, Statement};

use super::{one, server};
use crate::{
    args::{audit::Looking, query::analyze::Args, targets::TargetArgs},
    commands::audit,
    config::{in_force::InForce, target::Server},
    exit::Exit,
    problem::Problem,
    progress::Progress,
    render,
};
use given::Given;

/// What can be had without a server.
const OFFLINE: &str = "; --offline judges the text alone";

/// Reads, plans, judges, reports.
pub(crate) fn run(args: &Args) -> Result<Exit, Problem> {
    let given = given::read(args)?;
    refuse_writes(args, &given)?;
    let named = |target: Option<&String>| TargetArgs {
        targets: target.into_iter().cloned().collect(),
        config: args.config.clone(),
        ..TargetArgs::default()
    };
    let watched = named(args.target.as_ref());
    let in_force = InForce::of(&watched, &args.judging, Looking::default())?;
    let target =
        if args.offline { None } else { Some(one::only(in_force.targets(&watched)?, OFFLINE)?) };
    let place = match &args.scratch {
        Some(scratch) => match one::only(in_force.targets(&named(Some(scratch)))?, "")?.server {
            Server::Postgres(server) => Some(Place::new(*server)),
            Server::Redis(_) => None,
        },
        None => None,
    };
    render::files(&args.showing.output)?;
    let progress = Progress::new(args.showing.quiet);
    let mut snapshot = match target {
        Some(target) => look::look(&target, &given, args, place.as_ref(), &progress)?,
        None => offline::look(&given),
    };
    server::tell_lost(&snapshot)?;
    suggestions::of_all(&given, &mut snapshot);
    if let Some(path) = &args.save_snapshot {
        audit::save_snapshot(path, &snapshot)?;
    }
    let report = judge(&snapshot, &in_force.settings);
    render::show(&report, &args.showing)?;
    let exit = audit::exit(&report, &snapshot, in_force.merged.fail_on.value);
    Ok(if lacks_plan(&snapshot) { exit.max(Exit::Incomplete) } else { exit })
}

/// Whether a statement that could have a plan has none, or was to be executed and was not to its end.
fn lacks_plan(snapshot: &Snapshot) -> bool {
    snapshot.targets.iter().any(|target| match &target.data {
        TargetData::Statement(statement) => match &statement.plans {
            Section::Unavailable(why) => why.reason != Reason::NotApplicable,
            Section::Collected(plans) => plans.gaps.iter().any(|gap| gap.reason.went_wrong()),
        },
        _ => false,
    })
}

/// Says before anything is asked what will not be executed.
fn refuse_writes(args: &Args, given: &[Given]) -> Result<(), Problem> {
    if !args.analyze || args.allow_writes {
        return Ok(());
    }
    let writes =
        |statement: &Statement| matches!(statement.classify().class, Class::Write | Class::Bulk);
    match given.iter().find(|given| given.statement.as_ref().is_some_and(writes)) {
        Some(given) => Err(Problem::usage(format!(
            "{} writes, and --analyze would execute it: {}",
            given.name,
            given.first_words()
        ))
        .hint("leave --analyze out to see its plan, or add --allow-writes: it is rolled back, but sequences stay \
               advanced, and its locks are held until then")),
        None => Ok(()),
    }
}
