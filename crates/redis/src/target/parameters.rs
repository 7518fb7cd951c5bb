//! The query parameters of a Redis URL, named as the options of `redis-cli`.

use std::{path::PathBuf, time::Duration};

use secrecy::SecretString;

use super::{Target, TargetError, Tls, url};

/// Each parameter, sorted.
pub(super) const NAMES: [&str; 8] =
    ["cacert", "cert", "db", "insecure", "key", "password", "timeout", "user"];

/// How alike two names must be for one to be offered for the other (Jaro-Winkler, 0 to 1).
const ALIKE: f64 = 0.7;

pub(super) fn apply(target: &mut Target, query: &str) -> Result<(), TargetError> {
    let mut key = None;
    let mut certificate = None;
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (written, value) = pair.split_once('=').unwrap_or((pair, ""));
        let Some(name) = NAMES.iter().copied().find(|name| *name == written) else {
            return Err(TargetError::Parameter {
                name: written.chars().take(40).collect(),
                nearest: nearest(written),
            });
        };
        let value = url::decode(value).map_err(|why| TargetError::Value { name, why })?;
        match name {
            "cacert" => tls(target, name)?.ca_file = Some(path(name, value)?),
            "cert" => certificate = Some(path(name, value)?),
            "key" => key = Some(path(name, value)?),
            "insecure" => tls(target, name)?.insecure = switch(name, &value)?,
            "db" => target.database = url::database(&value)?,
            "user" => target.user = Some(value).filter(|user| !user.is_empty()),
            "password" => target.password = Some(SecretString::from(value)),
            _ => target.timeout = Some(duration(name, &value)?),
        }
    }
    match (certificate, key) {
        (None, None) => Ok(()),
        (Some(certificate), Some(key)) => {
            tls(target, "cert")?.client = Some((certificate, key));
            Ok(())
        }
        (Some(_), None) => Err(TargetError::Value { name: "cert", why: "needs key=FILE as well" }),
        (None, Some(_)) => Err(TargetError::Value { name: "key", why: "needs cert=FILE as well" }),
    }
}

/// The valid name most like `written`, if one is like it at all.
fn nearest(written: &str) -> Option<&'static str> {
    let written = written.to_ascii_lowercase();
    NAMES
        .iter()
        .map(|name| (strsim::jaro_winkler(&written, name), *name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn tls<'a>(target: &'a mut Target, name: &'static str) -> Result<&'a mut Tls, TargetError> {
    target
        .tls
        .as_mut()
        .ok_or(TargetError::Value { name, why: "only makes sense with rediss:// (TLS)" })
}

fn path(name: &'static str, value: String) -> Result<PathBuf, TargetError> {
    if value.is_empty() {
        return Err(TargetError::Value { name, why: "needs the path of a PEM file" });
    }
    Ok(PathBuf::from(value))
}

fn switch(name: &'static str, value: &str) -> Result<bool, TargetError> {
    match value {
        "" | "1" | "yes" | "true" | "on" => Ok(true),
        "0" | "no" | "false" | "off" => Ok(false),
        _ => Err(TargetError::Value { name, why: "must be yes or no" }),
    }
}

/// `5`, `5s`, `1.5s`, `500ms`.
fn duration(name: &'static str, value: &str) -> Result<Duration, TargetError> {
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (value.strip_suffix('s').unwrap_or(value), 1.0),
    };
    number
        .trim()
        .parse::<f64>()
        .ok()
        .map(|number| number * unit)
        .filter(|seconds| (0.001..=3600.0).contains(seconds))
        .map(Duration::from_secs_f64)
        .ok_or(TargetError::Value {
            name,
            why: "must be a time such as 5s or 500ms, up to an hour",
        })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn refusal(url: &str) -> String {
        Target::parse(url).unwrap_err().to_string()
    }

    #[test]
    fn names_are_sorted_and_all_are_known() {
        assert!(NAMES.is_sorted());
        for name in NAMES {
            let message =
                Target::parse(&format!("rediss://h?{name}=")).err().map(|e| e.to_string());
            assert!(!message.unwrap_or_default().contains("unknown"), "{name}");
        }
    }

    #[test]
    fn reads_each() {
        let url = "rediss://h/1?cacert=/ca&cert=/c&key=/k&insecure=no&timeout=250ms&db=4&user=u";
        let target = Target::parse(url).unwrap();
        let tls = target.tls.unwrap();
        assert_eq!(tls.ca_file.as_deref(), Some(Path::new("/ca")));
        assert_eq!(tls.client, Some((PathBuf::from("/c"), PathBuf::from("/k"))));
        assert!(!tls.insecure);
        assert_eq!(target.timeout, Some(Duration::from_millis(250)));
        assert_eq!((target.database, target.user.as_deref()), (4, Some("u")));
    }

    #[test]
    fn offers_the_nearest_name() {
        assert!(refusal("redis://h?timout=3").contains("did you mean \"timeout\"?"));
        assert!(refusal("rediss://h?ca_cert=x").contains("did you mean \"cacert\"?"));
        assert!(refusal("rediss://h?zzz=x").contains("known are cacert, cert"));
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(refusal("redis://h?cacert=/ca").contains("rediss://"));
        assert!(refusal("rediss://h?cert=/c").contains("needs key=FILE"));
        assert!(refusal("rediss://h?key=/k").contains("needs cert=FILE"));
        assert!(refusal("rediss://h?insecure=maybe").contains("yes or no"));
        for timeout in ["", "0", "-1", "soon", "1e99", "nan"] {
            assert!(refusal(&format!("redis://h?timeout={timeout}")).contains("such as 5s"));
        }
    }
}
