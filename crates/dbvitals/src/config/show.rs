//! Every setting in force and where it comes from.

use std::fmt::Write as _;

use clap::ValueEnum;
use dbvitals_checks::registry;
use dbvitals_checks::settings::Settings;

use crate::config::{
    file::File,
    merged::{Merged, Origin, Sourced},
    target::Target,
};

/// Prints settings as TOML with the origin of each as a comment; secrets never appear.
pub(crate) fn render(
    merged: &Merged,
    file: &File,
    settings: &Settings,
    targets: &[Target],
) -> String {
    let mut out = String::from("[audit]\n");
    line(&mut out, "fail_on", &merged.fail_on, |v| quoted(&value_name(v)));
    line(&mut out, "profile", &merged.profile, |v| quoted(&value_name(v)));
    line(&mut out, "timeout", &merged.timeout, |v| quoted(&format!("{v:?}")));
    line(&mut out, "measure_mb", &merged.measure_mb, u32::to_string);
    line(&mut out, "interval", &merged.interval, |v| {
        v.map_or_else(|| quoted("none"), |v| quoted(&format!("{v:?}")))
    });
    line(&mut out, "sample_rate", &merged.sample_rate, f64::to_string);
    line(&mut out, "only", &merged.only, |v| list(v));
    line(&mut out, "except", &merged.except, |v| list(v));
    out.push_str("\n[databases]\n");
    line(&mut out, "include", &merged.include, |v| list(v));
    line(&mut out, "exclude", &merged.exclude, |v| list(v));
    for target in targets {
        let _ = write!(out, "\n[targets.{}]\n", key(&target.name));
        let _ =
            writeln!(out, "# {} at {}", target.server.kind().as_str(), target.server.endpoint());
        if let Some(replicas) = target.expectations.replicas {
            let _ = writeln!(out, "replicas = {replicas}");
        }
        let rate = target.samples_per_second;
        if (rate - merged.sample_rate.value).abs() > f64::EPSILON {
            let _ = writeln!(out, "sample_rate = {rate}");
        }
        for check in settings.targets.get(&target.name).into_iter().flatten() {
            let _ = writeln!(out, "# overrides {}", check.0);
        }
    }
    checks(&mut out, settings);
    for rule in &file.ignore {
        let until = rule.until.map(|date| format!(" until {date}")).unwrap_or_default();
        let subject = rule.subject.as_deref().unwrap_or("*");
        let _ = write!(out, "\n# ignored: {} on {subject}{until}: {}\n", rule.check, rule.reason);
    }
    out
}

fn checks(out: &mut String, settings: &Settings) {
    for check in registry::CHECKS.iter().filter(|check| !check.thresholds.is_empty()) {
        let _ = write!(out, "\n[checks.{}]\n", check.id);
        for threshold in check.thresholds {
            let value = settings.value(check, threshold, "", None);
            let set = settings.checks.get(check.id);
            let origin = match set.and_then(|own| own.thresholds.get(threshold.key)) {
                Some(_) => "file",
                None if (value - threshold.default).abs() > f64::EPSILON => "profile strict",
                None => "default",
            };
            let _ = writeln!(out, "{} = {value} # {origin}", threshold.key);
        }
    }
}

fn line<T>(out: &mut String, key: &str, sourced: &Sourced<T>, show: impl Fn(&T) -> String) {
    let origin: &Origin = &sourced.origin;
    let _ = writeln!(out, "{key} = {} # {origin}", show(&sourced.value));
}

fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(values: &[String]) -> String {
    toml::Value::from(values.to_vec()).to_string()
}

/// A bare key where TOML allows one, else quoted.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}
