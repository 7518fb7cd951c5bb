//! When something will be used up, from how much of it went in a known time. A range, or nothing.

use dbvitals_model::{Evidence, Finding, Unit};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{check::Threshold, context::Context, words};

const DAY: f64 = 86_400.0;
/// Dates beyond this are no news: ten years.
const HORIZON_DAYS: f64 = 3_650.0;

/// What is used up within so many days is worth a warning now.
pub static SOON: Threshold = Threshold {
    key: "warning_days",
    unit: Unit::Days,
    default: 30.0,
    strict: Some(60.0),
    range: (0.0, 3650.0),
    why: "a month is what ordering a disk or preparing a migration takes",
};

/// How long something must have been watched before a date is given.
pub static MIN_SECONDS: Threshold = Threshold {
    key: "min_observed_seconds",
    unit: Unit::Seconds,
    default: 3600.0,
    strict: None,
    range: (60.0, 31_536_000.0),
    why: "in less than an hour one job looks like a trend",
};

/// How much went in how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// What went, in the unit of what is left.
    pub grown: f64,
    /// In how many seconds.
    pub seconds: f64,
    /// In how many steps that came apart: values drawn, or looks at a size. One step is no pace.
    pub steps: f64,
}

/// What a date needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// Seconds that must have been observed.
    pub seconds: f64,
    /// Steps that must have been counted.
    pub steps: f64,
}

impl Needs {
    /// As long as the settings of a check ask for, and so many steps.
    pub fn of(cx: &Context<'_>, steps: f64) -> Self {
        Self { seconds: cx.limit(&MIN_SECONDS), steps }
    }
}

/// When it will be used up if it goes on like this.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Eta {
    /// What goes in a day.
    pub per_day: f64,
    /// Days left at the observed pace.
    pub days: f64,
    /// Days left if the time observed was the quietest there is.
    pub earliest_days: f64,
    /// Days left if the time observed was the busiest there is.
    pub latest_days: f64,
    /// How long it was observed.
    pub seconds: f64,
}

/// The date at which `left` is used up; `None` where the pace is too short, too thin, or none at all.
///
/// Two looks say nothing of the hours around them. Shorter than a day they may have met the busiest or the quietest
/// hour, which are three times apart from the mean on an ordinary system; shorter than a week the better or the worse
/// half of it. What was counted adds its own noise, two standard deviations of a count.
pub fn eta(left: f64, pace: Pace, needs: Needs) -> Option<Eta> {
    let Pace { grown, seconds, steps } = pace;
    let is_long = seconds.is_finite() && seconds > 0.0 && seconds >= needs.seconds;
    let is_thick = steps >= needs.steps.max(1.0);
    if !(is_long && is_thick && grown.is_finite() && grown > 0.0 && left.is_finite() && left >= 0.0)
    {
        return None;
    }
    let per_day = grown / seconds * DAY;
    let days = left / per_day;
    let cycle = match seconds {
        s if s < DAY => 3.0,
        s if s < 7.0 * DAY => 1.5,
        _ => 1.2,
    };
    let spread = cycle * (1.0 + 2.0 / steps.sqrt());
    let eta =
        Eta { per_day, days, earliest_days: days / spread, latest_days: days * spread, seconds };
    (eta.days <= HORIZON_DAYS).then_some(eta)
}

impl Eta {
    /// `in 12 to 40 days`, for a message.
    pub fn when(&self) -> String {
        let (low, high) = (self.earliest_days, self.latest_days);
        if high < 2.0 {
            return format!("in {} to {}", words::seconds(low * DAY), words::seconds(high * DAY));
        }
        let (low, high) = (rounded(low), rounded(high));
        if low == high {
            format!("in about {high} days")
        } else {
            format!("in {low} to {high} days")
        }
    }

    /// The same as dates: `2026-01-13 to 2026-02-10`.
    pub fn dates(&self, now: Timestamp) -> String {
        let day = |days: f64| {
            let later = SignedDuration::try_from_secs_f64(days * DAY).ok();
            let at = later.and_then(|later| now.checked_add(later).ok()).unwrap_or(now);
            at.to_zoned(TimeZone::UTC).date().to_string()
        };
        let (first, last) = (day(self.earliest_days), day(self.latest_days));
        if first == last { first } else { format!("{first} to {last}") }
    }

    /// The finding with the pace and the dates as evidence.
    #[must_use]
    pub fn told(&self, finding: Finding, unit: Unit, now: Timestamp, source: &str) -> Finding {
        let source = format!("{source}, over {}", words::seconds(self.seconds));
        finding
            .with(Evidence::new("goes in a day", self.per_day, unit, source.as_str()))
            .with(Evidence::new("days left at this pace", self.days, Unit::Days, source.as_str()))
            .with(Evidence::new("used up between", self.dates(now), Unit::Text, source))
    }
}

/// Whole days, at least one place behind the point where there are few.
fn rounded(days: f64) -> String {
    if days < 3.0 { format!("{days:.1}") } else { format!("{days:.0}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::now;

    const NEEDS: Needs = Needs { seconds: 3600.0, steps: 10.0 };

    fn pace(grown: f64, seconds: f64, steps: f64) -> Pace {
        Pace { grown, seconds, steps }
    }

    #[test]
    fn a_week_of_even_growth_is_a_narrow_range() {
        let eta = eta(700.0, pace(70.0, 7.0 * DAY, 10_000.0), NEEDS).unwrap();
        assert!((eta.days - 70.0).abs() < 1e-9 && (eta.per_day - 10.0).abs() < 1e-9);
        assert_eq!(eta.when(), "in 57 to 86 days");
        assert_eq!(eta.dates(now()), "2026-02-27 to 2026-03-27");
    }

    #[test]
    fn an_hour_may_have_been_the_busiest_or_the_quietest() {
        let eta = eta(100.0, pace(1.0, 3600.0, 1e6), NEEDS).unwrap();
        assert!((eta.days - 100.0 / 24.0).abs() < 1e-9);
        assert!(eta.latest_days > 2.9 * eta.days && eta.earliest_days < eta.days / 2.9);
    }

    #[test]
    fn traps_give_no_date() {
        let left = 100.0;
        assert_eq!(eta(left, pace(50.0, 3599.0, 1e6), NEEDS), None, "too short");
        assert_eq!(eta(left, pace(50.0, 7200.0, 9.0), NEEDS), None, "too few steps");
        assert_eq!(eta(left, pace(-50.0, 7200.0, 1e6), NEEDS), None, "it shrinks");
        assert_eq!(eta(left, pace(0.0, 7200.0, 1e6), NEEDS), None, "it rests");
        assert_eq!(eta(1e12, pace(1.0, 7200.0, 1e6), NEEDS), None, "not in our lives");
        assert_eq!(eta(f64::INFINITY, pace(1.0, 7200.0, 1e6), NEEDS), None);
        assert_eq!(eta(-1.0, pace(1.0, 7200.0, 1e6), NEEDS), None, "past the end already");
    }

    #[test]
    fn hours_are_told_as_hours() {
        let eta = eta(1.0, pace(7.0, 8.0 * DAY, 1e9), NEEDS).unwrap();
        assert_eq!(eta.when(), "in 23 h to 33 h");
    }

    proptest! {
        #[test]
        fn the_range_holds_the_estimate_and_nothing_is_negative(
            left in prop::num::f64::ANY,
            grown in prop::num::f64::ANY,
            seconds in prop::num::f64::ANY,
            steps in prop::num::f64::ANY,
        ) {
            if let Some(eta) = eta(left, pace(grown, seconds, steps), NEEDS) {
                prop_assert!(0.0 <= eta.earliest_days && eta.earliest_days <= eta.days);
                prop_assert!(eta.days <= eta.latest_days && eta.per_day > 0.0);
                prop_assert!(!eta.when().is_empty() && !eta.dates(now()).is_empty());
            }
        }
    }
}
