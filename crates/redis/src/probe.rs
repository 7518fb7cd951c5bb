//! Finding out who listens at a port that did not answer as Redis does.

use std::{sync::Arc, time::Duration};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{Address, Tls, tls};

/// Longest wait for one probe's answer; less where the target wants less.
const PATIENCE: Duration = Duration::from_secs(1);

/// PostgreSQL's request to switch to TLS: a length of 8 and the code 80877103. Every version answers it with one
/// byte, and nothing is logged.
const POSTGRES_TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// Who answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// A Redis without TLS.
    PlainRedis,
    /// Something behind TLS.
    Tls,
    /// A known other server.
    Other(&'static str),
}

/// Who speaks like this, if it is somebody known. `first` is what it said first.
pub(crate) fn recognise(first: &[u8]) -> Option<Peer> {
    const POSTGRES: Peer = Peer::Other("PostgreSQL answers at that port");
    let begins = |text: &str| first.starts_with(text.as_bytes());
    match first {
        [0x15, 0x03, ..] => Some(Peer::Tls),
        [b'S' | b'N'] | [b'E', 0, 0, ..] | [b'R', 0, 0, 0, ..] => Some(POSTGRES),
        [_, _, 0, 0, 0x0a, ..] => Some(Peer::Other("MySQL or MariaDB answers at that port")),
        _ if begins("HTTP/") || begins("<") => {
            Some(Peer::Other("a web server (HTTP) answers at that port"))
        }
        _ if begins("SSH-") => Some(Peer::Other("an SSH server answers at that port")),
        _ if begins("220") => Some(Peer::Other("a mail or FTP server answers at that port")),
        _ if begins("ERROR\r") => Some(Peer::Other("memcached answers at that port")),
        _ if begins("+PONG") || begins("-NOAUTH") || begins("-NOPERM") || begins("-LOADING") => {
            Some(Peer::PlainRedis)
        }
        _ => None,
    }
}

/// Asks a port that closed our plain connection, or kept silent, who it is.
pub(crate) async fn who_else(address: &Address, patience: Duration) -> Option<Peer> {
    let Address::Tcp { host, port } = address else { return None };
    let first = ask(host, *port, &POSTGRES_TLS_REQUEST, patience).await;
    if let Some(peer) = first.as_deref().and_then(recognise) {
        return Some(peer);
    }
    speaks_tls(host, *port, patience).await.then_some(Peer::Tls)
}

/// Asks a port that did not complete a TLS handshake whether a plain Redis is there.
pub(crate) async fn who_is_plain(address: &Address, patience: Duration) -> Option<Peer> {
    let Address::Tcp { host, port } = address else { return None };
    let first = ask(host, *port, b"PING\r\n", patience).await?;
    recognise(&first)
}

/// Connects, says `words` and returns what comes back first.
async fn ask(host: &str, port: u16, words: &[u8], patience: Duration) -> Option<Vec<u8>> {
    let conversation = async {
        let mut stream = TcpStream::connect((host, port)).await.ok()?;
        stream.write_all(words).await.ok()?;
        let mut answer = vec![0; 64];
        let length = stream.read(&mut answer).await.ok()?;
        answer.truncate(length);
        Some(answer)
    };
    timeout(patience.min(PATIENCE), conversation).await.ok().flatten()
}

async fn speaks_tls(host: &str, port: u16, patience: Duration) -> bool {
    let conversation = async {
        let name = ServerName::try_from(host.to_owned()).ok()?;
        let config = tls::config(&Tls { insecure: true, ..Tls::default() }).ok()?;
        let stream = TcpStream::connect((host, port)).await.ok()?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        match connector.connect(name, stream).await {
            Ok(_) => Some(()),
            // An alert is TLS too: it may want a client certificate, say.
            Err(error) => error.to_string().contains("alert").then_some(()),
        }
    };
    timeout(patience.min(PATIENCE), conversation).await.ok().flatten().is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_usual_neighbours() {
        let name = |first: &[u8]| match recognise(first) {
            Some(Peer::Other(what)) => what,
            Some(Peer::Tls) => "tls",
            Some(Peer::PlainRedis) => "redis",
            None => "nobody",
        };
        assert!(name(b"N").contains("PostgreSQL"));
        assert!(name(b"E\0\0\0\x40SFATAL").contains("PostgreSQL"));
        assert!(name(b"HTTP/1.1 400 Bad Request").contains("HTTP"));
        assert!(name(b"SSH-2.0-OpenSSH").contains("SSH"));
        assert!(name(b"\x4a\0\0\0\x0a8.0").contains("MySQL"));
        assert_eq!(name(&[0x15, 3, 3, 0, 2]), "tls");
        assert_eq!(name(b"+PONG\r\n"), "redis");
        assert_eq!(name(b""), "nobody");
    }
}
