//! Waiting on servers, on one thread, and ending early when somebody says so.

use std::time::Duration;

use tokio::{
    runtime::{Builder, Runtime},
    signal::unix::{SignalKind, signal},
};

use crate::problem::Problem;

/// Time for cancel requests to leave: well below the second a user waits for.
const FAREWELL: Duration = Duration::from_millis(300);

/// Waits for `future` on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Problem> {
    Ok(start(&mut Builder::new_current_thread())?.block_on(future))
}

/// A runtime for connections and time.
pub(crate) fn start(builder: &mut Builder) -> Result<Runtime, Problem> {
    builder
        .enable_all()
        .build()
        .map_err(|error| Problem::internal(format!("cannot start the runtime: {error}")))
}

/// What `looking` yields. When the user interrupts it is dropped, and that is the problem.
pub(crate) async fn until_interrupted<T>(looking: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::select! {
        seen = looking => Ok(seen),
        () = interrupted() => Err(Problem::interrupted()),
    }
}

/// The same for what looks at PostgreSQL: dropping it cancels what runs there, and the requests for that get a
/// moment to leave, so that nothing is left on the server.
pub(crate) async fn until_cancelled<T>(looking: impl Future<Output = T>) -> Result<T, Problem> {
    let seen = until_interrupted(looking).await;
    if seen.is_err() {
        tokio::time::sleep(FAREWELL).await;
    }
    seen
}

/// Ends when the user interrupts, or the process is told to end.
pub(crate) async fn interrupted() {
    tokio::select! {
        () = sent(SignalKind::interrupt()) => {}
        () = sent(SignalKind::terminate()) => {}
    }
}

/// Ends when the signal arrives; never, where it cannot be waited for.
async fn sent(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    }
}
