//! Just enough of the Redis protocol (RESP2) to command a throwaway server.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
};

use crate::TestkitError;

/// What Redis answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A simple or bulk string, as text (invalid UTF-8 replaced).
    Text(String),
    /// An integer.
    Integer(i64),
    /// The null bulk string or null array.
    Null,
    /// An array.
    Array(Vec<Reply>),
}

impl Reply {
    /// As one text: array items on lines of their own, null empty.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Null => String::new(),
            Self::Array(items) => items.iter().map(Self::text).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// A connection over the server's Unix socket; several may be open at once, e.g. one that blocks in `BLPOP`.
#[derive(Debug)]
pub struct RespConnection {
    stream: BufReader<UnixStream>,
}

impl RespConnection {
    pub(super) fn open(socket: &Path) -> Result<Self, TestkitError> {
        let stream = UnixStream::connect(socket)
            .map_err(TestkitError::io(format!("connect to {}", socket.display())))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Sends a command and waits for its reply; an error reply is an error.
    pub fn command(&mut self, words: &[&str]) -> Result<Reply, TestkitError> {
        self.send(words)?;
        self.receive(words.first().copied().unwrap_or_default())
    }

    /// Sends a command without waiting.
    pub fn send(&mut self, words: &[&str]) -> Result<(), TestkitError> {
        let words = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        let words = words.collect::<Vec<_>>();
        let request = format!("*{}\r\n{}", words.len(), words.concat());
        self.stream
            .get_mut()
            .write_all(request.as_bytes())
            .map_err(TestkitError::io("send to redis"))
    }

    /// Waits for the next reply; `command` names what it answers, for errors.
    pub fn receive(&mut self, command: &str) -> Result<Reply, TestkitError> {
        match self.read_reply().map_err(TestkitError::io(format!("read reply to {command}")))? {
            Ok(reply) => Ok(reply),
            Err(message) => Err(TestkitError::Redis { command: command.into(), message }),
        }
    }

    fn read_reply(&mut self) -> io::Result<Result<Reply, String>> {
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or(io::ErrorKind::UnexpectedEof)?;
        let number =
            || rest.parse::<i64>().map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
        Ok(Ok(match kind {
            "+" => Reply::Text(rest.to_owned()),
            "-" => return Ok(Err(rest.to_owned())),
            ":" => Reply::Integer(number()?),
            "$" => match usize::try_from(number()?) {
                Err(_) => Reply::Null,
                Ok(length) => self.read_bulk(length)?,
            },
            "*" => match usize::try_from(number()?) {
                Err(_) => Reply::Null,
                Ok(length) => return self.read_array(length),
            },
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }))
    }

    fn read_bulk(&mut self, length: usize) -> io::Result<Reply> {
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes)?;
        bytes.truncate(length);
        Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn read_array(&mut self, length: usize) -> io::Result<Result<Reply, String>> {
        let mut items = Vec::new();
        for _ in 0..length {
            // An error inside an array (a failed command of a transaction) is kept as its text.
            items.push(self.read_reply()?.unwrap_or_else(Reply::Text));
        }
        Ok(Ok(Reply::Array(items)))
    }
}
