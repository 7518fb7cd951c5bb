//! `dbvitals redis latency`.

use dbvitals_checks::redis::look::latency;
use futures_util::future::join_all;

use super::look;
use crate::{
    args::redis::latency::Args, config::in_force, exit::Exit, problem::Problem, progress::Progress,
};

/// Watches latency for a while and tells.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let named = in_force::named(&args.common.targets, &in_force::REDIS)?;
    look::block_on(async {
        let mut opened = look::open(&named).await?;
        let progress = Progress::new(args.common.quiet);
        let sheets = opened.watches.iter_mut().map(|(name, watch)| {
            let progress = &progress;
            async move {
                progress.step(name, "measuring latency");
                let seen = watch.latency(args.interval, args.every).await;
                progress.done(name);
                latency::sheet(name, &seen)
            }
        });
        let sheets = join_all(sheets).await;
        progress.finish();
        look::print(&sheets, &args.common)?;
        Ok(look::exit(&opened, &sheets))
    })
}
