//! The Redis servers that were named.

use crate::{
    args::{
        audit::{Judging, Looking},
        targets::TargetArgs,
    },
    config::{
        file::File,
        judging,
        merged::Merged,
        target::{self, Server, Target},
    },
    environment,
    problem::Problem,
};

/// What was named and how it is judged.
pub(super) struct Named {
    /// Redis servers only, at least one.
    pub(super) targets: Vec<Target>,
    /// Timeouts and the like.
    pub(super) merged: Merged,
    /// Thresholds of the configuration file.
    pub(super) settings: dbvitals_checks::Settings,
}

/// The Redis servers of the command line, else those of the configuration file.
pub(super) fn named(args: &TargetArgs) -> Result<Named, Problem> {
    let (file, path) = File::load(args.config.as_deref())?;
    let merged =
        Merged::new(args, &Judging::default(), Looking::default(), &file, path.as_deref())?;
    let settings = judging::settings(&merged, &file)?;
    let mut targets = target::resolve(args, &merged, &file, &environment::variable)?;
    let is_redis = |target: &Target| matches!(target.server, Server::Redis(_));
    if !args.targets.is_empty()
        && let Some(other) = targets.iter().find(|target| !is_redis(target))
    {
        return Err(Problem::usage(format!("{} is not a Redis server", other.name))
            .hint("name it as redis://host or rediss://host"));
    }
    targets.retain(is_redis);
    if targets.is_empty() {
        return Err(Problem::usage("no Redis server was named")
            .hint("name one, as in `dbvitals redis keys redis://host`"));
    }
    Ok(Named { targets, merged, settings })
}
