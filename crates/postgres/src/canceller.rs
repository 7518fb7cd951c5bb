//! Ending a connection from elsewhere.

use tokio::task::AbortHandle;

/// Ends a connection from elsewhere; made by [`crate::Session::canceller`].
#[derive(Debug, Clone)]
pub struct Canceller {
    driver: AbortHandle,
}

impl Canceller {
    pub(crate) fn new(driver: AbortHandle) -> Self {
        Self { driver }
    }

    /// Asks the server to cancel what runs, and closes the connection.
    pub async fn abort(&self) {
        self.driver.abort();
        tokio::task::yield_now().await;
    }

    /// [`Self::abort`] without waiting for it; needs a runtime to be running.
    pub(crate) fn abort_in_background(&self) {
        self.driver.abort();
    }
}
