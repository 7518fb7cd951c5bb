//! From typed options to the settings of judgement.

use std::collections::BTreeMap;

use dbvitals_checks::{
    registry,
    settings::{CheckSettings, ObjectSettings, Pattern, Profile, Settings},
};

use crate::{
    args::audit::ProfileName,
    config::{file, ignore, merged::Merged},
    problem::{Problem, nearest},
};

/// The settings of judgement.
pub(crate) fn settings(merged: &Merged, file: &file::File) -> Result<Settings, Problem> {
    let targets = file
        .targets
        .iter()
        .map(|(name, target)| Ok((name.clone(), by_check(&target.checks)?)))
        .collect::<Result<_, Problem>>()?;
    Ok(Settings {
        profile: match merged.profile.value {
            ProfileName::Default => Profile::Default,
            ProfileName::Strict => Profile::Strict,
        },
        checks: by_check(&file.checks)?,
        targets,
        ignore: ignore::rules(&file.ignore)?,
        only: of_checks(&merged.only.value, "only")?,
        except: of_checks(&merged.except.value, "except")?,
    })
}

/// Patterns of check ids. One that fits no check is a slip: it would quietly judge nothing, or everything.
fn of_checks(typed: &[String], place: &str) -> Result<Vec<Pattern>, Problem> {
    let patterns = ignore::patterns(typed, place)?;
    let ids = || registry::CHECKS.iter().map(|check| check.id);
    let Some(idle) = patterns.iter().find(|pattern| !ids().any(|id| pattern.matches(id))) else {
        return Ok(patterns);
    };
    let problem = Problem::usage(format!("{place}: no check is called {:?}", idle.as_str()));
    Err(match nearest(idle.as_str(), ids()) {
        Some(near) => problem.hint(format!("did you mean {near}?")),
        None => problem.hint("`dbvitals checks` lists them"),
    })
}

fn by_check(
    typed: &BTreeMap<String, file::Check>,
) -> Result<BTreeMap<String, CheckSettings>, Problem> {
    typed
        .iter()
        .map(|(id, check)| {
            let objects = check
                .objects
                .iter()
                .map(|object| {
                    let pattern =
                        ignore::pattern(&object.pattern, &format!("checks.{id}.objects"))?;
                    Ok(ObjectSettings { pattern, thresholds: object.thresholds.clone() })
                })
                .collect::<Result<_, Problem>>()?;
            let thresholds = check.thresholds.clone();
            Ok((id.clone(), CheckSettings { enabled: check.enabled, thresholds, objects }))
        })
        .collect()
}
