//! What a server speaks that does not speak PostgreSQL.

use std::fmt;

/// What the other side turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaks {
    /// Redis, or one of its kin.
    Redis,
    /// A web server.
    Http,
    /// PgBouncer's administration console, which answers in PostgreSQL's protocol but holds no data.
    BouncerConsole,
    /// Something else.
    Other,
}

impl Speaks {
    /// Judges the first bytes of an answer.
    pub(crate) fn of(answer: &[u8]) -> Self {
        let starts = |heads: &[&[u8]]| heads.iter().any(|head| answer.starts_with(head));
        if starts(&[b"+PONG", b"-ERR", b"-NOAUTH", b"-DENIED", b"-NOPERM", b"-LOADING"]) {
            Self::Redis
        } else if starts(&[b"HTTP/", b"<!DOCTYPE", b"<html", b"<HTML"]) {
            Self::Http
        } else {
            Self::Other
        }
    }
}

impl fmt::Display for Speaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Redis => "it answers like Redis",
            Self::Http => "it answers like a web server",
            Self::BouncerConsole => "it is PgBouncer's own console",
            Self::Other => "it answers in another protocol",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_protocols_are_named() {
        assert_eq!(Speaks::of(b"-ERR unknown command"), Speaks::Redis);
        assert_eq!(Speaks::of(b"-NOAUTH Authentication required."), Speaks::Redis);
        assert_eq!(Speaks::of(b"+PONG\r\n"), Speaks::Redis);
        assert_eq!(Speaks::of(b"HTTP/1.1 400 Bad Request"), Speaks::Http);
        assert_eq!(Speaks::of(b"220 mail.example.org ESMTP"), Speaks::Other);
        assert_eq!(Speaks::of(b""), Speaks::Other);
    }
}
