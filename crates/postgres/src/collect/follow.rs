//! Statements followed for a while: their counters every few seconds, then all that is known of the server.

use std::time::{Duration, Instant};

use dbvitals_model::pg::series::Series;
use tokio::time::sleep_until;

use super::{
    Collected,
    options::{Options, Progress},
    run::Run,
    series::{Followed, Follower},
};
use crate::{Error, Target};

/// Who asks for looks so often gets them, whatever they cost.
const NO_LIMIT: u32 = 0;

/// Looks at the counters of all statements every so often for so long, then collects once.
///
/// Where statements cannot be read the series is empty, and the snapshot says why.
pub async fn follow(
    target: &Target,
    options: &Options<'_>,
    length: Duration,
    every: Duration,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<(Collected, Series), Error> {
    Box::pin(followed(target, options, length, every, progress)).await
}

async fn followed(
    target: &Target,
    options: &Options<'_>,
    length: Duration,
    every: Duration,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<(Collected, Series), Error> {
    let mut run = Run::begin(target, options, progress).await?;
    let looks = looks(&mut run, length, every).await;
    run.read_instance().await;
    let statements = run.read_statements(None).await;
    run.read_databases().await;
    let series = looks.map(|looks| looks.series(&statements, usize::MAX)).unwrap_or_default();
    Ok((run.finish().await, series))
}

async fn looks(run: &mut Run<'_>, length: Duration, every: Duration) -> Option<Followed> {
    let mut follower = Follower::begin(run, every, NO_LIMIT).await?;
    let end = Instant::now() + length;
    // The time of the looks is no time for collecting.
    run.deadline += length;
    loop {
        follower.look(run).await;
        let next = follower.next();
        if next > end || run.session.lost.is_some() {
            break;
        }
        (run.progress)(Progress::Waiting { left: end.saturating_duration_since(Instant::now()) });
        sleep_until(next.into()).await;
    }
    Some(follower.end(&mut run.cost).await)
}
