//! Connections the server itself closed or refused, by a counter of `INFO`: one judgement, each check with its words.

use dbvitals_model::{Evidence, Finding, Severity, Unit};

use crate::{
    context::Context,
    redis::{counted::counted, facts},
    skip::Skip,
    view::RedisView,
    words,
};

/// A counter of lost connections and the words about it.
pub(super) struct Loss {
    /// The field of `INFO stats`.
    pub(super) counter: &'static str,
    /// What was done to them, as the label of the evidence: `closed`, `refused`.
    pub(super) label: &'static str,
    /// The message, from how many and when.
    pub(super) message: fn(&str, &str) -> String,
    /// What to do.
    pub(super) advice: &'static str,
}

/// The finding of a server that lost connections in this way: a warning while that is news, information later.
pub(super) fn finding(
    redis: &RedisView<'_>,
    cx: &Context<'_>,
    loss: &Loss,
) -> Result<Option<Finding>, Skip> {
    let (info, window) = (redis.info()?, redis.window().ok());
    facts::number(info, loss.counter)?;
    let lost = counted(redis, info, window, loss.counter).filter(|lost| lost.count > 0.0);
    Ok(lost.map(|lost| {
        cx.finding(
            lost.severity(Severity::Warning, cx),
            facts::server(redis),
            (loss.message)(&words::count(lost.count), &lost.when()),
            loss.advice,
        )
        .with(Evidence::new(loss.label, lost.count, Unit::Count, lost.source("INFO stats")))
        .with(lost.age())
    }))
}

#[cfg(test)]
pub(super) mod proof {
    //! What every check of this kind must hold.

    use dbvitals_model::Severity;

    use crate::{
        check::Check,
        redis::fixture::{built_with, severity, window},
        testing,
    };

    /// Losses in the window or of the last day are a warning, older ones information, none are none.
    pub(crate) fn recent_ones_are_a_warning_old_ones_information(
        check: &'static Check,
        counter: &'static str,
    ) {
        let of = |lost, uptime, grown: Option<i64>| {
            let snapshot = built_with(&[(counter, lost)], &[], |redis| {
                redis.server.uptime_seconds = uptime;
                if let Some(grown) = grown {
                    window(redis, &[(counter, grown)]);
                }
            });
            severity(check, &snapshot)
        };
        assert_eq!(of("0", 60, None), None);
        assert_eq!(of("1", 86_400, None), Some(Severity::Warning));
        assert_eq!(of("1", 86_401, None), Some(Severity::Info));
        assert_eq!(of("9", 86_401, Some(0)), None);
        assert_eq!(of("9", 86_401, Some(1)), Some(Severity::Warning));
    }

    /// A release without the counter is no gap.
    pub(crate) fn a_server_that_does_not_count_them_is_passed_over(check: &'static Check) {
        assert!(!testing::skipped(check, &built_with(&[], &[], |_| {})).is_gap());
    }
}
