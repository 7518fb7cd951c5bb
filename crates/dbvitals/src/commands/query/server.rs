//! What became of looking at the PostgreSQL servers that were named.

use dbvitals_model::{Sheet, Snapshot, TargetData};

use crate::{commands::sheets::is_partial, exit::Exit, output, problem::Problem};

/// Tells of the targets that are not shown: lost ones and poolers. An error where nothing is left.
pub(super) fn tell_lost(snapshot: &Snapshot) -> Result<usize, Problem> {
    let mut lost = Vec::new();
    for target in &snapshot.targets {
        match &target.data {
            TargetData::Unreachable { why, .. } => {
                lost.push(Problem::lost(&target.name, why.clone()));
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
    if lost > 0 || sheets.into_iter().any(is_partial) { Exit::Incomplete } else { Exit::Clean }
}
