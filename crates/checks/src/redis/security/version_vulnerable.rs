//! A release with a known hole that its makers have mended.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
};

/// The release against the one that was mended.
pub static CHECK: Check = Check {
    id: "redis-version-vulnerable",
    title: "Release with a known hole",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &[],
    uses: &["users"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A release older than the one in which its makers mended CVE-2025-49844: a script (`EVAL`, `FCALL`) could free memory it still
uses, and so run code of its own on the machine. Mended in Redis 6.2.20, 7.2.11, 7.4.6, 8.0.4 and 8.2.2, and in Valkey 7.2.11, 8.0.6
and 8.1.4. Release lines that were no longer maintained then are another check's.

## Why it matters
Whoever may run a script takes over the machine. Every user may who has `@all` or `@scripting`, the default user among them.

## How to fix
Update to the latest patch release: replicas first, then fail over. Until then take scripts away from users that do not need
them: `ACL SETUSER … -@scripting`.

## When to ignore
Packages of distributions are mended under their old number: ask the distribution whether yours is.

## References
The makers' advisories on CVE-2025-49844.
",
    run: Run::Redis(run),
};

/// Flavour, major, minor, and the patch release that mended it.
const MENDED: &[(&str, u32, u32, u32)] = &[
    ("redis", 6, 2, 20),
    ("redis", 7, 2, 11),
    ("redis", 7, 4, 6),
    ("redis", 8, 0, 4),
    ("redis", 8, 2, 2),
    ("valkey", 7, 2, 11),
    ("valkey", 8, 0, 6),
    ("valkey", 8, 1, 4),
];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (server, users) = (redis.server(), redis.users().ok());
    let version = server.version;
    let line = MENDED.iter().find(|(flavour, major, minor, _)| {
        *flavour == server.flavour && (*major, *minor) == (version.major, version.minor)
    });
    let Some((flavour, major, minor, mended)) = line else {
        return Err(Skip::not_applicable("nothing is known of this line of releases"));
    };
    if version.patch >= *mended {
        return Ok(Vec::new());
    }
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!("{flavour} {version} lets scripts run code on the machine (CVE-2025-49844)"),
            format!(
                "Update to {major}.{minor}.{mended} or later, replicas first. Until then deny scripts to users that do \
                 not need them. With a package of a distribution, ask whether it is mended there."
            ),
        )
        .with(Evidence::new("version", version.to_string(), Unit::Text, "INFO server"))
        .with(Evidence::new(
            "mended in",
            format!("{major}.{minor}.{mended}"),
            Unit::Text,
            "advisory of its makers",
        ));
    let unrestricted =
        users.map(|users| users.iter().filter(|u| u.is_enabled && u.all_commands).count());
    Ok(vec![match unrestricted {
        Some(count) => finding.with(Evidence::new(
            "users with all commands",
            count as f64,
            Unit::Count,
            "ACL LIST",
        )),
        None => finding,
    }])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::ServerVersion;

    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing,
    };

    #[test]
    fn the_patch_release_decides() {
        let of = |flavour: &str, major, minor, patch| {
            let snapshot = built_with(&[], &[], |redis| {
                redis.server.flavour = flavour.into();
                redis.server.version = ServerVersion::new(major, minor, patch);
            });
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("redis", 6, 2, 19), Some(Severity::Warning));
        assert_eq!(of("redis", 6, 2, 20), None);
        assert_eq!(of("redis", 7, 4, 5), Some(Severity::Warning));
        assert_eq!(of("valkey", 8, 1, 3), Some(Severity::Warning));
        assert_eq!(of("valkey", 8, 1, 4), None);
    }

    #[test]
    fn of_other_lines_nothing_is_said() {
        let snapshot = built_with(&[], &[], |redis| {
            redis.server.version = ServerVersion::new(7, 0, 15);
        });
        assert!(!testing::skipped(&CHECK, &snapshot).is_gap());
    }
}
