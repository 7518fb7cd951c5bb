//! `dbvitals redis slowlog`.

use std::time::Duration;

use dbvitals_checks::redis::look::slowlog;
use dbvitals_model::Sheet;
use dbvitals_redis::{Position, Watch};
use futures_util::future::join_all;

use super::look;
use crate::{
    args::redis::{Format, slowlog::Args},
    config::in_force,
    exit::Exit,
    output,
    problem::Problem,
};

/// Time between two looks unless told otherwise.
const INTERVAL: Duration = Duration::from_secs(5);

/// Shows what the slow log holds, or what comes into it.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    if args.follow && args.common.format == Format::Html {
        return Err(Problem::usage("--follow goes on, and a page of HTML has an end")
            .hint("leave --follow out, or choose terminal, markdown or json"));
    }
    let named = in_force::named(&args.common.targets, &in_force::REDIS)?;
    look::block_on(async {
        let mut opened = look::open(&named).await?;
        let interval = args.interval.or(args.follow.then_some(INTERVAL));
        let looks = if args.follow { args.looks.unwrap_or(u32::MAX) } else { 1 };
        let mut positions = positions(&mut opened.watches, interval).await;
        let mut exit = Exit::Clean;
        for _ in 0..looks {
            if let Some(interval) = interval {
                tokio::time::sleep(interval).await;
            }
            let sheets = sheets(&mut opened.watches, &mut positions, args.entries).await;
            exit = exit.max(look::exit(&opened, &sheets));
            if args.follow {
                follow(&sheets, args)?;
            } else {
                look::print(&sheets, &args.common)?;
            }
            if opened.watches.iter().all(|(_, watch)| watch.lost().is_some()) {
                break;
            }
        }
        Ok(exit)
    })
}

/// Where each slow log ends now; nowhere where the whole log is looked at.
async fn positions(
    watches: &mut [(String, Watch)],
    interval: Option<Duration>,
) -> Vec<Option<Position>> {
    let all = watches.iter_mut().map(|(_, watch)| async {
        match interval {
            Some(_) => Some(watch.slowlog_position().await),
            None => None,
        }
    });
    join_all(all).await
}

/// A sheet of each server; the positions move on.
async fn sheets(
    watches: &mut [(String, Watch)],
    positions: &mut [Option<Position>],
    most: u32,
) -> Vec<Sheet> {
    let all = watches.iter_mut().zip(positions).map(|((name, watch), position)| async move {
        let (look, next) = watch.slowlog(most, *position).await;
        *position = position.map(|_| next);
        slowlog::sheet(name, &look)
    });
    join_all(all).await
}

/// Pages of an interval: those without slow commands are passed over; JSON has a line for each.
fn follow(sheets: &[Sheet], args: &Args) -> Result<(), Problem> {
    if args.common.format == Format::Json {
        for sheet in sheets {
            let line = dbvitals_report::sheet::line(sheet);
            output::data(&line.map_err(Problem::unwritten)?)?;
        }
        return Ok(());
    }
    let is_news = |sheet: &&Sheet| !sheet.tables.is_empty() || !sheet.missing.is_empty();
    let news: Vec<Sheet> = sheets.iter().filter(is_news).cloned().collect();
    if news.is_empty() { Ok(()) } else { look::print(&news, &args.common) }
}
