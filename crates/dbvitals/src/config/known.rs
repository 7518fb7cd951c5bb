//! Refuses keys nobody reads, and says which one was probably meant.

use dbvitals_checks::{Check, registry};
use toml::{Table, Value};

use crate::problem::{Problem, nearest};

const TOP: &[&str] = &["audit", "databases", "targets", "checks", "ignore"];
const AUDIT: &[&str] =
    &["fail_on", "profile", "timeout", "interval", "sample_rate", "measure_mb", "only", "except"];
const DATABASES: &[&str] = &["include", "exclude"];
const TARGET: &[&str] = &[
    "url",
    "password_env",
    "role",
    "replicas",
    "all_nodes",
    "with_replicas",
    "sample_rate",
    "include",
    "exclude",
    "ca_file",
    "cert_file",
    "key_file",
    "checks",
];
const IGNORE: &[&str] = &["check", "subject", "target", "reason", "until"];

/// Walks a parsed file and refuses the first key that is not known.
pub(crate) fn refuse_unknown(table: &Table, text: &str, name: &str) -> Result<(), Problem> {
    let walk = Walk { text, name };
    walk.keys("", table, TOP)?;
    for (section, known) in [("audit", AUDIT), ("databases", DATABASES)] {
        walk.keys_below(section, table.get(section), known)?;
    }
    for (target, value) in entries(table.get("targets")) {
        let path = format!("targets.{target}");
        walk.keys_below(&path, Some(value), TARGET)?;
        walk.checks(&format!("{path}.checks"), value.get("checks"))?;
    }
    walk.checks("checks", table.get("checks"))?;
    for rule in table.get("ignore").and_then(Value::as_array).into_iter().flatten() {
        walk.keys_below("ignore", Some(rule), IGNORE)?;
    }
    Ok(())
}

/// Where we are, for messages.
struct Walk<'a> {
    text: &'a str,
    name: &'a str,
}

impl Walk<'_> {
    fn keys_below(&self, path: &str, value: Option<&Value>, known: &[&str]) -> Result<(), Problem> {
        match value {
            Some(Value::Table(table)) => self.keys(path, table, known),
            // A wrong type is the deserialiser's to report.
            _ => Ok(()),
        }
    }

    fn keys(&self, path: &str, table: &Table, known: &[&str]) -> Result<(), Problem> {
        match table.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(self.unknown("key", path, key, known)),
            None => Ok(()),
        }
    }

    fn checks(&self, path: &str, value: Option<&Value>) -> Result<(), Problem> {
        for (id, settings) in entries(value) {
            let Some(check) = registry::find(id) else {
                let ids: Vec<_> = registry::CHECKS.iter().map(|check| check.id).collect();
                return Err(self.unknown("check", path, id, &ids));
            };
            let thresholds: Vec<_> = check.thresholds.iter().map(|t| t.key).collect();
            let here = format!("{path}.{id}");
            let own = [&["enabled", "objects"], thresholds.as_slice()].concat();
            self.keys_below(&here, Some(settings), &own)?;
            self.ranges(&here, check, settings)?;
            let objects = settings.get("objects").and_then(Value::as_array);
            for object in objects.into_iter().flatten() {
                let own = [&["match"], thresholds.as_slice()].concat();
                self.keys_below(&format!("{here}.objects"), Some(object), &own)?;
                self.ranges(&here, check, object)?;
            }
        }
        Ok(())
    }

    fn ranges(&self, path: &str, check: &Check, settings: &Value) -> Result<(), Problem> {
        for threshold in check.thresholds {
            let number = match settings.get(threshold.key) {
                Some(Value::Integer(number)) => *number as f64,
                Some(Value::Float(number)) => *number,
                _ => continue,
            };
            let (low, high) = threshold.range;
            if !(low..=high).contains(&number) {
                let key = threshold.key;
                return Err(Problem::usage(format!(
                    "{path}.{key} in {}{} must be between {low} and {high}",
                    self.name,
                    self.place(key),
                ))
                .hint(format!("`dbvitals explain {}` tells its unit and default", check.id)));
            }
        }
        Ok(())
    }

    fn unknown(&self, what: &str, path: &str, key: &str, known: &[&str]) -> Problem {
        let dot = if path.is_empty() { "" } else { "." };
        let place = self.place(key);
        let problem =
            Problem::usage(format!("unknown {what} {path}{dot}{key} in {}{place}", self.name));
        match nearest(key, known.iter().copied()) {
            Some(near) => problem.hint(format!("did you mean {near}?")),
            None if known.len() < 20 => problem.hint(format!("known: {}", known.join(", "))),
            None => problem.hint("`dbvitals checks` lists the ids"),
        }
    }

    /// `, line N` of the first line that names the key.
    fn place(&self, key: &str) -> String {
        let names_it = |line: &str| {
            let line = line.trim_start();
            !line.starts_with('#')
                && line.split(['=', ']', '.', '[', ' ', '"']).any(|word| word == key)
        };
        let line = self.text.lines().position(names_it);
        line.map(|index| format!(", line {}", index + 1)).unwrap_or_default()
    }
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_table).into_iter().flatten()
}
