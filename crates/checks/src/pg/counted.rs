//! Counters over the window of two looks, or since they were last reset, with the time they cover.

use dbvitals_model::{Evidence, Unit, pg::window::Window};

use crate::words;

/// Counters and the time they were counted in.
#[derive(Debug, Clone, Copy)]
pub struct Counted<'a, T> {
    /// The counters.
    pub counters: &'a T,
    /// How long they ran, in seconds; 0 where that is unknown.
    pub seconds: f64,
    /// Counted between two looks, not since the reset.
    pub in_window: bool,
}

/// The window's counters where there are any and they saw enough to judge by, else those since the
/// reset `age` seconds ago. What happened ten seconds long says more about now than what happened
/// ten months long, but nothing at all when hardly anything happened.
pub fn counted<'a, T>(
    window: Option<(&'a Window, &'a T)>,
    since_reset: &'a T,
    age: Option<f64>,
    suffices: impl Fn(&Counted<'a, T>) -> bool,
) -> Option<Counted<'a, T>> {
    let recent = window.map(|(window, counters)| Counted {
        counters,
        seconds: window.seconds,
        in_window: true,
    });
    let all = Counted { counters: since_reset, seconds: age.unwrap_or(0.0), in_window: false };
    recent.into_iter().chain([all]).find(suffices)
}

impl<T> Counted<'_, T> {
    /// How often per second; `None` where the time is unknown.
    pub fn per_second(&self, count: f64) -> Option<f64> {
        (self.seconds > 0.0).then(|| count / self.seconds)
    }

    /// `in 10 s`, or `in the 3 d since the statistics were reset`.
    pub fn when(&self) -> String {
        let time = words::seconds(self.seconds);
        match (self.in_window, self.seconds > 0.0) {
            (true, _) => format!("in {time}"),
            (false, true) => format!("in the {time} since the statistics were reset"),
            (false, false) => "since the statistics were reset".to_owned(),
        }
    }

    /// Where a number comes from, for evidence.
    pub fn source(&self, view: &str) -> String {
        let how = if self.in_window { "over the window" } else { "since the reset" };
        format!("{view}, {how}")
    }

    /// The time covered, as evidence.
    pub fn time(&self) -> Evidence {
        let (label, source) = if self.in_window {
            ("window", "two looks")
        } else {
            ("age of the statistics", "stats_reset")
        };
        Evidence::new(label, self.seconds, Unit::Seconds, source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_wins_only_when_it_saw_enough() {
        let window = Window { seconds: 10.0, ..Window::default() };
        let pick = |enough: i64| {
            counted(Some((&window, &5_i64)), &100, Some(86_400.0), |seen| *seen.counters >= enough)
                .map(|counted| (*counted.counters, counted.when()))
        };
        assert_eq!(pick(5), Some((5, "in 10 s".to_owned())));
        assert_eq!(pick(6), Some((100, "in the 24 h since the statistics were reset".to_owned())));
        assert_eq!(pick(101), None);
    }
}
