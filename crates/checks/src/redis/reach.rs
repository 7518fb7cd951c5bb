//! From where a server can be reached, and what protected mode keeps out.

use dbvitals_model::redis::{Config, Server, User};

/// From where connections are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This machine only.
    Loopback,
    /// Other machines, too.
    Network,
    /// The settings cannot be read, and we are on the same machine.
    Unknown,
}

impl Reach {
    /// As a finding says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "this machine only",
            Self::Network => "other machines",
            Self::Unknown => "not known",
        }
    }
}

/// From where the server can be reached: by its `bind` addresses, or because we came from elsewhere.
pub fn reach(server: &Server, config: Option<&Config>) -> Reach {
    let number = |name| config.and_then(|config| config.int(name));
    if number("port") == Some(0) && number("tls-port") == Some(0) {
        return Reach::Loopback;
    }
    match config.and_then(|config| config.text("bind")) {
        Some(bind) if is_loopback(bind) => Reach::Loopback,
        Some(_) => Reach::Network,
        None if !server.is_local => Reach::Network,
        None => Reach::Unknown,
    }
}

/// Whether every address is this machine's own. No address at all means every interface; a leading
/// `-` only says that the address may be missing.
fn is_loopback(bind: &str) -> bool {
    let mut addresses = bind.split_whitespace().map(|address| address.trim_start_matches('-'));
    let is_own =
        |address: &str| address == "::1" || address == "localhost" || address.starts_with("127.");
    !bind.trim().is_empty() && addresses.all(is_own)
}

/// The user every connection is until it says otherwise.
pub fn default_user(users: &[User]) -> Option<&User> {
    users.iter().find(|user| user.name == "default")
}

/// Whether protected mode turns other machines away while the default user has no password. Before
/// 7.0 an explicit `bind` switches it off; a server with a password is never protected by it.
pub fn is_shielded(server: &Server, config: Option<&Config>, default: &User) -> bool {
    let Some(config) = config else { return false };
    let is_on = config.is_yes("protected-mode") == Some(true);
    let minds_bind = server.version.major < 7;
    let binds = config.text("bind").is_none_or(|bind| !bind.trim().is_empty());
    is_on && default.no_password && !(minds_bind && binds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(bind: &str, protected: &str) -> Config {
        let pairs = [("bind", bind), ("protected-mode", protected), ("port", "6379")];
        Config(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn every_address_must_be_loopback() {
        let of = |bind| reach(&Server::default(), Some(&config(bind, "yes")));
        assert_eq!(of("127.0.0.1 -::1"), Reach::Loopback);
        assert_eq!(of("127.0.0.1 10.0.0.7"), Reach::Network);
        assert_eq!(of("* -::*"), Reach::Network);
        assert_eq!(of(""), Reach::Network, "no address is every interface");
        assert_eq!(reach(&Server::default(), None), Reach::Network, "we came from elsewhere");
        let local = Server { is_local: true, ..Server::default() };
        assert_eq!(reach(&local, None), Reach::Unknown);
    }

    #[test]
    fn protected_mode_minds_bind_only_before_7() {
        let open = User { no_password: true, ..User::default() };
        let mut server = Server::default();
        server.version.major = 6;
        assert!(!is_shielded(&server, Some(&config("10.0.0.7", "yes")), &open));
        assert!(is_shielded(&server, Some(&config("", "yes")), &open));
        server.version.major = 7;
        assert!(is_shielded(&server, Some(&config("10.0.0.7", "yes")), &open));
        assert!(!is_shielded(&server, Some(&config("10.0.0.7", "no")), &open));
        assert!(!is_shielded(&server, Some(&config("10.0.0.7", "yes")), &User::default()));
    }
}
