//! Arguments of `dbvitals audit`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use dbvitals_model::Severity;

use super::{
    showing::Showing,
    targets::{NodeArgs, TargetArgs, duration},
};

/// Arguments of `dbvitals audit`.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) targets: TargetArgs,

    #[command(flatten)]
    pub(crate) nodes: NodeArgs,

    #[command(flatten)]
    pub(crate) judging: Judging,

    #[command(flatten)]
    pub(crate) looking: Looking,

    #[command(flatten)]
    pub(crate) showing: Showing,

    /// Save what was seen to FILE, to be judged elsewhere or later
    #[arg(long, value_name = "FILE")]
    pub(crate) save_snapshot: Option<PathBuf>,

    /// Judge a saved snapshot instead of connecting
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "interval", "save_snapshot"])]
    pub(crate) from: Option<PathBuf>,

    /// Judge by what happened since an earlier snapshot (see --save-snapshot): rates, growth and dates over the
    /// hours or days between
    #[arg(long, value_name = "SNAPSHOT", conflicts_with = "interval")]
    pub(crate) since: Option<PathBuf>,

    /// Compare with an earlier report (JSON)
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
}

/// How to look twice, and in between.
#[derive(Debug, Clone, Copy, Default, ClapArgs)]
pub(crate) struct Looking {
    /// Look twice, this far apart, and judge by rates instead of counters since the last reset
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "DBVITALS_INTERVAL")]
    pub(crate) interval: Option<Duration>,

    /// Looks at the sessions per second during the interval; fewer where they would cost over 1 % of a core
    /// [default: 10]
    #[arg(long, value_name = "HZ", value_parser = typed_rate, env = "DBVITALS_SAMPLE_RATE")]
    pub(crate) sample_rate: Option<f64>,
}

fn typed_rate(text: &str) -> Result<f64, String> {
    sample_rate(text.parse().map_err(|_| format!("{text:?} is not a number"))?)
}

/// A rate between one look in ten seconds and a hundred a second.
pub(crate) fn sample_rate(rate: f64) -> Result<f64, String> {
    if (0.1..=100.0).contains(&rate) {
        Ok(rate)
    } else {
        Err(format!("{rate} is not between 0.1 and 100 looks a second"))
    }
}

/// How to judge what was seen.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(crate) struct Judging {
    /// Exit with 1 when a finding is at least this severe [default: critical]
    #[arg(long, value_enum, env = "DBVITALS_FAIL_ON")]
    pub(crate) fail_on: Option<FailOn>,

    /// Set of default thresholds [default: default]
    #[arg(long, value_enum, env = "DBVITALS_PROFILE")]
    pub(crate) profile: Option<ProfileName>,

    /// Run only these checks (ids with wildcards)
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Leave these checks out (ids with wildcards)
    #[arg(long, value_name = "PATTERN", value_delimiter = ',')]
    pub(crate) except: Vec<String>,

    /// Megabytes of pages that may be read in each database to measure bloat where pgstattuple is installed; 0 for
    /// none [default: 128]
    #[arg(long, value_name = "MEGABYTES", env = "DBVITALS_MEASURE")]
    pub(crate) measure: Option<u32>,
}

/// The severity from which a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FailOn {
    /// Only critical findings
    Critical,
    /// Warnings and worse
    Warning,
    /// Any finding
    Info,
    /// Never
    Never,
}

impl FailOn {
    /// The least severity a run fails by; none where it never does.
    pub(crate) fn least(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Never => None,
        }
    }
}

/// A set of default thresholds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProfileName {
    /// What most systems should hold
    Default,
    /// What a demanding system should hold
    Strict,
}
