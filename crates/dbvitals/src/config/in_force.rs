//! What is in force: what was typed, and what the configuration file and the environment add to it.

use dbvitals_checks::Settings;

use super::{
    file::File,
    judging,
    merged::Merged,
    target::{self, Server, Target},
};
use crate::{
    args::{
        audit::{Judging, Looking},
        targets::{ConfigFile, TargetArgs},
    },
    environment,
    problem::Problem,
};

/// What one run of a command goes by.
pub(crate) struct InForce {
    /// The configuration file, or an empty one.
    pub(crate) file: File,
    /// Timeouts and the like, each with where it comes from.
    pub(crate) merged: Merged,
    /// Thresholds, profile and what is ignored.
    pub(crate) settings: Settings,
}

/// The servers a command is about.
pub(crate) struct Kind {
    /// Whether it is one.
    is: fn(&Server) -> bool,
    /// What people call it.
    name: &'static str,
    /// How one is named.
    form: &'static str,
}

/// PostgreSQL servers.
pub(crate) const POSTGRES: Kind = Kind {
    is: |server| matches!(server, Server::Postgres(_)),
    name: "PostgreSQL",
    form: "postgres://user@host/database",
};

/// Redis and Valkey servers.
pub(crate) const REDIS: Kind =
    Kind { is: |server| matches!(server, Server::Redis(_)), name: "Redis", form: "redis://host" };

impl InForce {
    /// Of a command that looks at servers.
    pub(crate) fn of(
        args: &TargetArgs,
        judging: &Judging,
        looking: Looking,
    ) -> Result<Self, Problem> {
        let (file, path) = File::load(args.config.named())?;
        let merged = Merged::new(args, judging, looking, &file, path.as_deref())?;
        let settings = judging::settings(&merged, &file)?;
        Ok(Self { file, merged, settings })
    }

    /// Of a command that reads files.
    pub(crate) fn of_files(config: &ConfigFile, judging: &Judging) -> Result<Self, Problem> {
        let args = TargetArgs { config: config.clone(), ..TargetArgs::default() };
        Self::of(&args, judging, Looking::default())
    }

    /// The servers of the command line, else those of the configuration file, else that of the environment.
    pub(crate) fn targets(&self, args: &TargetArgs) -> Result<Vec<Target>, Problem> {
        target::resolve(args, &self.merged, &self.file, &environment::variable)
    }
}

/// Servers of one kind that were named, and how they are judged.
pub(crate) struct Named {
    /// One at least.
    pub(crate) targets: Vec<Target>,
    /// Timeouts and the like.
    pub(crate) merged: Merged,
    /// Thresholds of the configuration file.
    pub(crate) settings: Settings,
}

/// The servers of a command that is about one kind. Naming another on the command line is a slip; the configuration file
/// may hold both.
pub(crate) fn named(args: &TargetArgs, kind: &Kind) -> Result<Named, Problem> {
    let in_force = InForce::of(args, &Judging::default(), Looking::default())?;
    let mut targets = in_force.targets(args)?;
    if !args.targets.is_empty()
        && let Some(other) = targets.iter().find(|target| !(kind.is)(&target.server))
    {
        return Err(Problem::usage(format!("{} is not a {} server", other.name, kind.name))
            .hint(format!("name one, as in {}", kind.form)));
    }
    targets.retain(|target| (kind.is)(&target.server));
    if targets.is_empty() {
        return Err(Problem::usage(format!("no {} server was named", kind.name))
            .hint(format!("name one, as in {}", kind.form)));
    }
    Ok(Named { targets, merged: in_force.merged, settings: in_force.settings })
}
