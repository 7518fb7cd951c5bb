//! From typed options to the settings of judgement.

use std::collections::BTreeMap;

use dbvitals_checks::settings::{CheckSettings, ObjectSettings, Profile, Settings};

use crate::{
    args::audit::ProfileName,
    config::{file, ignore, merged::Merged},
    problem::Problem,
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
        only: ignore::patterns(&merged.only.value, "only")?,
        except: ignore::patterns(&merged.except.value, "except")?,
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
