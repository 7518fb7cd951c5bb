//! Statements followed for a while: their counters every few seconds, then all that is known of the server.

use std::time::{Duration, Instant};

use dbvitals_model::pg::series::Moment;
use tokio::time::sleep_until;

use super::{
    Collected,
    options::{Options, Progress},
    run::Run,
    statements,
};
use crate::{Error, Target};

/// Looks at the counters of all statements every so often for so long, then collects once.
///
/// Where statements cannot be read there are no moments, and the snapshot says why.
pub async fn follow(
    target: &Target,
    options: &Options<'_>,
    length: Duration,
    every: Duration,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<(Collected, Vec<Moment>), Error> {
    Box::pin(followed(target, options, length, every, progress)).await
}

async fn followed(
    target: &Target,
    options: &Options<'_>,
    length: Duration,
    every: Duration,
    progress: &(dyn Fn(Progress<'_>) + Sync),
) -> Result<(Collected, Vec<Moment>), Error> {
    let mut run = Run::begin(target, options, progress).await?;
    let mut moments = Vec::new();
    if run.place.is_ok() {
        let begun = Instant::now();
        let end = begun + length;
        // The time of the looks is no time for collecting.
        run.deadline += length;
        loop {
            let asked = Instant::now();
            let entries = statements::look_before(&mut run).await;
            let second = begun.elapsed().as_secs_f64();
            moments.push(Moment { second, statements: entries.rows });
            let next = asked + every;
            if next > end || run.session.lost.is_some() {
                break;
            }
            progress(Progress::Waiting { left: end.saturating_duration_since(asked) });
            sleep_until(next.into()).await;
        }
    }
    run.read_instance().await;
    run.read_statements(None).await;
    run.read_databases().await;
    Ok((run.finish().await, moments))
}
