//! The PostgreSQL servers that were named, and what became of looking at them.

use dbvitals_checks::Settings;
use dbvitals_model::{Reason, Sheet, Snapshot, TargetData};

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
    exit::Exit,
    output,
    problem::Problem,
};

/// What was named and how it is judged.
pub(super) struct Named {
    /// PostgreSQL servers only, at least one.
    pub(super) targets: Vec<Target>,
    /// Timeouts and the like.
    pub(super) merged: Merged,
    /// Thresholds of the configuration file.
    pub(super) settings: Settings,
}

/// The PostgreSQL servers of the command line, else those of the configuration file.
pub(super) fn named(args: &TargetArgs) -> Result<Named, Problem> {
    let (file, path) = File::load(args.config.as_deref())?;
    let merged =
        Merged::new(args, &Judging::default(), Looking::default(), &file, path.as_deref())?;
    let settings = judging::settings(&merged, &file)?;
    let mut targets = target::resolve(args, &merged, &file, &environment::variable)?;
    let is_postgres = |target: &Target| matches!(target.server, Server::Postgres(_));
    if !args.targets.is_empty()
        && let Some(other) = targets.iter().find(|target| !is_postgres(target))
    {
        return Err(Problem::usage(format!("{} is not a PostgreSQL server", other.name))
            .hint("name it as postgres://user@host/database"));
    }
    targets.retain(is_postgres);
    if targets.is_empty() {
        return Err(Problem::usage("no PostgreSQL server was named")
            .hint("name one, as in `dbvitals query top postgres://user@host/database`"));
    }
    Ok(Named { targets, merged, settings })
}

/// Tells of the targets that are not shown: lost ones and poolers. An error where nothing is left.
pub(super) fn tell_lost(snapshot: &Snapshot) -> Result<usize, Problem> {
    let mut lost = Vec::new();
    for target in &snapshot.targets {
        match &target.data {
            TargetData::Unreachable { why, .. } => {
                let problem = Problem::unreachable(format!("{}: {}", target.name, why.detail));
                lost.push(match &why.remedy {
                    Some(remedy) => problem.hint(remedy.clone()),
                    None => problem,
                });
            }
            TargetData::Pooler(_) => lost.push(
                Problem::usage(format!("{} is the console of a pooler", target.name))
                    .hint("name the server behind it: it counts the statements"),
            ),
            _ => {}
        }
    }
    let count = lost.len();
    let is_all = !snapshot.targets.iter().any(|it| matches!(it.data, TargetData::Postgres(_)));
    if is_all && let Some(last) = lost.pop() {
        talk(&lost);
        return Err(last);
    }
    talk(&lost);
    Ok(count)
}

fn talk(lost: &[Problem]) {
    for problem in lost {
        output::talk(&problem.to_string());
    }
}

/// The exit code: 3 where a server was lost, something went wrong, or nothing could be shown.
pub(super) fn exit<'a>(lost: usize, sheets: impl IntoIterator<Item = &'a Sheet>) -> Exit {
    let went_wrong = |reason| matches!(reason, Reason::Failed | Reason::Timeout);
    let is_partial = |sheet: &Sheet| {
        sheet.missing.iter().any(|it| went_wrong(it.why.reason))
            || (sheet.tables.is_empty() && !sheet.missing.is_empty())
    };
    if lost > 0 || sheets.into_iter().any(is_partial) { Exit::Incomplete } else { Exit::Clean }
}
