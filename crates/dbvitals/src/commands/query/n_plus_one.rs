//! `dbvitals query n-plus-one`.

use dbvitals_checks::pg::look::n_plus_one;
use dbvitals_model::Sheet;

use super::server;
use crate::{
    args::query::n_plus_one::Args, commands::sheets, config::in_force, exit::Exit, gather,
    problem::Problem, progress::Progress,
};

/// Follows the statements of each server, and tells which are called for each row of another.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let named = in_force::named(&args.common.targets, &in_force::POSTGRES)?;
    let progress = Progress::new(args.common.quiet);
    let timeout = named.merged.timeout.value;
    let how = gather::Follow { timeout, length: args.interval, every: args.every };
    let (snapshot, series) = gather::follow(&named.targets, how, &progress)?;
    let lost = server::tell_lost(&snapshot)?;
    let mut shown: Vec<(Sheet, serde_json::Value)> = Vec::new();
    for (target, series) in snapshot.targets.iter().zip(&series) {
        if let Some((sheet, found)) = n_plus_one::look(&snapshot, target, series) {
            let found = serde_json::to_value(found).map_err(Problem::unwritten)?;
            shown.push((sheet, found));
        }
    }
    sheets::print_with(&shown, "pairs", &args.common)?;
    Ok(server::exit(lost, shown.iter().map(|(sheet, _)| sheet)))
}
