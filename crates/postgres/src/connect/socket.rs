//! A TCP or Unix socket, opened as the target asks.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll},
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream, lookup_host},
};

use crate::{
    Error,
    error::Kind,
    target::{Host, HostName, Target},
};

/// Where a socket leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    Tcp(SocketAddr),
    /// The socket's file.
    Unix(PathBuf),
}

/// An open socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Address {
    /// Whether the other end is on this machine.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Tcp(address) => match address.ip() {
                IpAddr::V4(v4) => v4.is_loopback(),
                IpAddr::V6(v6) => v6.to_canonical().is_loopback(),
            },
            Self::Unix(_) => true,
        }
    }

    /// All addresses of a host, in the resolver's order.
    pub(crate) async fn resolve(host: &Host) -> Result<Vec<Self>, Error> {
        let name = match (&host.at, host.address) {
            (HostName::Unix(folder), _) => {
                return Ok(vec![Self::Unix(Host::socket(folder, host.port))]);
            }
            (_, Some(address)) => return Ok(vec![Self::Tcp((address, host.port).into())]),
            (HostName::Tcp(name), None) => name,
        };
        let failed = |source| Kind::Resolve { host: name.clone(), source };
        let found: Vec<Self> =
            lookup_host((name.as_str(), host.port)).await.map_err(failed)?.map(Self::Tcp).collect();
        if found.is_empty() {
            let nothing = io::Error::new(io::ErrorKind::NotFound, "it has no address");
            return Err(failed(nothing).into());
        }
        Ok(found)
    }
}

impl Socket {
    /// Opens a socket.
    pub(crate) async fn open(address: &Address, target: &Target) -> Result<Self, Error> {
        match address {
            Address::Tcp(to) => {
                let stream = TcpStream::connect(to).await.map_err(refusal)?;
                tune(&stream, target).map_err(|source| Kind::Unreachable { source })?;
                Ok(Self::Tcp(stream))
            }
            Address::Unix(path) => match UnixStream::connect(path).await {
                Ok(stream) => Ok(Self::Unix(stream)),
                Err(source) if source.kind() == io::ErrorKind::NotFound => {
                    Err(Kind::NoSocket { path: path.clone(), source }.into())
                }
                Err(source) => Err(refusal(source).into()),
            },
        }
    }
}

fn refusal(source: io::Error) -> Kind {
    match source.kind() {
        io::ErrorKind::ConnectionRefused => Kind::Refused { source },
        _ => Kind::Unreachable { source },
    }
}

fn tune(stream: &TcpStream, target: &Target) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if let Some(wanted) = &target.keepalive {
        let mut keepalive = TcpKeepalive::new();
        if let Some(idle) = wanted.idle {
            keepalive = keepalive.with_time(idle);
        }
        if let Some(interval) = wanted.interval {
            keepalive = keepalive.with_interval(interval);
        }
        if let Some(count) = wanted.count {
            keepalive = keepalive.with_retries(count);
        }
        socket.set_keepalive(true)?;
        socket.set_tcp_keepalive(&keepalive)?;
    }
    #[cfg(target_os = "linux")]
    if target.tcp_user_timeout.is_some() {
        socket.set_tcp_user_timeout(target.tcp_user_timeout)?;
    }
    Ok(())
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
