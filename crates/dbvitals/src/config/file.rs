//! The configuration file as typed: every field optional, unknown keys refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::civil::Date;
use serde::Deserialize;

use crate::{
    args::audit::{FailOn, ProfileName},
    config::known,
    output,
    problem::Problem,
};

/// The name looked for in the current folder.
pub(crate) const DEFAULT_NAME: &str = "dbvitals.toml";

/// The file as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub(crate) audit: Audit,
    pub(crate) databases: Databases,
    pub(crate) targets: BTreeMap<String, Target>,
    pub(crate) checks: BTreeMap<String, Check>,
    pub(crate) ignore: Vec<Ignore>,
}

/// `[audit]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Audit {
    pub(crate) fail_on: Option<FailOn>,
    pub(crate) profile: Option<ProfileName>,
    pub(crate) timeout: Option<String>,
    pub(crate) interval: Option<String>,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) measure_mb: Option<u32>,
    pub(crate) only: Option<Vec<String>>,
    pub(crate) except: Option<Vec<String>>,
}

/// `[databases]`, or the same keys of a target.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Databases {
    pub(crate) include: Option<Vec<String>>,
    pub(crate) exclude: Option<Vec<String>>,
}

/// `[targets.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Target {
    pub(crate) url: Option<String>,
    pub(crate) password_env: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) replicas: Option<u32>,
    pub(crate) all_nodes: bool,
    pub(crate) with_replicas: bool,
    pub(crate) sample_rate: Option<f64>,
    pub(crate) include: Option<Vec<String>>,
    pub(crate) exclude: Option<Vec<String>>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) cert_file: Option<PathBuf>,
    pub(crate) key_file: Option<PathBuf>,
    pub(crate) checks: BTreeMap<String, Check>,
}

/// `[checks.ID]`: `enabled`, `objects`, and thresholds by their keys.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Check {
    pub(crate) enabled: Option<bool>,
    pub(crate) objects: Vec<Object>,
    #[serde(flatten)]
    pub(crate) thresholds: BTreeMap<String, f64>,
}

/// `[[checks.ID.objects]]`.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Object {
    #[serde(rename = "match")]
    pub(crate) pattern: String,
    #[serde(flatten)]
    pub(crate) thresholds: BTreeMap<String, f64>,
}

/// `[[ignore]]`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Ignore {
    pub(crate) check: String,
    pub(crate) subject: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) reason: String,
    #[serde(default, deserialize_with = "toml_date")]
    pub(crate) until: Option<Date>,
}

impl File {
    /// Reads the named file, or the default one where it exists, or nothing.
    pub(crate) fn load(named: Option<&Path>) -> Result<(Self, Option<PathBuf>), Problem> {
        let path = match named {
            Some(path) => path.to_owned(),
            None if Path::new(DEFAULT_NAME).is_file() => PathBuf::from(DEFAULT_NAME),
            None => return Ok((Self::default(), None)),
        };
        let file = Self::parse(&output::read(&path)?, &path.display().to_string())?;
        Ok((file, Some(path)))
    }

    /// Reads the text of a file; `name` is for messages.
    pub(crate) fn parse(text: &str, name: &str) -> Result<Self, Problem> {
        let wrong = |error: toml::de::Error| {
            Problem::usage(format!("cannot read {name}: {}", error.to_string().trim_end()))
                .hint("`dbvitals config default` prints a commented file")
        };
        let table: toml::Table = text.parse().map_err(wrong)?;
        known::refuse_unknown(&table, text, name)?;
        toml::from_str(text).map_err(wrong)
    }
}

fn toml_date<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Date(toml::value::Datetime),
        Text(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Date(date) => date.to_string(),
        Written::Text(text) => text,
    };
    let day = text.get(..10).unwrap_or(&text);
    let wrong = |_| serde::de::Error::custom(format!("{text:?} is not a date; write 2027-01-31"));
    day.parse().map(Some).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::DEFAULT_FILE;

    fn refused(text: &str) -> String {
        File::parse(text, "dbvitals.toml").unwrap_err().to_string()
    }

    #[test]
    fn the_default_file_is_valid_also_with_every_example_switched_on() {
        File::parse(DEFAULT_FILE, "default").unwrap();
        let all: String = DEFAULT_FILE
            .lines()
            .map(|line| {
                let bare = line.strip_prefix("# ").unwrap_or(line);
                let is_key = bare.starts_with('[')
                    || bare.split_once(" = ").is_some_and(|(key, _)| {
                        key.chars().all(|c| c.is_ascii_lowercase() || c == '_')
                    });
                if is_key { format!("{bare}\n") } else { "\n".to_owned() }
            })
            .collect();
        let file = File::parse(&all, "default").unwrap();
        assert_eq!(file.targets.len(), 2);
        assert_eq!(file.ignore[0].until.unwrap().to_string(), "2027-01-31");
        assert!(
            (file.targets["main"].checks["pg-unused-index"].thresholds["min_size_bytes"]
                - 104_857_600.0)
                .abs()
                < 0.5
        );
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_valid_one_and_their_line() {
        let message = refused("[audit]\nprofile = \"strict\"\nfail_one = \"never\"\n");
        assert!(message.contains("unknown key audit.fail_one"), "{message}");
        assert!(message.contains("line 3"), "{message}");
        assert!(message.contains("did you mean fail_on?"), "{message}");
        let message = refused("[checks.pg-unused-indexes]\nenabled = false\n");
        assert!(message.contains("did you mean pg-unused-index?"), "{message}");
        let message = refused("[checks.pg-unused-index]\nmin_age_day = 3\n");
        assert!(message.contains("did you mean min_age_days?"), "{message}");
        let message = refused("[targets.main]\nurl = \"x\"\nrolle = \"primary\"\n");
        assert!(message.contains("unknown key targets.main.rolle"), "{message}");
    }

    #[test]
    fn a_threshold_outside_its_range_is_refused() {
        let message = refused("[checks.pg-connections-near-limit]\nwarning_ratio = 75\n");
        assert!(message.contains("between 0.1 and 1"), "{message}");
    }

    #[test]
    fn syntax_errors_name_the_line() {
        assert!(refused("[audit\n").contains("line 1"));
        assert!(refused("[audit]\nfail_on = \"sometimes\"\n").contains("fail_on"));
    }
}
