//! `dbvitals redis keys` and `dbvitals redis patterns`.

use std::fmt::Write as _;

use dbvitals_model::TargetData;

use super::server;
use crate::{
    args::redis::keys::Args, exit::Exit, gather, output, problem::Problem, progress::Progress,
};

/// Looks at some keys of each server and lists their patterns.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let named = server::named(&args.common.targets)?;
    let options = gather::Options::once(named.merged.timeout.value);
    let snapshot = gather::gather(&named.targets, &options, &Progress::new(args.common.quiet))?;
    let mut page = String::new();
    for target in &snapshot.targets {
        let TargetData::Redis(redis) = &target.data else { continue };
        let _ = writeln!(page, "{}", target.name);
        for pattern in redis.key_sample.value().map(|it| it.patterns.as_slice()).unwrap_or_default()
        {
            let _ = writeln!(page, "{} {} {}", pattern.pattern, pattern.keys, pattern.memory_bytes);
        }
    }
    output::data(&page).map(|()| Exit::Clean)
}
