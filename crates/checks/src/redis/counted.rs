//! Counters over the window of two looks, or since the server was started.

use dbvitals_model::{
    Evidence, Severity, Unit,
    redis::{Info, Window},
};

use crate::{
    check::{Check, Threshold},
    context::Context,
    view::RedisView,
    words,
};

/// How long ago something counted may have happened and still be news.
pub static RECENT: Threshold = Threshold {
    key: "recent_seconds",
    unit: Unit::Seconds,
    default: 86_400.0,
    strict: None,
    range: (0.0, 1e9),
    why: "without a window all that is known is that it happened since the start: within a day it is \
          news, in a year it may be long mended",
};

/// How often something happened, and within which time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counted {
    /// How often.
    pub count: f64,
    /// Within how many seconds.
    pub seconds: f64,
    /// Counted between two looks, not since the start.
    pub in_window: bool,
}

/// A counter of `INFO` over the window where there is one, else since the start.
pub fn counted(
    redis: &RedisView<'_>,
    info: &Info,
    window: Option<&Window>,
    name: &str,
) -> Option<Counted> {
    let between = window.and_then(|window| {
        let count = *window.counters.get(name)? as f64;
        Some(Counted { count, seconds: window.seconds, in_window: true })
    });
    between.or_else(|| since_start(redis, info.number(name)?)).filter(|c| c.count.is_finite())
}

/// A count that was kept since the start.
pub fn since_start(redis: &RedisView<'_>, count: f64) -> Option<Counted> {
    // The server counts whole seconds: in its first one it says 0.
    let seconds = redis.server().uptime_seconds.max(1) as f64;
    Some(Counted { count, seconds, in_window: false })
}

impl Counted {
    /// How often per second; 0 where no time has passed.
    pub fn per_second(&self) -> f64 {
        if self.seconds > 0.0 { self.count / self.seconds } else { 0.0 }
    }

    /// That severity where it happened recently, else information.
    pub fn severity(&self, severity: Severity, cx: &Context<'_>) -> Severity {
        let is_recent = self.in_window || self.seconds <= cx.limit(&RECENT);
        if is_recent { severity } else { Severity::Info }
    }

    /// `in 10 s` or `since the start 3 d ago`.
    pub fn when(&self) -> String {
        let time = words::seconds(self.seconds);
        if self.in_window { format!("in {time}") } else { format!("since the start {time} ago") }
    }

    /// Where the number comes from, for evidence.
    pub fn source(&self, command: &str) -> String {
        let how = if self.in_window { "over the window" } else { "since start or reset" };
        format!("{command}, {how}")
    }

    /// The time it was counted in, as evidence.
    pub fn age(&self) -> Evidence {
        let label = if self.in_window { "window" } else { "age of the counters" };
        let source = if self.in_window { "two looks" } else { "INFO server, uptime_in_seconds" };
        Evidence::new(label, self.seconds, Unit::Seconds, source)
    }
}

/// Whether a check declares [`RECENT`], which every user of [`Counted::severity`] must.
pub fn is_declared(check: &Check) -> bool {
    check.thresholds.iter().any(|threshold| threshold.key == RECENT.key)
}
