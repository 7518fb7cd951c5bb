//! Options merged: flags over environment over file over defaults, each with where it comes from.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::{
    args::{
        audit::{FailOn, Judging, Looking, ProfileName, sample_rate},
        targets::{TargetArgs, duration},
    },
    config::file::File,
    problem::Problem,
};

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// The configuration file.
    File(String),
    /// A flag, or the environment variable that stands for it.
    Typed(&'static str),
}

/// A value and where it comes from.
#[derive(Debug, Clone)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

/// Everything that can be given in more than one place.
#[derive(Debug, Clone)]
pub(crate) struct Merged {
    pub(crate) fail_on: Sourced<FailOn>,
    pub(crate) profile: Sourced<ProfileName>,
    pub(crate) timeout: Sourced<Duration>,
    pub(crate) interval: Sourced<Option<Duration>>,
    pub(crate) sample_rate: Sourced<f64>,
    pub(crate) measure_mb: Sourced<u32>,
    pub(crate) only: Sourced<Vec<String>>,
    pub(crate) except: Sourced<Vec<String>>,
    pub(crate) include: Sourced<Vec<String>>,
    pub(crate) exclude: Sourced<Vec<String>>,
}

/// Longest time for one target unless told otherwise: an audit of a huge catalogue takes seconds, so
/// a minute means that something is wrong.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Looks at the sessions per second: a lock that is held for a tenth of a second is seen.
pub(crate) const SAMPLE_RATE: f64 = 10.0;

/// The smallest index that is ever reported, 100 MB, can be measured; more is not worth the reading unasked.
const MEASURE_MB: u32 = 128;

impl Merged {
    /// Bytes of pages that may be read in each database.
    pub(crate) fn measure_bytes(&self) -> u64 {
        u64::from(self.measure_mb.value) << 20
    }

    /// Merges what was typed with the file.
    pub(crate) fn new(
        targets: &TargetArgs,
        judging: &Judging,
        looking: Looking,
        file: &File,
        path: Option<&Path>,
    ) -> Result<Self, Problem> {
        let from = path.map(|path| path.display().to_string()).unwrap_or_default();
        let layers = Layers { file: from };
        let read = |text: &Option<String>, key: &str| {
            let wrong = |why| Problem::usage(format!("{key} in {}: {why}", layers.file));
            text.as_deref().map(duration).transpose().map_err(wrong)
        };
        let timeout = read(&file.audit.timeout, "audit.timeout")?;
        let written_interval = read(&file.audit.interval, "audit.interval")?;
        let written_rate = file.audit.sample_rate.map(sample_rate).transpose().map_err(|why| {
            Problem::usage(format!("audit.sample_rate in {}: {why}", layers.file))
        })?;
        Ok(Self {
            fail_on: layers.pick(
                judging.fail_on,
                file.audit.fail_on,
                FailOn::Critical,
                "--fail-on or DBVITALS_FAIL_ON",
            ),
            profile: layers.pick(
                judging.profile,
                file.audit.profile,
                ProfileName::Default,
                "--profile or DBVITALS_PROFILE",
            ),
            timeout: layers.pick(
                targets.timeout,
                timeout,
                TIMEOUT,
                "--timeout or DBVITALS_TIMEOUT",
            ),
            interval: layers.pick(
                looking.interval.map(Some),
                written_interval.map(Some),
                None,
                "--interval or DBVITALS_INTERVAL",
            ),
            sample_rate: layers.pick(
                looking.sample_rate,
                written_rate,
                SAMPLE_RATE,
                "--sample-rate or DBVITALS_SAMPLE_RATE",
            ),
            measure_mb: layers.pick(
                judging.measure,
                file.audit.measure_mb,
                MEASURE_MB,
                "--measure or DBVITALS_MEASURE",
            ),
            only: layers.list(&judging.only, file.audit.only.as_ref(), &[], "--only"),
            except: layers.list(&judging.except, file.audit.except.as_ref(), &[], "--except"),
            include: layers.list(
                &targets.include,
                file.databases.include.as_ref(),
                &["*"],
                "--include",
            ),
            exclude: layers.list(
                &targets.exclude,
                file.databases.exclude.as_ref(),
                &[],
                "--exclude",
            ),
        })
    }
}

struct Layers {
    file: String,
}

impl Layers {
    fn pick<T>(
        &self,
        typed: Option<T>,
        file: Option<T>,
        default: T,
        flag: &'static str,
    ) -> Sourced<T> {
        match (typed, file) {
            (Some(value), _) => Sourced { value, origin: Origin::Typed(flag) },
            (None, Some(value)) => Sourced { value, origin: Origin::File(self.file.clone()) },
            (None, None) => Sourced { value: default, origin: Origin::Default },
        }
    }

    fn list(
        &self,
        typed: &[String],
        file: Option<&Vec<String>>,
        default: &[&str],
        flag: &'static str,
    ) -> Sourced<Vec<String>> {
        let typed = (!typed.is_empty()).then(|| typed.to_vec());
        let default = default.iter().map(|&text| text.to_owned()).collect();
        self.pick(typed, file.cloned(), default, flag)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => f.write_str(path),
            Self::Typed(flag) => f.write_str(flag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(text: &str, looking: Looking) -> Result<Merged, Problem> {
        let file = File::parse(text, "f").unwrap();
        let (targets, judging) = (TargetArgs::default(), Judging::default());
        Merged::new(&targets, &judging, looking, &file, Some(Path::new("f")))
    }

    #[test]
    fn the_sample_rate_is_checked_wherever_it_is_written() {
        let rate = |text: &str, typed| {
            let looking = Looking { sample_rate: typed, ..Looking::default() };
            of_file(text, looking).map(|merged| merged.sample_rate)
        };
        let told = |text: &str, typed| {
            let rate = rate(text, typed).unwrap();
            (format!("{}", rate.value), rate.origin.to_string())
        };
        assert_eq!(told("", None), ("10".into(), "default".into()));
        assert_eq!(told("[audit]\nsample_rate = 2", None), ("2".into(), "f".into()));
        assert_eq!(told("[audit]\nsample_rate = 2", Some(0.5)).0, "0.5");
        let problem = rate("[audit]\nsample_rate = 100.5", None).unwrap_err().to_string();
        let wanted = "audit.sample_rate in f: 100.5 is not between 0.1 and 100 looks a second";
        assert!(problem.contains(wanted), "{problem}");
        assert!(rate("[audit]\nsample_rate = 0", None).is_err());
        assert!(rate("[audit]\nsample_rate = nan", None).is_err());
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = File::parse("[audit]\nfail_on = \"warning\"\ntimeout = \"5s\"", "f").unwrap();
        let judging = Judging { fail_on: Some(FailOn::Never), ..Judging::default() };
        let merged = Merged::new(
            &TargetArgs::default(),
            &judging,
            Looking::default(),
            &file,
            Some(Path::new("f")),
        )
        .unwrap();
        assert_eq!(merged.fail_on.value, FailOn::Never);
        assert_eq!(merged.timeout.value, Duration::from_secs(5));
        assert_eq!(merged.timeout.origin, Origin::File("f".into()));
        assert_eq!(merged.profile.origin, Origin::Default);
        assert_eq!(merged.include.value, ["*"]);
    }
}
