//! Ending a connection from elsewhere.

use std::{fmt, io, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    runtime::Handle,
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect as _};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::{
    Error,
    connect::{
        listening::CancelKey,
        socket::{Address, Socket},
        wire::offers_tls,
    },
    error::Kind,
    target::{HostName, Target},
};

/// The start of a request to cancel: its length, then a version no protocol has.
const CANCEL: [u8; 8] = [0, 0, 0, 16, 0x04, 0xd2, 0x16, 0x2e];

/// How long one request to cancel may take.
const LIMIT: Duration = Duration::from_millis(250);

/// How long a query that is already on its way may take to start.
const LATE_START: Duration = Duration::from_millis(50);

/// Ends a connection from elsewhere; made by [`crate::Session::canceller`].
#[derive(Clone)]
pub struct Canceller(Arc<Inner>);

struct Inner {
    route: Route,
    driver: AbortHandle,
}

/// The way to the server a connection was made to.
pub(crate) struct Route {
    pub(crate) target: Target,
    pub(crate) address: Address,
    pub(crate) tls: Option<MakeRustlsConnect>,
    /// Nothing, if the server gave none; then only closing is left.
    pub(crate) key: Option<CancelKey>,
}

impl Canceller {
    pub(crate) fn new(route: Route, driver: AbortHandle) -> Self {
        Self(Arc::new(Inner { route, driver }))
    }

    /// Asks the server to cancel what runs and closes the connection; takes well under a second, whatever the
    /// server does. Harmless if nothing runs or the connection has ended.
    pub async fn abort(&self) {
        if self.0.driver.is_finished() {
            return;
        }
        // The first request reaches what runs now. It goes before the closing because a pooler forgets a
        // client that has left. A batch's next query may start in between; a later request reaches that: the
        // last comes late enough for a query that was about to start. From version 14 the server also looks
        // by itself whether its client is gone.
        // That no answer came in time does not mean that a request got lost; so all are sent.
        let _ = timeout(LIMIT, self.cancel()).await;
        self.0.driver.abort();
        let _ = timeout(LIMIT, self.cancel()).await;
        sleep(LATE_START).await;
        let _ = timeout(LIMIT, self.cancel()).await;
    }

    /// [`Self::abort`] without waiting for it; without a runtime only the connection is closed.
    pub(crate) fn abort_in_background(&self) {
        match Handle::try_current() {
            Ok(runtime) => {
                let canceller = self.clone();
                runtime.spawn(async move { canceller.abort().await });
            }
            Err(_) => self.0.driver.abort(),
        }
    }

    async fn cancel(&self) -> Result<(), Error> {
        let route = &self.0.route;
        let Some(key) = route.key else { return Ok(()) };
        let mut socket = Socket::open(&route.address, &route.target).await?;
        let failed = |source| Error::from(Kind::Unreachable { source });
        let Some(connector) = &route.tls else {
            return send(key, socket).await.map_err(failed);
        };
        if !route.target.tls.direct && !offers_tls(&mut socket).await? {
            return Err(Kind::TlsNotOffered.into());
        }
        let name = match route.target.hosts.first().map(|host| &host.at) {
            Some(HostName::Tcp(name)) => name.as_str(),
            _ => "",
        };
        let Ok(connector) =
            MakeTlsConnect::<Socket>::make_tls_connect(&mut connector.clone(), name);
        let stream = connector.connect(socket).await.map_err(failed)?;
        send(key, stream).await.map_err(failed)
    }
}

/// Sends the request and waits until the other side closes, which it does once it has passed the request on.
async fn send(key: CancelKey, mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let request = [CANCEL.as_slice(), &key.process_id.to_be_bytes(), &key.secret].concat();
    stream.write_all(&request).await?;
    stream.flush().await?;
    stream.read(&mut [0]).await.map(|_| ())
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller").field("address", &self.0.route.address).finish_non_exhaustive()
    }
}
