//! Errors of some kinds, counted by the hour: what several checks do, each with its own kinds and words.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{check::Threshold, context::Context, log::facts, skip::Judged, view::LogView};

/// Which errors are counted, and what is said of them.
#[derive(Debug, Clone, Copy)]
pub struct Counted {
    /// What errors of this kind are called.
    pub classes: &'static [&'static str],
    /// How serious they are.
    pub severity: Severity,
    /// What happened, once: `login was refused`.
    pub one: &'static str,
    /// What happened, several times.
    pub many: &'static str,
    /// How many an hour are told.
    pub limit: &'static Threshold,
    /// What to do.
    pub advice: &'static str,
}

impl Counted {
    /// One finding of them all, with what is known of the most frequent.
    pub fn judge(&self, log: &LogView<'_>, cx: &Context<'_>) -> Judged {
        let groups = facts::of_classes(log.errors()?, self.classes);
        let count = facts::sum(&groups);
        let (rate, limit) = (count as f64 / facts::hours(log.log()), cx.limit(self.limit));
        let Some(group) = groups.first().filter(|_| rate >= limit) else { return Ok(Vec::new()) };
        let message = facts::things(count, self.one, self.many);
        let subject = Subject::new("server", log.name());
        let finding = cx
            .finding(self.severity, subject, message, self.advice)
            .with(Evidence::new("an hour", rate, Unit::PerHour, facts::SOURCE).against(limit))
            .with(facts::number("most within one hour", group.peak_per_hour));
        Ok(vec![facts::with_error(finding, group)])
    }

    /// Asserts that so many errors of an hour are told, one less and any number of others are not.
    #[cfg(test)]
    pub(crate) fn fires_from(&self, check: &'static crate::check::Check, count: i64) {
        use dbvitals_model::log::ErrorGroup;

        use crate::testing::{self, edit};

        let found = |count, class: &str| {
            let built = testing::log(|log| {
                let class = class.to_owned();
                edit(&mut log.errors).groups =
                    vec![ErrorGroup { class, count, ..ErrorGroup::default() }];
                (log.first_at, log.last_at) = (testing::ago(3600), testing::ago(0));
            });
            testing::findings(check, &built).len()
        };
        for class in self.classes {
            assert_eq!((found(count, class), found(count - 1, class)), (1, 0), "{class}");
        }
        assert_eq!(found(1_000_000, "something else"), 0);
    }
}
