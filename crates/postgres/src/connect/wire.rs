//! From an open socket to a login: PostgreSQL's own request for TLS, the handshake, the wire library.

use std::{io, pin::Pin, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    listening::{Heard, Listening},
    socket::Socket,
};
use crate::{Error, error::Kind, speaks::Speaks};

/// The message that asks a server whether it speaks TLS: its length, then a version no protocol has.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// How long to listen to a server that has begun to say something else.
const SNIFF: Duration = Duration::from_millis(200);

/// A socket that remembers what it heard first.
pub(super) type Raw = Listening<Socket>;

type Connector = <MakeRustlsConnect as MakeTlsConnect<Raw>>::TlsConnect;
type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Raw>>::Stream;

/// Asks the server whether it speaks TLS.
pub(crate) async fn offers_tls<S>(stream: &mut S) -> Result<bool, Error>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    // A server that has hung up may still have said why; so reading goes on even if writing fails.
    let _ = stream.write_all(&TLS_REQUEST).await;
    let mut answer = [0];
    match stream.read_exact(&mut answer).await {
        Ok(_) => {}
        Err(source) => return Err(Kind::HungUp { source: Some(source) }.into()),
    }
    match answer[0] {
        b'S' => Ok(true),
        b'N' => Ok(false),
        first => {
            let mut said = vec![first];
            let _ = timeout(SNIFF, stream.take(63).read_to_end(&mut said)).await;
            Err(match first {
                // An error message: the server cannot start a session at all.
                b'E' => Kind::HungUp { source: Some(io::Error::other("it answers an error")) },
                _ => Kind::NotPostgres { speaks: Speaks::of(&said) },
            }
            .into())
        }
    }
}

/// Shakes hands over TLS and remembers what is heard inside.
pub(super) struct Handshake {
    pub(super) connector: Connector,
    pub(super) heard: Heard,
}

impl Handshake {
    /// Towards a server of this name, which its certificate may have to prove.
    pub(super) fn new(connector: &MakeRustlsConnect, name: &str, heard: Heard) -> Self {
        let Ok(connector) = MakeTlsConnect::<Raw>::make_tls_connect(&mut connector.clone(), name);
        Self { connector, heard }
    }
}

impl TlsConnect<Raw> for Handshake {
    type Stream = Listening<Encrypted>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Stream>> + Send>>;

    fn connect(self, stream: Raw) -> Self::Future {
        let Self { connector, heard } = self;
        Box::pin(async move { Ok(Listening::new(connector.connect(stream).await?, heard)) })
    }
}
