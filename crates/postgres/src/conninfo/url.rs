//! `postgres://user:password@host:port,host:port/database?parameter=value`.

use super::{ConninfoError, Parameters, Place, percent};

const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];

/// Said wherever an unencoded character of a password may have torn the URL apart.
const ENCODE: &str = "in a user name or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25";

/// Whether the text is to be read as a URL.
pub(super) fn is_url(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Reads a URL's parts into parameters. Errors repeat nothing that could be part of a password.
pub(super) fn parse(text: &str) -> Result<Parameters, ConninfoError> {
    let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let mut parameters = Parameters::default();
    let mut rest = rest;
    // As in libpq, credentials reach to the first @ before any slash.
    if let Some(end) = rest.find(['@', '/'])
        && rest[end..].starts_with('@')
    {
        credentials(&rest[..end], &mut parameters)?;
        rest = &rest[end + 1..];
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (hosts, database) = address.split_once('/').unwrap_or((address, ""));
    if address.contains('@') {
        return Err(Place::Url.trouble(format!("an @ stands after the credentials; {ENCODE}")));
    }
    addresses(hosts, &mut parameters)?;
    if !database.is_empty() {
        set(&mut parameters, "dbname", database)?;
    }
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Place::Url.trouble("a parameter after the ? has no ="));
        };
        let name = decoded(name, "a parameter's name")?;
        // The JDBC driver's way to ask for TLS, which libpq takes too.
        if name == "ssl" && value == "true" {
            set(&mut parameters, "sslmode", "require")?;
        } else {
            set(&mut parameters, &name, value)?;
        }
    }
    Ok(parameters)
}

fn credentials(text: &str, parameters: &mut Parameters) -> Result<(), ConninfoError> {
    let (user, password) = text.split_once(':').map_or((text, None), |(u, p)| (u, Some(p)));
    set(parameters, "user", user)?;
    match password {
        Some(password) => set(parameters, "password", password),
        None => Ok(()),
    }
}

/// `host:port,host:port`, with IPv6 addresses in brackets.
fn addresses(text: &str, parameters: &mut Parameters) -> Result<(), ConninfoError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for (place, one) in text.split(',').enumerate() {
        let (host, after) = if let Some(bracketed) = one.strip_prefix('[') {
            bracketed.split_once(']').ok_or_else(|| {
                Place::Url.trouble(format!("the bracket of host {} is not closed", place + 1))
            })?
        } else {
            one.split_at(one.find(':').unwrap_or(one.len()))
        };
        let port = match after.strip_prefix(':') {
            Some(port) => port,
            None if after.is_empty() => "",
            None => {
                let what = format!("host {} is followed by something not a port", place + 1);
                return Err(Place::Url.trouble(what));
            }
        };
        if !port.is_empty() && !port.parse::<u16>().is_ok_and(|port| port > 0) {
            let number = place + 1;
            return Err(Place::Url.trouble(format!(
                "the port of host {number} is not a number from 1 to 65535; {ENCODE}"
            )));
        }
        hosts.push(decoded(host, "a host")?);
        ports.push(port);
    }
    if hosts.iter().any(|host| !host.is_empty()) {
        parameters.set("host", hosts.join(","), Place::Url)?;
    }
    if ports.iter().any(|port| !port.is_empty()) {
        parameters.set("port", ports.join(","), Place::Url)?;
    }
    Ok(())
}

fn set(parameters: &mut Parameters, name: &str, encoded: &str) -> Result<(), ConninfoError> {
    let text = decoded(encoded, name)?;
    parameters.set(name, text, Place::Url)
}

fn decoded(text: &str, what: &str) -> Result<String, ConninfoError> {
    percent::decode(text).map_err(|why| {
        let what: String = what.chars().take(40).collect();
        Place::Url.trouble(format!("{what}: {why}"))
    })
}
