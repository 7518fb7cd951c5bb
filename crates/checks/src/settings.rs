//! What the user may change about judgement: profile, thresholds, disabled checks, ignore rules.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use crate::check::{Check, Threshold};

/// Everything judgement depends on besides the snapshot.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Which set of defaults applies.
    pub profile: Profile,
    /// Overrides for every target, by check id.
    pub checks: BTreeMap<String, CheckSettings>,
    /// Overrides for one target, by target name and check id.
    pub targets: BTreeMap<String, BTreeMap<String, CheckSettings>>,
    /// Findings to set aside.
    pub ignore: Vec<IgnoreRule>,
    /// Only these checks run, when any are named (ids with wildcards).
    pub only: Vec<Pattern>,
    /// These checks do not run.
    pub except: Vec<Pattern>,
}

/// A set of default thresholds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    /// What most systems should hold.
    #[default]
    Default,
    /// What a demanding system should hold.
    Strict,
}

/// Overrides of one check.
#[derive(Debug, Clone, Default)]
pub struct CheckSettings {
    /// `false` switches it off.
    pub enabled: Option<bool>,
    /// Threshold key and value.
    pub thresholds: BTreeMap<String, f64>,
    /// Overrides for single objects; the first that matches and names the threshold wins.
    pub objects: Vec<ObjectSettings>,
}

/// Overrides of one check for the objects whose name matches.
#[derive(Debug, Clone)]
pub struct ObjectSettings {
    /// Matched against `schema.name` and `database.schema.name`.
    pub pattern: Pattern,
    /// Threshold key and value.
    pub thresholds: BTreeMap<String, f64>,
}

/// A finding to set aside, with a reason and an end.
#[derive(Debug, Clone)]
pub struct IgnoreRule {
    /// Matched against the check id.
    pub check: Pattern,
    /// Matched against the subject's name, and against `database.name`.
    pub subject: Option<Pattern>,
    /// Matched against the target's name.
    pub target: Option<Pattern>,
    /// Why; shown in the report.
    pub reason: String,
    /// The last day it holds, if it ends.
    pub until: Option<Date>,
}

/// A name with `*` and `?` wildcards.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

impl Pattern {
    /// Reads a pattern; the error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let glob = Glob::new(text).map_err(|error| error.kind().to_string())?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.text == name || self.matcher.is_match(name)
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Settings {
    /// Whether a check should run on a target.
    pub fn is_enabled(&self, check: &Check, target: &str) -> bool {
        let named = self.only.is_empty() || self.only.iter().any(|p| p.matches(check.id));
        let excepted = self.except.iter().any(|p| p.matches(check.id));
        let switch =
            self.layers(check.id, target).find_map(|settings| settings.enabled).unwrap_or(true);
        named && !excepted && switch
    }

    /// The value of a threshold for an object: object before target before global before profile.
    pub fn value(
        &self,
        check: &Check,
        threshold: &Threshold,
        target: &str,
        object: Option<&str>,
    ) -> f64 {
        let own = self.layers(check.id, target).find_map(|settings| {
            let for_object = object.and_then(|name| {
                settings
                    .objects
                    .iter()
                    .filter(|o| o.pattern.matches(name))
                    .find_map(|o| o.thresholds.get(threshold.key))
            });
            for_object.or_else(|| settings.thresholds.get(threshold.key)).copied()
        });
        own.unwrap_or(match self.profile {
            Profile::Default => threshold.default,
            Profile::Strict => threshold.strict.unwrap_or(threshold.default),
        })
    }

    /// Settings of a check that hold for a target, nearest first.
    fn layers<'a>(&'a self, check: &str, target: &str) -> impl Iterator<Item = &'a CheckSettings> {
        let near = self.targets.get(target).and_then(|checks| checks.get(check));
        near.into_iter().chain(self.checks.get(check))
    }
}
