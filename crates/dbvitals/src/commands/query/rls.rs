//! `dbvitals query rls`: what row-level security costs, by table and role.

mod ask;
mod choose;
mod look;
mod settings;

use dbvitals_checks::{judge, settings::Pattern};
use dbvitals_model::{
    Reason, Section, Snapshot, TargetData, Unavailable, pg::row_security::PolicyCosts,
    report::Report,
};

use super::{one, server};
use crate::{
    args::{audit::Looking, query::rls::Args, targets::TargetArgs},
    commands::audit,
    config::in_force::InForce,
    exit::Exit,
    problem::Problem,
    progress::Progress,
    render,
};

/// The checks that speak of policies.
const CHECKS: &str = "pg-rls-*";

/// Sections they rest on.
const SECTIONS: [&str; 6] =
    ["guarded_indexes", "indexes", "policies", "policy_costs", "policy_functions", "relations"];

/// Plans, measures where that was asked for, judges, reports.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let named = TargetArgs {
        targets: args.target.iter().cloned().collect(),
        config: args.config.clone(),
        ..TargetArgs::default()
    };
    let mut in_force = InForce::of(&named, &args.judging, Looking::default())?;
    if in_force.settings.only.is_empty() {
        in_force.settings.only.extend(Pattern::new(CHECKS));
    }
    let target = one::only(in_force.targets(&named)?, "")?;
    render::files(&args.showing.output)?;
    let snapshot = look::look(&target, args, &Progress::new(args.showing.quiet))?;
    server::tell_lost(&snapshot)?;
    if let Some(path) = &args.save_snapshot {
        audit::save_snapshot(path, &snapshot)?;
    }
    let report = narrowed(judge(&snapshot, &in_force.settings));
    render::show(&report, &args.showing)?;
    let exit = audit::exit(&report, &snapshot, in_force.merged.fail_on.value);
    Ok(if lacks_plans(&snapshot) { exit.max(Exit::Incomplete) } else { exit })
}

/// The report without what an audit would tell besides.
fn narrowed(mut report: Report) -> Report {
    let is_ours = |section: &str| {
        let name = section.split('@').next().unwrap_or(section);
        SECTIONS.contains(&name)
    };
    report.coverage.sections.retain(|state| is_ours(&state.section));
    report.overview.retain(|table| table.id.starts_with("rls-"));
    report.metrics.clear();
    report
}

/// Whether something that was asked for could not be planned or executed.
fn lacks_plans(snapshot: &Snapshot) -> bool {
    let lacks = |section: &Section<PolicyCosts>| match section {
        Section::Unavailable(_) => true,
        Section::Collected(seen) => {
            let none = !seen.value.reads.iter().any(|read| read.guarded.value().is_some());
            let refused = |why: &Unavailable| why.reason != Reason::NotAsked;
            let cut = seen.value.reads.iter().any(|read| read.measured.get().is_err_and(refused));
            let wrong = seen.gaps.iter().any(|gap| gap.reason.went_wrong());
            wrong || cut || (none && !seen.gaps.is_empty())
        }
    };
    snapshot.targets.iter().any(|target| match &target.data {
        TargetData::Postgres(pg) => pg.by_database.iter().any(|db| lacks(&db.policy_costs)),
        _ => false,
    })
}
