//! The Redis protocol over an open stream: requests encoded once, replies read where they lie.
//!
//! A full walk exchanges millions of tiny replies; reading them in place costs the client a fraction of what an owned
//! value for each would.

use std::{io, time::Duration};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use super::parse::{self, Head};
use crate::{Error, connect::Stream};

/// Room for replies at first; it grows to the largest reply.
const ROOM: usize = 64 * 1024;

/// Longest text kept, in bytes. A longer one is read and dropped: it may be half a gigabyte.
const LONGEST: usize = 1024 * 1024;

/// A reply, or the head of an array whose items follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    Int(i64),
    Text(&'a [u8]),
    /// A text too long to be kept.
    TooLong,
    Nil,
    /// `NOPERM …`
    Refused(&'a [u8]),
    Array(usize),
}

impl Reply<'_> {
    /// The integer, or an integer written as text.
    pub(crate) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// The error, if it is one.
    pub(crate) fn refusal(&self) -> Option<Error> {
        match self {
            Self::Refused(line) => Some(Error::from_line(&String::from_utf8_lossy(line))),
            _ => None,
        }
    }
}

/// A connection on which requests are gathered, sent at once, and answered in order.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    endpoint: String,
    patience: Duration,
    out: Vec<u8>,
    room: Vec<u8>,
    from: usize,
    to: usize,
    /// Bytes received so far.
    pub(crate) received: u64,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Wire {
    /// Speaks over an open stream; sends nothing yet.
    pub(crate) fn over(stream: Box<dyn Stream>, endpoint: &str, patience: Duration) -> Self {
        Self {
            stream,
            endpoint: endpoint.to_owned(),
            patience,
            out: Vec::with_capacity(16 * 1024),
            room: vec![0; ROOM],
            from: 0,
            to: 0,
            received: 0,
        }
    }

    /// Adds a command to the next request.
    pub(crate) fn ask(&mut self, words: &[&[u8]]) {
        parse::encode(&mut self.out, words);
    }

    /// Sends what was gathered.
    pub(crate) async fn send(&mut self) -> Result<(), Error> {
        let sent = timeout(self.patience, async {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await
        })
        .await;
        self.out.clear();
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(self.closed()),
            Err(_) => Err(self.late()),
        }
    }

    /// The next reply.
    pub(crate) async fn reply(&mut self) -> Result<Reply<'_>, Error> {
        let head = self.head().await?;
        match head {
            Head::Int(number) => Ok(Reply::Int(number)),
            Head::Nil => Ok(Reply::Nil),
            Head::Array(items) => Ok(Reply::Array(items)),
            Head::Line { length, is_error } => {
                let line = self.take(length, 2);
                Ok(if is_error { Reply::Refused(line) } else { Reply::Text(line) })
            }
            Head::Bulk(length) if length > LONGEST => {
                self.drop_bytes(length + 2).await?;
                Ok(Reply::TooLong)
            }
            Head::Bulk(length) => {
                while self.to - self.from < length + 2 {
                    self.fill().await?;
                }
                Ok(Reply::Text(self.take(length, 2)))
            }
        }
    }

    async fn head(&mut self) -> Result<Head, Error> {
        loop {
            let bytes = self.room.get(self.from..self.to).unwrap_or_default();
            match parse::head(bytes) {
                Ok(Some((head, used))) => {
                    self.from += used;
                    return Ok(head);
                }
                Ok(None) if bytes.len() > LONGEST => return Err(self.closed()),
                Ok(None) => self.fill().await?,
                Err(()) => return Err(self.closed()),
            }
        }
    }

    /// Bytes that are there, without what ends them.
    fn take(&mut self, length: usize, end: usize) -> &[u8] {
        let start = self.from;
        self.from += length + end;
        self.room.get(start..start + length).unwrap_or_default()
    }

    /// Reads and forgets.
    async fn drop_bytes(&mut self, mut count: usize) -> Result<(), Error> {
        loop {
            let here = count.min(self.to - self.from);
            self.from += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Waits for more bytes.
    async fn fill(&mut self) -> Result<(), Error> {
        if self.from > 0 {
            self.room.copy_within(self.from..self.to, 0);
            self.to -= self.from;
            self.from = 0;
        }
        if self.to == self.room.len() {
            self.room.resize(self.room.len() * 2, 0);
        }
        let free = self.room.get_mut(self.to..).unwrap_or_default();
        match timeout(self.patience, self.stream.read(free)).await {
            Ok(Ok(count)) if count > 0 => {
                self.to += count;
                self.received += u64::try_from(count).unwrap_or(u64::MAX);
                Ok(())
            }
            Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(self.late()),
            Ok(_) => Err(self.closed()),
            Err(_) => Err(self.late()),
        }
    }

    /// An answer of another shape than the question allows.
    pub(crate) fn nonsense(&self) -> Error {
        self.closed()
    }

    fn closed(&self) -> Error {
        Error::Closed { endpoint: self.endpoint.clone(), during: "the look at the keys".to_owned() }
    }

    fn late(&self) -> Error {
        Error::TimedOut {
            endpoint: self.endpoint.clone(),
            during: "the look at the keys".to_owned(),
            after: self.patience,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answers(bytes: &'static [u8], read: impl AsyncFnOnce(Wire)) {
        let (ours, mut theirs) = tokio::io::duplex(7);
        let speaking = async move {
            theirs.write_all(bytes).await.unwrap();
            theirs
        };
        let wire = Wire::over(Box::new(ours), "test", Duration::from_secs(5));
        let ((), _theirs) = tokio::join!(read(wire), speaking);
    }

    #[tokio::test]
    async fn reads_replies_that_come_in_pieces() {
        let bytes =
            b"*2\r\n$1\r\n0\r\n*1\r\n$5\r\na\r\nbc\r\n:-7\r\n$-1\r\n+hash\r\n-NOPERM no\r\n";
        answers(bytes, async |mut wire| {
            assert_eq!(wire.reply().await.unwrap(), Reply::Array(2));
            assert_eq!(wire.reply().await.unwrap(), Reply::Text(b"0"));
            assert_eq!(wire.reply().await.unwrap(), Reply::Array(1));
            assert_eq!(wire.reply().await.unwrap(), Reply::Text(b"a\r\nbc"));
            assert_eq!(wire.reply().await.unwrap().int(), Some(-7));
            assert_eq!(wire.reply().await.unwrap(), Reply::Nil);
            assert_eq!(wire.reply().await.unwrap(), Reply::Text(b"hash"));
            assert!(wire.reply().await.unwrap().refusal().unwrap().is_permission());
        })
        .await;
    }

    #[tokio::test]
    async fn an_endless_name_is_dropped_and_the_next_reply_still_read() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let mut wire = Wire::over(Box::new(ours), "test", Duration::from_secs(5));
        let speaking = async move {
            let head = format!("${}\r\n", LONGEST + 1);
            theirs.write_all(head.as_bytes()).await.unwrap();
            theirs.write_all(&vec![b'x'; LONGEST + 1]).await.unwrap();
            theirs.write_all(b"\r\n:1\r\n").await.unwrap();
            theirs
        };
        let reading = async {
            assert_eq!(wire.reply().await.unwrap(), Reply::TooLong);
            assert_eq!(wire.reply().await.unwrap(), Reply::Int(1));
            assert!(wire.room.len() <= ROOM, "{}", wire.room.len());
        };
        let ((), _theirs) = tokio::join!(reading, speaking);
    }
}
