//! Which room may use which: arrows only go down.

use std::process::Command;

use serde_json::Value;

use crate::step::StepError;

/// Every room with the rooms it may use. A room that is not listed is an offence: say where it stands.
const ROOMS: &[(&str, &[&str])] = &[
    ("dbvitals-model", &[]),
    ("dbvitals-query", &["dbvitals-model"]),
    ("dbvitals-log", &["dbvitals-model", "dbvitals-query"]),
    ("dbvitals-checks", &["dbvitals-model", "dbvitals-query"]),
    ("dbvitals-host", &["dbvitals-model"]),
    ("dbvitals-postgres", &["dbvitals-model", "dbvitals-host"]),
    ("dbvitals-redis", &["dbvitals-model"]),
    ("dbvitals-report", &["dbvitals-model"]),
    ("dbvitals-testkit", &[]),
    (
        "dbvitals",
        &[
            "dbvitals-model",
            "dbvitals-query",
            "dbvitals-log",
            "dbvitals-checks",
            "dbvitals-host",
            "dbvitals-postgres",
            "dbvitals-redis",
            "dbvitals-report",
            "dbvitals-testkit",
        ],
    ),
    ("xtask", &[]),
];

/// Libraries that reach outside the process, or are the business of one room, with the rooms that may
/// use them.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("tokio", &["dbvitals-postgres", "dbvitals-redis", "dbvitals-testkit", "dbvitals"]),
    ("tokio-postgres", &["dbvitals-postgres", "dbvitals-testkit"]),
    ("redis", &["dbvitals-redis"]),
    ("rustls", &["dbvitals-postgres", "dbvitals-redis"]),
    ("clap", &["dbvitals"]),
    ("askama", &["dbvitals-report"]),
    ("pg_query", &["dbvitals-query"]),
];

/// Every arrow that runs upward or sideways.
pub(super) fn offences() -> Result<Vec<String>, StepError> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .map_err(|error| StepError(format!("cannot run cargo metadata: {error}")))?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .map_err(|error| StepError(format!("cannot read cargo metadata: {error}")))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    Ok(packages.flat_map(package_offences).collect())
}

fn package_offences(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = ROOMS.iter().find(|(room, _)| *room == name) else {
        return vec![format!("{name} is not in the table of rooms (xtask/src/tidy/layers.rs)")];
    };
    let used = package["dependencies"].as_array().into_iter().flatten();
    // Tests may look anywhere: they prove the room from outside.
    let used = used.filter(|dependency| dependency["kind"].is_null());
    let names = used.filter_map(|dependency| dependency["name"].as_str());
    names.filter_map(|used| arrow_offence(name, used, allowed)).collect()
}

fn arrow_offence(room: &str, used: &str, allowed: &[&str]) -> Option<String> {
    let is_room = ROOMS.iter().any(|(name, _)| *name == used);
    if is_room && !allowed.contains(&used) {
        return Some(format!("{room} must not use {used}: arrows only go down"));
    }
    let (_, keepers) = KEPT_TO.iter().find(|(library, _)| *library == used)?;
    (!keepers.contains(&room))
        .then(|| format!("{room} must not use {used}, which is kept to {}", keepers.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrow_that_runs_upward_is_an_offence() {
        assert!(
            arrow_offence("dbvitals-checks", "dbvitals-postgres", &["dbvitals-model"]).is_some()
        );
        assert!(arrow_offence("dbvitals-checks", "dbvitals-model", &["dbvitals-model"]).is_none());
        assert!(arrow_offence("dbvitals-report", "tokio", &["dbvitals-model"]).is_some());
        assert!(arrow_offence("dbvitals-redis", "redis", &["dbvitals-model"]).is_none());
    }
}
