//! What the looks into one matter share: connecting, waiting, printing, exit codes.

use dbvitals_model::{Reason, Sheet};
use dbvitals_redis::Watch;
use dbvitals_report::{ColorChoice, sheet};
use futures_util::future::join_all;

use super::server::Named;
use crate::{
    args::redis::{Common, Format},
    config::target::{Server, Target},
    exit::Exit,
    output,
    problem::Problem,
    render,
};

/// Servers that were named, each with an open connection, and how many could not be reached.
pub(super) struct Opened {
    pub(super) watches: Vec<(String, Watch)>,
    lost: usize,
}

/// Runs a look to its end, or until the user interrupts.
pub(super) fn block_on<T>(look: impl Future<Output = Result<T, Problem>>) -> Result<T, Problem> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::internal(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        tokio::select! {
            done = look => done,
            _ = tokio::signal::ctrl_c() => Err(Problem::interrupted()),
        }
    })
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
                let why = error.unavailable();
                let mut problem = Problem::unreachable(format!("{name}: {}", why.detail));
                if let Some(remedy) = why.remedy {
                    problem = problem.hint(remedy);
                }
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

/// Prints sheets; JSON is one object for one server, else a list.
pub(super) fn print(sheets: &[Sheet], common: &Common) -> Result<(), Problem> {
    let broken = |error: serde_json::Error| Problem::internal(error.to_string());
    let text = match common.format {
        Format::Terminal => {
            let style = render::for_terminal(
                common.color,
                None,
                false,
                crate::args::showing::Format::Terminal,
            );
            let color: ColorChoice = style.color;
            sheet::terminal(sheets, style.width, color)
        }
        Format::Markdown => sheet::markdown(sheets),
        Format::Json => match sheets {
            [one] => sheet::pretty(one).map_err(broken)?,
            many => {
                let texts: Result<Vec<_>, _> = many.iter().map(sheet::pretty).collect();
                format!("[\n{}]\n", texts.map_err(broken)?.join(","))
            }
        },
    };
    output::data(&text)
}

/// The exit code: 3 where a server was lost or something went wrong, or what was asked for was refused.
pub(super) fn exit(opened: &Opened, sheets: &[Sheet]) -> Exit {
    let went_wrong = |reason| matches!(reason, Reason::Failed | Reason::Timeout);
    let mut missing = sheets.iter().flat_map(|sheet| &sheet.missing);
    let is_empty = |sheet: &Sheet| sheet.tables.is_empty() && !sheet.missing.is_empty();
    let lost = opened.watches.iter().any(|(_, watch)| watch.lost().is_some());
    if opened.lost > 0
        || lost
        || missing.any(|it| went_wrong(it.why.reason))
        || sheets.iter().any(is_empty)
    {
        Exit::Incomplete
    } else {
        Exit::Clean
    }
}
