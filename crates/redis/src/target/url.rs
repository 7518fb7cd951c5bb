//! Reading a Redis URL.

use std::path::PathBuf;

use secrecy::SecretString;

use super::{Address, DEFAULT_PORT, Target, TargetError, Tls, parameters};

/// What most often makes the part before the path unreadable.
const ESCAPE: &str = "a user or password with @ : / ? # or % must be percent-encoded";

pub(super) fn parse(url: &str) -> Result<Target, TargetError> {
    let Some((scheme, rest)) = url.trim().split_once("://") else {
        return Err(part("the scheme", "there is no \"://\"", None));
    };
    let mut target = match scheme.to_ascii_lowercase().as_str() {
        "redis" | "valkey" => network(rest)?,
        "rediss" | "valkeys" => {
            let mut target = network(rest)?;
            target.tls = Some(Tls::default());
            target
        }
        "unix" | "redis+unix" | "valkey+unix" => socket(rest)?,
        _ => return Err(TargetError::Scheme { scheme: scheme.chars().take(40).collect() }),
    };
    if let Some((_, query)) = rest.split_once('?') {
        parameters::apply(&mut target, query)?;
    }
    Ok(target)
}

/// `[user[:password]@]host[:port][/database]`.
fn network(rest: &str) -> Result<Target, TargetError> {
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let (account, place) = match authority.rsplit_once('@') {
        Some((account, place)) => (Some(account), place),
        None => (None, authority),
    };
    let mut target = Target::new(address(place, tail)?);
    let path = tail.split(['?', '#']).next().unwrap_or_default();
    let database = path.trim_matches('/');
    if !database.is_empty() {
        target.database = self::database(database)?;
    }
    if tail.contains('#') {
        return Err(part("the URL", "it holds a \"#\"", Some(ESCAPE)));
    }
    if let Some(account) = account {
        sign_in(&mut target, account)?;
    }
    Ok(target)
}

/// `[user[:password]@]/path/to/socket`.
fn socket(rest: &str) -> Result<Target, TargetError> {
    let place = rest.split('?').next().unwrap_or_default();
    let path_begin = place.find('/').unwrap_or(place.len());
    let (account, path) = match place[..path_begin].rsplit_once('@') {
        Some((account, _)) => (Some(account), &place[path_begin..]),
        None => (None, place),
    };
    let path = decode(path).map_err(|why| part("the socket's path", why, None))?;
    if path.is_empty() {
        return Err(part("the socket's path", "it is empty", Some("unix:///run/redis/redis.sock")));
    }
    let mut target = Target::new(Address::Unix(PathBuf::from(path)));
    if let Some(account) = account {
        sign_in(&mut target, account)?;
    }
    Ok(target)
}

fn sign_in(target: &mut Target, account: &str) -> Result<(), TargetError> {
    let (user, password) = match account.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (account, None),
    };
    let user = decode(user).map_err(|why| part("the user", why, Some(ESCAPE)))?;
    target.user = Some(user).filter(|user| !user.is_empty());
    target.password = match password {
        Some(password) if !password.is_empty() => {
            let password =
                decode(password).map_err(|why| part("the password", why, Some(ESCAPE)))?;
            Some(SecretString::from(password))
        }
        _ => None,
    };
    Ok(())
}

/// `tail` is what follows; an `@` in it betrays an unescaped password.
fn address(place: &str, tail: &str) -> Result<Address, TargetError> {
    let hint = tail.contains('@').then_some(ESCAPE);
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let Some((host, after)) = rest.split_once(']') else {
                return Err(part("the host", "its \"[\" is not closed", hint));
            };
            (host, after.strip_prefix(':'))
        }
        None => match place.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    if place.starts_with(|c: char| c != '[') && host.contains(':') {
        return Err(part("the host", "an IPv6 address needs brackets: [::1]", hint));
    }
    let port = match port {
        None | Some("") => DEFAULT_PORT,
        Some(port) => match port.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => return Err(part("the port", "it must be a number from 1 to 65535", hint)),
        },
    };
    let host = decode(host).map_err(|why| part("the host", why, hint))?;
    let host = if host.is_empty() { "127.0.0.1".to_owned() } else { host };
    Ok(Address::Tcp { host, port })
}

/// A logical database: 0 or more.
pub(super) fn database(text: &str) -> Result<i64, TargetError> {
    match text.parse::<i64>() {
        Ok(number) if number >= 0 => Ok(number),
        _ => {
            Err(part("the database", "it must be a number, 0 or more", Some("redis://host:6379/0")))
        }
    }
}

/// Undoes percent-encoding. The error never quotes the text, which may be a password.
pub(super) fn decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?')),
            _ => return Err("a \"%\" is not followed by two hexadecimal digits (write %25 for %)"),
        }
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 after decoding")
}

fn part(part: &'static str, why: impl Into<String>, hint: Option<&'static str>) -> TargetError {
    TargetError::Part { part, why: why.into(), hint }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(url: &str) -> Target {
        parse(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        parse(url).unwrap_err().to_string()
    }

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    fn password(target: &Target) -> Option<&str> {
        target.password.as_ref().map(SecretString::expose_secret)
    }

    #[test]
    fn reads_host_port_database() {
        assert_eq!(read("redis://cache:7000/3").address, tcp("cache", 7000));
        assert_eq!(read("redis://cache:7000/3").database, 3);
        assert_eq!(read("redis://cache").address, tcp("cache", 6379));
        assert_eq!(read("redis://").address, tcp("127.0.0.1", 6379));
        assert_eq!(read("redis://[::1]:7000").address, tcp("::1", 7000));
        assert_eq!(read("redis://[::1]:7000").endpoint(), "[::1]:7000");
        assert_eq!(read("valkey://cache:1/").endpoint(), "cache:1");
        assert!(read("rediss://cache").tls.is_some());
    }

    #[test]
    fn decodes_the_account() {
        let target = read("redis://us%40er:p%3Aa%2Fs%25@cache");
        assert_eq!(target.user.as_deref(), Some("us@er"));
        assert_eq!(password(&target), Some("p:a/s%"));
        let target = read("redis://:only@cache");
        assert_eq!((target.user.as_deref(), password(&target)), (None, Some("only")));
        let target = read("redis://a:b@c@cache");
        assert_eq!((password(&target), &target.address), (Some("b@c"), &tcp("cache", 6379)));
    }

    #[test]
    fn the_environment_fills_in_a_password_and_overrides_none() {
        let variable = |name: &str| (name == "REDISCLI_AUTH").then(|| "env".to_owned());
        let of = |url: &str| password(&read(url).or_environment(variable)).map(str::to_owned);
        assert_eq!(of("redis://h").as_deref(), Some("env"));
        assert_eq!(of("redis://:url@h").as_deref(), Some("url"));
        assert_eq!(of("redis://joe@h"), None);
    }

    #[test]
    fn reads_sockets() {
        let path = |target: Target| match target.address {
            Address::Unix(path) => path,
            Address::Tcp { .. } => panic!("not a socket"),
        };
        assert_eq!(path(read("unix:///run/redis.sock")), Path::new("/run/redis.sock"));
        let target = read("redis+unix://u:p@/run/a%20b.sock?db=2");
        assert_eq!((target.database, password(&target)), (2, Some("p")));
        assert_eq!(target.endpoint(), "unix:/run/a b.sock/2");
        assert_eq!(path(target), Path::new("/run/a b.sock"));
    }

    #[test]
    fn secrets_do_not_print() {
        let target = read("redis://user:hunter2@cache:7000/1");
        assert!(!format!("{target:?} {}", target.endpoint()).contains("hunter2"));
        for url in
            ["redis://u:hunter2#x@h", "redis://u:hun/ter2@h", "redis://u:hunter2%zz@h", "hunter2"]
        {
            let message = refusal(url);
            assert!(!message.contains("hunter2") && !message.contains("ter2"), "{message}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(refusal("http://x").contains("unknown scheme \"http\""));
        assert!(refusal("redis://h:port").contains("the port"));
        assert!(refusal("redis://u:a/b@h").contains("percent-encoded"));
        assert!(refusal("redis://h/abc").contains("the database"));
        assert!(refusal("redis://::1").contains("brackets"));
        assert!(refusal("unix://").contains("socket"));
    }

    proptest! {
        #[test]
        fn never_panics(url in "(redis|rediss|unix|valkey)?(://)?.{0,60}") {
            if let Ok(target) = parse(&url) {
                let _ = target.endpoint();
            }
        }

        #[test]
        fn any_password_survives_encoding(secret in "\\PC{1,20}") {
            let encoded: String = secret.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
            let target = read(&format!("redis://u:{encoded}@h"));
            prop_assert_eq!(password(&target), Some(secret.as_str()));
        }
    }
}
