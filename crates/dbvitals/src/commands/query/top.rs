//! `dbvitals query top` and `dbvitals query slow`.

use dbvitals_checks::pg::look::top::{self, Ask, Top};
use dbvitals_model::Sheet;

use super::server;
use crate::{
    args::query::top::{Args, Choice, ClassName, SlowArgs},
    commands::{audit, sheets},
    config::{ignore::pattern, in_force},
    exit::Exit,
    gather,
    problem::Problem,
    progress::Progress,
};

/// Ranks statements.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let ask = Ask { by: args.by.rank(), ..ask("query-top", &args.choice)? };
    look(&args.choice, &ask)
}

/// Lists slow statements.
pub(super) fn slow(args: &SlowArgs) -> Result<Exit, Problem> {
    let over = args.over.map(|over| over.as_secs_f64() * 1000.0);
    let ask = Ask { by: args.by.rank(), slow: Some(over), ..ask("query-slow", &args.choice)? };
    look(&args.choice, &ask)
}

fn ask(id: &'static str, choice: &Choice) -> Result<Ask, Problem> {
    let read = |text: &Option<String>, place: &str| {
        text.as_deref().map(|text| pattern(text, place)).transpose()
    };
    Ok(Ask {
        id,
        by: top::DEFAULT,
        limit: choice.limit,
        slow: None,
        database: read(&choice.database, "--database")?,
        user: read(&choice.user, "--user")?,
        class: choice.class.map(ClassName::class),
        is_since: choice.since.is_some(),
    })
}

fn look(choice: &Choice, ask: &Ask) -> Result<Exit, Problem> {
    let named = in_force::named(&choice.common.targets, &in_force::POSTGRES)?;
    let earlier = choice.since.as_deref().map(|path| Ok((path, audit::read_snapshot(path)?)));
    let earlier = earlier.transpose()?;
    let options = gather::Options {
        interval: choice.interval,
        statements: true,
        settings: named.settings.clone(),
        ..gather::Options::once(named.merged.timeout.value)
    };
    let progress = Progress::new(choice.common.quiet);
    let mut snapshot = gather::gather(&named.targets, &options, &progress)?;
    if let Some((path, earlier)) = &earlier {
        audit::begin_with(path, earlier, &mut snapshot)?;
    }
    let lost = server::tell_lost(&snapshot)?;
    let tops: Vec<Top> = snapshot
        .targets
        .iter()
        .filter_map(|target| top::top(&snapshot, target, &named.settings, ask))
        .collect();
    let shown: Result<Vec<(Sheet, serde_json::Value)>, _> = tops
        .into_iter()
        .map(|top| Ok((top.sheet, serde_json::to_value(top.statements)?)))
        .collect();
    let shown = shown.map_err(Problem::unwritten)?;
    sheets::print_with(&shown, "statements", &choice.common)?;
    Ok(server::exit(lost, shown.iter().map(|(sheet, _)| sheet)))
}
