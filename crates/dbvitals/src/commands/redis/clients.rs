//! `dbvitals redis clients`.

use dbvitals_checks::redis::look::clients::{self, By};
use futures_util::future::join_all;

use super::look;
use crate::{args::redis::clients::Args, config::in_force, exit::Exit, problem::Problem};

/// Looks at the clients twice and tells who they are.
pub(super) fn run(args: &Args) -> Result<Exit, Problem> {
    let named = in_force::named(&args.common.targets, &in_force::REDIS)?;
    let by: Vec<By> = args.by.iter().map(|by| (*by).into()).collect();
    look::block_on(async {
        let mut opened = look::open(&named).await?;
        let by = by.as_slice();
        let sheets = opened.watches.iter_mut().map(|(name, watch)| async move {
            clients::sheet(name, &watch.clients(args.interval).await, by)
        });
        let sheets = join_all(sheets).await;
        look::print(&sheets, &args.common)?;
        Ok(look::exit(&opened, &sheets))
    })
}
