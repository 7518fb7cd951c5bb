//! Finding out who is at a port that does not answer PostgreSQL's greeting.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

use super::{listening::Heard, socket::Address};
use crate::speaks::Speaks;

/// A PostgreSQL server that has said nothing for this long is either in trouble or no PostgreSQL server.
const SUSPICION: Duration = Duration::from_secs(1);

/// How long the other protocol may take to answer.
const ANSWER: Duration = Duration::from_millis(500);

/// Waits until the server is suspiciously silent, then greets it as Redis is greeted. Ends only if something
/// other than PostgreSQL answers. PostgreSQL itself would log the greeting as an invalid packet, which is why
/// it is not sent to a server that has said anything.
pub(super) async fn suspect(address: &Address, heard: &Heard) -> Speaks {
    if let Address::Tcp(to) = address {
        sleep(SUSPICION).await;
        if heard.is_empty() {
            let greeted = timeout(ANSWER, greet(*to)).await;
            if let Ok(Some(speaks @ (Speaks::Redis | Speaks::Http))) = greeted {
                return speaks;
            }
        }
    }
    std::future::pending().await
}

async fn greet(to: std::net::SocketAddr) -> Option<Speaks> {
    let mut stream = TcpStream::connect(to).await.ok()?;
    stream.write_all(b"PING\r\n\r\n").await.ok()?;
    let mut answer = [0; 64];
    let length = stream.read(&mut answer).await.ok()?;
    Some(Speaks::of(&answer[..length]))
}
