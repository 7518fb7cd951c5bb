//! What a check is given besides the view: its thresholds, and a pen to write findings with.

use dbvitals_model::{Finding, Severity, Subject};

use crate::{
    check::{Check, Threshold},
    settings::Settings,
};

/// The settings of one check on one target.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    check: &'a Check,
    settings: &'a Settings,
    target: &'a str,
}

impl<'a> Context<'a> {
    /// The context in which `check` judges `target`.
    pub fn new(check: &'a Check, settings: &'a Settings, target: &'a str) -> Self {
        Self { check, settings, target }
    }

    /// The value of a threshold.
    pub fn limit(&self, threshold: &Threshold) -> f64 {
        self.settings.value(self.check, threshold, self.target, None)
    }

    /// The value of a threshold for one object, by `schema.name`.
    pub fn limit_for(&self, threshold: &Threshold, object: &str) -> f64 {
        self.settings.value(self.check, threshold, self.target, Some(object))
    }

    /// The severity of a value that is bad when it is high: at or above a limit.
    pub fn above(
        &self,
        value: f64,
        warning: &Threshold,
        critical: &Threshold,
        object: &str,
    ) -> Option<Severity> {
        if value >= self.limit_for(critical, object) {
            Some(Severity::Critical)
        } else if value >= self.limit_for(warning, object) {
            Some(Severity::Warning)
        } else {
            None
        }
    }

    /// The severity of a value that is bad when it is low: below a limit.
    pub fn below(
        &self,
        value: f64,
        warning: &Threshold,
        critical: &Threshold,
        object: &str,
    ) -> Option<Severity> {
        if value < self.limit_for(critical, object) {
            Some(Severity::Critical)
        } else if value < self.limit_for(warning, object) {
            Some(Severity::Warning)
        } else {
            None
        }
    }

    /// Begins a finding of this check.
    pub fn finding(
        &self,
        severity: Severity,
        subject: Subject,
        message: impl Into<String>,
        recommendation: impl Into<String>,
    ) -> Finding {
        Finding {
            key: Finding::key_of(self.check.id, self.target, &subject),
            check: self.check.id.to_owned(),
            severity,
            target: self.target.to_owned(),
            subject,
            message: message.into(),
            evidence: Vec::new(),
            recommendation: recommendation.into(),
            fix: None,
            impact: None,
        }
    }
}
