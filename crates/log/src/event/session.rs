//! Connections and sessions.

use memchr::memmem;

use super::{Event, millionths, whole};

/// Who was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity<'a> {
    /// User.
    pub user: &'a [u8],
    /// Database; empty for replication.
    pub database: &'a [u8],
    /// Application name.
    pub application: &'a [u8],
}

/// `connection received: host=…`, `connection authorized: user=…`, and clients that were lost.
pub(super) fn connection(message: &[u8]) -> Option<Event<'_>> {
    if let Some(rest) = message.strip_prefix(b"connection received: host=") {
        return Some(Event::Connected(word(rest)));
    }
    if let Some(rest) = message.strip_prefix(b"connection authorized: ") {
        return Some(Event::Authorized(identity(rest)));
    }
    if let Some(rest) = message.strip_prefix(b"replication connection authorized: ") {
        return Some(Event::Authorized(identity(rest)));
    }
    let is_lost = message.starts_with(b"could not receive data from client")
        || message.starts_with(b"could not send data to client")
        || message.starts_with(b"unexpected EOF on client connection");
    is_lost.then_some(Event::Lost)
}

/// `disconnection: session time: 0:00:01.234 user=…`.
pub(super) fn disconnection(message: &[u8]) -> Option<Event<'_>> {
    let rest = message.strip_prefix(b"disconnection: session time: ")?;
    let (hours, len) = whole(rest)?;
    let rest = rest.get(len + 1..)?;
    let (minutes, len) = whole(rest)?;
    let (micros, _) = millionths(rest.get(len + 1..)?)?;
    let whole = hours.checked_mul(60)?.checked_add(minutes)?.checked_mul(60_000_000)?;
    Some(Event::Disconnected(whole.checked_add(micros)?))
}

fn identity(text: &[u8]) -> Identity<'_> {
    let behind =
        |mark: &[u8]| memmem::find(text, mark).map_or(&b""[..], |at| &text[at + mark.len()..]);
    let until = |text: &'_ [u8], mark: &[u8]| memmem::find(text, mark).unwrap_or(text.len());
    let application = behind(b" application_name=");
    let application = &application[..until(application, b" SSL ")];
    Identity { user: word(behind(b"user=")), database: word(behind(b" database=")), application }
}

fn word(text: &[u8]) -> &[u8] {
    &text[..text.iter().position(|byte| *byte == b' ').unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_come_and_go() {
        assert_eq!(
            connection(b"connection received: host=10.0.0.1 port=5533"),
            Some(Event::Connected(b"10.0.0.1"))
        );
        let text = b"connection authorized: user=joe database=app application_name=my app SSL enabled (protocol=TLSv1.3)";
        let expected = Identity { user: b"joe", database: b"app", application: b"my app" };
        assert_eq!(connection(text), Some(Event::Authorized(expected)));
        assert_eq!(
            disconnection(b"disconnection: session time: 1:02:03.500 user=joe database=app"),
            Some(Event::Disconnected(3_723_500_000))
        );
        assert_eq!(disconnection(b"disconnection: session time: x"), None);
        for lost in [
            &b"could not receive data from client: Connection reset by peer"[..],
            b"unexpected EOF on client connection with an open transaction",
        ] {
            assert_eq!(connection(lost), Some(Event::Lost));
        }
    }
}
