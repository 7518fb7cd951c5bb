//! One place that turns a failure into why a section is missing, and what opens it.

use std::io;

use dbvitals_model::{Reason, Unavailable};

use crate::{Error, command::Command};

impl Error {
    /// Why nothing could be read, and what to do about it.
    pub fn unavailable(&self) -> Unavailable {
        match self.remedy() {
            Some(remedy) => Unavailable::with_remedy(self.reason(), self.described(), remedy),
            None => Unavailable { reason: self.reason(), detail: self.described(), remedy: None },
        }
    }

    /// The message with its cause.
    fn described(&self) -> String {
        match self {
            Self::Connect { source, .. } | Self::Tls { source, .. } => format!("{self}: {source}"),
            _ => self.to_string(),
        }
    }

    fn reason(&self) -> Reason {
        match self {
            _ if self.is_timeout() => Reason::Timeout,
            _ if self.is_auth() || self.is_permission() => Reason::Permission,
            Self::TooOld { .. } => Reason::Version,
            _ if self.code() == Some("DENIED") => Reason::Permission,
            _ => Reason::Failed,
        }
    }

    fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Connect { source, .. } => connect_remedy(source.kind())?,
            Self::TimedOut { .. } => {
                "check the network path and the server's load, or allow more time with ?timeout=10s"
            }
            Self::TlsFile { .. } => "give a readable PEM file",
            Self::Tls { source, .. } => tls_remedy(&source.to_string()),
            Self::WantsTls { .. } => "write rediss:// instead of redis://",
            Self::WantsPlain { .. } => "write redis:// instead of rediss://, or give the tls-port",
            Self::Foreign { what, .. } if what.contains("PostgreSQL") => "write postgres://",
            Self::Foreign { .. } => "check the port (Redis usually listens on 6379)",
            Self::Closed { .. } => "look into the server's log for why it closed the connection",
            Self::Loading { .. } => "try again when INFO persistence says loading:0",
            Self::Stale { .. } => "remove the resume file and begin anew",
            Self::TooOld { .. } => "upgrade: every version before 6.2 is out of support",
            Self::Refused { code, message } => return refused_remedy(code, message),
        };
        Some(remedy.to_owned())
    }
}

/// Why the section behind `command` is missing for ACL user `user`.
pub(crate) fn refused(command: Command, user: &str, error: &Error) -> Unavailable {
    let name = command.name();
    if error.is_permission() {
        return Unavailable::with_remedy(
            Reason::Permission,
            format!("user {user} may not run {name}"),
            format!("ACL SETUSER {user} {}", command.rule),
        );
    }
    if error.is_unknown_command() {
        return Unavailable::with_remedy(
            Reason::Disabled,
            format!("{name} is renamed or removed on this server, as managed services do"),
            format!("remove the rename-command line for {name}, or consult the provider's console"),
        );
    }
    let mut why = error.unavailable();
    if matches!(error, Error::Refused { .. }) {
        why.detail = format!("{name}: {}", why.detail);
    }
    why
}

/// Why keys could not be looked at: user `user` is not allowed to see them.
pub(crate) fn keys_hidden(user: &str, keys: usize, before_7: bool) -> Unavailable {
    let rule = if before_7 { "~*" } else { "%R~*" };
    Unavailable::with_remedy(
        Reason::Permission,
        format!("user {user} may not look at {keys} of the sampled keys"),
        format!("ACL SETUSER {user} {rule}"),
    )
}

fn connect_remedy(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::ConnectionRefused => {
            Some("start the server, or check host, port and the server's bind setting")
        }
        io::ErrorKind::NotFound => Some("check the socket's path (unixsocket in redis.conf)"),
        io::ErrorKind::PermissionDenied => {
            Some("join the group that owns the socket, or widen unixsocketperm in redis.conf")
        }
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => Some("check the network path and firewalls"),
        _ => None,
    }
}

fn tls_remedy(text: &str) -> &'static str {
    let text = text.to_ascii_lowercase();
    if text.contains("unknownissuer") {
        "give the authority that signed the server's certificate: ?cacert=FILE"
    } else if text.contains("expired") {
        "renew the server's certificate"
    } else if text.contains("notvalidforname") || text.contains("not valid for name") {
        "connect by a name that the server's certificate holds"
    } else if text.contains("certificaterequired") || text.contains("certificate required") {
        "give a client certificate: ?cert=FILE&key=FILE"
    } else {
        "check tls-port, certificates and protocols of the server (redis-cli --tls shows more)"
    }
}

fn refused_remedy(code: &str, message: &str) -> Option<String> {
    let remedy = match code {
        "NOAUTH" => "give a password: redis://user:password@host, or REDISCLI_AUTH",
        "WRONGPASS" => "check user and password (ACL GETUSER shows the user on the server)",
        "DENIED" => {
            "protected mode is on: set a password and bind addresses on the server, or connect from its own host"
        }
        "MISCONF" => "the server cannot save: see rdb_last_bgsave_status in INFO and its log",
        "MASTERDOWN" => "the replica has lost its primary and replica-serve-stale-data is no",
        "BUSY" => "a script has run too long: SCRIPT KILL ends it if it has not written",
        "NOPERM" => return None,
        _ if message.contains("max number of clients") => {
            "raise maxclients, or close idle connections (CLIENT LIST)"
        }
        _ if message.contains("invalid password") => "check user and password",
        _ => return None,
    };
    Some(remedy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Unavailable {
        Error::from_line(text).unavailable()
    }

    #[test]
    fn a_forbidden_command_names_its_rule() {
        let error = Error::from_line("NOPERM this user has no permissions to run the 'config|get'");
        let why = refused(Command::CONFIG_GET, "auditor", &error);
        assert_eq!(why.reason, Reason::Permission);
        assert_eq!(why.remedy.as_deref(), Some("ACL SETUSER auditor +config|get"));
        assert_eq!(why.detail, "user auditor may not run CONFIG GET");
    }

    #[test]
    fn a_renamed_command_is_told_from_a_forbidden_one() {
        let error =
            Error::from_line("ERR unknown command 'CONFIG', with args beginning with: 'GET'");
        let why = refused(Command::CONFIG_GET, "default", &error);
        assert_eq!(why.reason, Reason::Disabled);
        assert!(why.detail.contains("renamed or removed"));
    }

    #[test]
    fn each_known_refusal_has_a_reason_and_a_remedy() {
        for (text, reason) in [
            ("NOAUTH Authentication required.", Reason::Permission),
            ("WRONGPASS invalid username-password pair or user is disabled.", Reason::Permission),
            ("DENIED Redis is running in protected mode because …", Reason::Permission),
            ("LOADING Redis is loading the dataset in memory", Reason::Failed),
            ("ERR max number of clients reached", Reason::Failed),
            ("MISCONF Redis is configured to save RDB snapshots, but …", Reason::Failed),
            ("MASTERDOWN Link with MASTER is down", Reason::Failed),
            ("BUSY Redis is busy running a script.", Reason::Failed),
        ] {
            let why = line(text);
            assert_eq!(why.reason, reason, "{text}");
            assert!(why.remedy.is_some(), "{text}");
        }
        assert_eq!(line("ERR syntax error").remedy, None);
    }

    #[test]
    fn tls_failures_name_the_cause() {
        for (text, hint) in [
            ("invalid peer certificate: UnknownIssuer", "cacert=FILE"),
            ("invalid peer certificate: Expired", "renew"),
            ("certificate not valid for name \"a\"", "by a name"),
            ("received fatal alert: CertificateRequired", "cert=FILE&key=FILE"),
        ] {
            assert!(tls_remedy(text).contains(hint), "{text}");
        }
    }
}
