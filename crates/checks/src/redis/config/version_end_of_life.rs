//! A release nobody mends any more.

use dbvitals_model::{Evidence, Severity, Unit};
use jiff::tz::TimeZone;

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{config::support_dates, facts},
    skip::{Judged, Skip},
    view::RedisView,
};

/// The version, against the day its support ended.
pub static CHECK: Check = Check {
    id: "redis-version-end-of-life",
    title: "Version is no longer maintained",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &[],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A release whose makers have ended support, by the server's own clock. Releases without an announced end are not reported.

## Why it matters
Faults found since then, also those that let strangers in, are not mended by its makers.

## How to fix
Move to a maintained release: replicas first, then fail over. Data files of older releases are read by newer ones, not the
other way round, so keep a copy.

## When to ignore
Distributions mend security faults in their packages for longer: with such a package the date of the distribution counts.

## References
Redis documentation: Supported versions in the security policy; Valkey: Releases.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let server = redis.server();
    let today = server.now.to_zoned(TimeZone::UTC).date();
    let Some(end) = support_dates::end_of_support(server) else {
        return Err(Skip::not_applicable("no end of support was announced for this release"));
    };
    if today <= end {
        return Ok(Vec::new());
    }
    let (flavour, version) = (&server.flavour, server.version);
    let since = today.since(end).map_or(0, |span| span.get_days());
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!("{flavour} {version} is no longer maintained since {end}"),
            "Plan the move to a maintained release, replicas first. With a package of a distribution, \
             see until when that one mends it.",
        )
        .with(Evidence::new("version", version.to_string(), Unit::Text, "INFO server"))
        .with(Evidence::new("end of support", end.to_string(), Unit::Text, "its makers"))
        .with(Evidence::new("days since", f64::from(since), Unit::Days, "clock of the server"));
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{ServerVersion, Snapshot};
    use jiff::Timestamp;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing,
    };

    fn with(flavour: &str, version: ServerVersion, now: &str) -> Snapshot {
        built_with(&[], &[], |redis| {
            redis.server.flavour = flavour.into();
            redis.server.version = version;
            redis.server.now = now.parse::<Timestamp>().unwrap();
        })
    }

    #[test]
    fn the_day_after_the_last_one_counts() {
        let seven = ServerVersion::new(7, 0, 15);
        assert_eq!(severity(&CHECK, &with("redis", seven, "2024-07-29T23:59:59Z")), None);
        let found = only(&CHECK, &with("redis", seven, "2024-07-30T00:00:00Z"));
        assert_eq!(found.message, "redis 7.0.15 is no longer maintained since 2024-07-29");
    }

    #[test]
    fn nothing_is_said_of_releases_without_a_known_end() {
        let of = |flavour, major, minor| {
            let version = ServerVersion::new(major, minor, 0);
            let snapshot = with(flavour, version, "2026-06-01T00:00:00Z");
            testing::skipped(&CHECK, &snapshot).is_gap()
        };
        assert!(!of("redis", 7, 2));
        assert!(!of("redis", 99, 0));
        let other = with("valkey", ServerVersion::new(7, 2, 8), "2026-06-01T00:00:00Z");
        assert_eq!(severity(&CHECK, &other), None, "another product under the same number");
    }
}
