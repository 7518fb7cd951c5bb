//! What the looks into one matter share: connecting, waiting, printing, exit codes.

use dbvitals_model::Sheet;
use dbvitals_redis::Watch;
use futures_util::future::join_all;

pub(super) use crate::commands::sheets::print;
use crate::{
    commands::sheets::is_partial,
    config::{
        in_force::Named,
        target::{Server, Target},
    },
    exit::Exit,
    output,
    problem::Problem,
    runtime,
};

/// Servers that were named, each with an open connection, and how many could not be reached.
pub(super) struct Opened {
    pub(super) watches: Vec<(String, Watch)>,
    lost: usize,
}

/// Runs a look to its end, or until the user interrupts.
pub(super) fn block_on<T>(look: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    runtime::block_on(runtime::until_interrupted(look)).flatten().flatten()
}

/// Connects to every server at once. Who cannot be reached is told; nobody reached ends the command.
pub(super) async fn open(named: &Named) -> Result<Opened, Problem> {
    let timeout = named.merged.timeout.value;
    let reached = join_all(named.targets.iter().map(|target: &Target| async move {
        let Server::Redis(server) = &target.server else { return None };
        let patience = timeout.min(dbvitals_redis::Options::default().timeout);
        Some((target.name.clone(), Watch::open(server, patience).await))
    }));
    let mut opened = Opened { watches: Vec::new(), lost: 0 };
    for (name, watch) in reached.await.into_iter().flatten() {
        match watch {
            Ok(watch) => opened.watches.push((name, watch)),
            Err(error) => {
                let problem = Problem::lost(&name, error.unavailable());
                if opened.lost + 1 == named.targets.len() {
                    return Err(problem);
                }
                opened.lost += 1;
                output::talk(&problem.to_string());
            }
        }
    }
    Ok(opened)
}

/// The exit code: 3 where a server was lost or something went wrong, or what was asked for was refused.
pub(super) fn exit(opened: &Opened, sheets: &[Sheet]) -> Exit {
    let lost = opened.watches.iter().any(|(_, watch)| watch.lost().is_some());
    if opened.lost > 0 || lost || sheets.iter().any(is_partial) {
        Exit::Incomplete
    } else {
        Exit::Clean
    }
}
