//! A stream that remembers the first bytes it received.
//!
//! They tell a server that speaks another protocol from a slow one, and hold the process id a login is given,
//! which the wire library keeps to itself.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsStream};

/// Enough for a login's messages.
const LIMIT: usize = 4096;

/// The first bytes received.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Vec<u8>>>);

/// What a request to cancel must present.
#[derive(Clone, Copy)]
pub(crate) struct CancelKey {
    pub(crate) process_id: i32,
    pub(crate) secret: [u8; 4],
}

/// A stream that remembers.
#[derive(Debug)]
pub(super) struct Listening<S> {
    inner: S,
    heard: Heard,
    is_full: bool,
}

impl Heard {
    /// A copy of the bytes.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether anything was received.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// What a login's `BackendKeyData` message holds.
    pub(super) fn cancel_key(&self) -> Option<CancelKey> {
        let bytes = self.bytes();
        let mut rest = bytes.as_slice();
        while let [kind, a, b, c, d, ..] = rest {
            let length = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
            let body = rest.get(5..=length)?;
            if *kind == b'K' {
                let (process_id, rest) = body.split_first_chunk::<4>()?;
                let process_id = i32::from_be_bytes(*process_id);
                return rest
                    .first_chunk::<4>()
                    .map(|secret| CancelKey { process_id, secret: *secret });
            }
            rest = &rest[length + 1..];
        }
        None
    }

    fn add(&self, bytes: &[u8]) -> bool {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LIMIT.saturating_sub(heard.len());
        heard.extend_from_slice(&bytes[..bytes.len().min(room)]);
        heard.len() >= LIMIT
    }
}

impl<S> Listening<S> {
    pub(super) fn new(inner: S, heard: Heard) -> Self {
        Self { inner, heard, is_full: false }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Listening<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let answer = Pin::new(&mut self.inner).poll_read(cx, buf);
        if !self.is_full && buf.filled().len() > before {
            self.is_full = self.heard.add(&buf.filled()[before..]);
        }
        answer
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listening<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: TlsStream + Unpin> TlsStream for Listening<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.inner.channel_binding()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_process_id_is_found_among_the_logins_messages() {
        let heard = Heard::default();
        heard.add(b"R\0\0\0\x08\0\0\0\0S\0\0\0\x09a\0b\0\0K\0\0\0\x0c\0\0\x01\x02\0\0\0\x07");
        let key = heard.cancel_key().unwrap();
        assert_eq!((key.process_id, key.secret), (258, [0, 0, 0, 7]));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in any::<Vec<u8>>()) {
            let heard = Heard::default();
            heard.add(&bytes);
            let _ = heard.cancel_key();
        }
    }
}
