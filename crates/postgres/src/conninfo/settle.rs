//! From parameters to a target: defaults, checks, the password file.

use std::{
    fmt::Write as _,
    fs,
    net::IpAddr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    ConninfoError, Environment, Parameters, Place, Value, below_home,
    passfile::{PassFile, Wanted},
    tls_settings::tls_settings,
};
use crate::{
    Target,
    target::{ChannelBinding, Host, HostName, Keepalive, SessionAttrs},
};

/// Where servers put their sockets: Debian's folder, then PostgreSQL's own default.
const SOCKET_FOLDERS: [&str; 2] = ["/var/run/postgresql", "/tmp"];

const DEFAULT_PORT: u16 = 5432;

/// Checks every parameter and fills in what is missing.
pub(super) fn settle(
    parameters: &Parameters,
    environment: &Environment<'_>,
) -> Result<Target, ConninfoError> {
    let user = match parameters.text("user") {
        Some(user) => user.to_owned(),
        None => system_user(environment).ok_or_else(|| {
            Place::Text.trouble("no user is given, and the system's user has no name")
        })?,
    };
    let database = parameters.text("dbname").unwrap_or(&user).to_owned();
    let mut warnings = Vec::new();
    let mut hosts = hosts(parameters)?;
    passwords(parameters, environment, &mut hosts, &database, &user, &mut warnings);
    if let Some(value) = parameters.get("gssencmode")
        && value.text == "require"
    {
        return Err(value.place.trouble("gssencmode=require: GSSAPI encryption is not supported"));
    }
    let attrs = choice(parameters, "target_session_attrs", &SessionAttrs::ALL)?;
    let binding = [
        ("disable", ChannelBinding::Disable),
        ("prefer", ChannelBinding::Prefer),
        ("require", ChannelBinding::Require),
    ];
    let balance = [("disable", false), ("random", true)];
    Ok(Target {
        tls: tls_settings(parameters, environment)?,
        connect_timeout: number::<u32>(parameters, "connect_timeout")?
            .filter(|seconds| *seconds > 0)
            .map(|seconds| Duration::from_secs(seconds.into())),
        session_attrs: attrs.unwrap_or(SessionAttrs::Any),
        shuffle_hosts: choice(parameters, "load_balance_hosts", &balance)?.unwrap_or(false),
        options: parameters.text("options").map(str::to_owned),
        channel_binding: choice(parameters, "channel_binding", &binding)?
            .unwrap_or(ChannelBinding::Prefer),
        keepalive: keepalive(parameters)?,
        tcp_user_timeout: number::<u32>(parameters, "tcp_user_timeout")?
            .filter(|millis| *millis > 0)
            .map(|millis| Duration::from_millis(millis.into())),
        hosts,
        user,
        database,
        warnings,
    })
}

/// One of the words a parameter may have.
pub(super) fn choice<T: Copy>(
    parameters: &Parameters,
    name: &str,
    words: &[(&'static str, T)],
) -> Result<Option<T>, ConninfoError> {
    let Some(value) = parameters.get(name) else { return Ok(None) };
    if let Some((_, chosen)) = words.iter().find(|(word, _)| *word == value.text) {
        return Ok(Some(*chosen));
    }
    let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let mut what = format!("{name} is {}; it can be {}", shown(&value.text), all.join(", "));
    let near = all.iter().map(|word| (strsim::damerau_levenshtein(&value.text, word), word)).min();
    if let Some((1..=2, word)) = near {
        // Writing to a String cannot fail.
        let _ = write!(what, "; did you mean {word}?");
    }
    Err(value.place.trouble(what))
}

/// A number; blanks around it are allowed, as in libpq.
pub(super) fn number<T: std::str::FromStr>(
    parameters: &Parameters,
    name: &str,
) -> Result<Option<T>, ConninfoError> {
    let Some(value) = parameters.get(name) else { return Ok(None) };
    let parsed = value.text.trim().parse().ok();
    parsed.map(Some).ok_or_else(|| {
        value.place.trouble(format!("{name} is {}, not a whole number", shown(&value.text)))
    })
}

/// A value in a message, quoted and kept short.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    format!("{short:?}")
}

/// Names, addresses and ports, which are lists of the same length.
fn hosts(parameters: &Parameters) -> Result<Vec<Host>, ConninfoError> {
    let list = |name| -> Vec<&str> {
        parameters.text(name).map_or_else(Vec::new, |text| text.split(',').collect())
    };
    let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"));
    let count = names.len().max(addresses.len()).max(1);
    let agree = |name, length: usize, single: bool| {
        if length == 0 || length == count || (single && length == 1) {
            return Ok(());
        }
        let place = parameters.get(name).map_or(Place::Text, |value| value.place.clone());
        Err(place.trouble(format!("{name} lists {length} values for {count} hosts")))
    };
    agree("host", names.len(), false)?;
    agree("hostaddr", addresses.len(), false)?;
    agree("port", ports.len(), true)?;
    let nth = |list: &[&str], place: usize| list.get(place).copied().unwrap_or("").to_owned();
    let mut all = Vec::with_capacity(count);
    for place in 0..count {
        let port = if ports.len() == 1 { nth(&ports, 0) } else { nth(&ports, place) };
        let port = match (port.trim(), parameters.get("port")) {
            ("", _) | (_, None) => DEFAULT_PORT,
            (text, Some(value)) => one_port(text, value)?,
        };
        let address = match (nth(&addresses, place).as_str(), parameters.get("hostaddr")) {
            ("", _) | (_, None) => None,
            (text, Some(value)) => Some(one_address(text, value)?),
        };
        all.push(Host {
            at: host_name(&nth(&names, place), address, port, parameters)?,
            address,
            port,
            password: None,
        });
    }
    Ok(all)
}

fn one_port(text: &str, value: &Value) -> Result<u16, ConninfoError> {
    text.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(|| {
        value.place.trouble(format!("port is {}, not a number from 1 to 65535", shown(text)))
    })
}

fn one_address(text: &str, value: &Value) -> Result<IpAddr, ConninfoError> {
    text.parse().map_err(|_| {
        value.place.trouble(format!("hostaddr is {}, not a numeric address", shown(text)))
    })
}

fn host_name(
    name: &str,
    address: Option<IpAddr>,
    port: u16,
    parameters: &Parameters,
) -> Result<HostName, ConninfoError> {
    if name.starts_with('@') {
        let place = parameters.get("host").map_or(Place::Text, |value| value.place.clone());
        return Err(place.trouble("sockets in the abstract namespace are not supported"));
    }
    Ok(match (name, address) {
        ("", Some(address)) => HostName::Tcp(address.to_string()),
        ("", None) => HostName::Unix(default_folder(port)),
        (folder, _) if folder.starts_with('/') => HostName::Unix(folder.into()),
        (name, _) => HostName::Tcp(name.to_owned()),
    })
}

/// The first folder that holds the port's socket, or is at least there.
fn default_folder(port: u16) -> PathBuf {
    let folders = SOCKET_FOLDERS.map(Path::new);
    let with_socket = folders.iter().find(|folder| Host::socket(folder, port).exists());
    let there = || folders.iter().find(|folder| folder.is_dir());
    with_socket.or_else(there).unwrap_or(&folders[0]).to_path_buf()
}

/// The password given, or each host's line in the password file.
fn passwords(
    parameters: &Parameters,
    environment: &Environment<'_>,
    hosts: &mut [Host],
    database: &str,
    user: &str,
    warnings: &mut Vec<String>,
) {
    if let Some(password) = parameters.text("password") {
        for host in hosts {
            host.password = Some(SecretString::from(password.to_owned()));
        }
        return;
    }
    let named = parameters.text("passfile").map(PathBuf::from);
    let is_named = named.is_some();
    let Some(path) = named.or_else(|| below_home(environment, ".pgpass")) else { return };
    if !is_named && !path.exists() {
        return;
    }
    let file = match PassFile::read(&path) {
        Ok(file) => file,
        Err(why) => return warnings.push(why),
    };
    for host in hosts {
        let name = match &host.at {
            HostName::Tcp(name) => name.clone(),
            HostName::Unix(folder) if SOCKET_FOLDERS.iter().any(|known| folder == *known) => {
                "localhost".to_owned()
            }
            HostName::Unix(folder) => folder.display().to_string(),
        };
        host.password = file.find(Wanted { host: &name, port: host.port, database, user });
    }
}

fn keepalive(parameters: &Parameters) -> Result<Option<Keepalive>, ConninfoError> {
    if number::<i64>(parameters, "keepalives")? == Some(0) {
        return Ok(None);
    }
    let seconds = |name| -> Result<Option<Duration>, ConninfoError> {
        let given = number::<u32>(parameters, name)?.filter(|seconds| *seconds > 0);
        Ok(given.map(|seconds| Duration::from_secs(seconds.into())))
    };
    Ok(Some(Keepalive {
        idle: seconds("keepalives_idle")?,
        interval: seconds("keepalives_interval")?,
        count: number::<u32>(parameters, "keepalives_count")?.filter(|count| *count > 0),
    }))
}

/// The name of the user this process runs as, by the system's list, else by variables.
fn system_user(environment: &Environment<'_>) -> Option<String> {
    let listed = || {
        let uid = fs::metadata("/proc/self").ok()?.uid().to_string();
        let list = fs::read_to_string("/etc/passwd").ok()?;
        let fields = list.lines().map(|line| line.split(':').collect::<Vec<_>>());
        fields
            .into_iter()
            .find(|fields| fields.get(2) == Some(&uid.as_str()))
            .and_then(|fields| fields.first().map(|name| (*name).to_owned()))
    };
    let variable = |name| environment(name).filter(|user| !user.is_empty());
    listed().or_else(|| variable("USER")).or_else(|| variable("LOGNAME"))
}
