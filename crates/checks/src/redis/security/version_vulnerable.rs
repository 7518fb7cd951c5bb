//! A release with a known hole that its makers have mended.

use dbvitals_model::{Evidence, ServerVersion, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
};

/// The release against those that were mended.
pub static CHECK: Check = Check {
    id: "redis-version-vulnerable",
    title: "Release with a known hole",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &[],
    uses: &["users", "config"],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
A release older than the one in which its makers mended a hole that lets a client run code of its own on the machine:

| hole | mended in Redis | in Valkey |
|---|---|---|
| October 2025: scripts (CVE-2025-49844) | 6.2.20, 7.2.11, 7.4.6, 8.0.4, 8.2.2 | 7.2.11, 8.0.6, 8.1.4 |
| May 2026: unblocked clients, `RESTORE`, scripts during a full sync (CVE-2026-23479, CVE-2026-25243, CVE-2026-23631) | 7.2.14, 7.4.9, 8.2.6, 8.4.3, 8.6.3 | 7.2.13, 8.0.9, 8.1.7, 9.0.4 |
| July 2026: streams in `RESTORE` and dumps (at Valkey CVE-2026-63639) | 6.2.23, 7.2.15, 7.4.10, 8.2.8, 8.4.5, 8.6.5, 8.8.1 | 7.2.14, 8.0.10, 8.1.9, 9.0.5, 9.1.1 |
| TLS connections, where TLS is on (at Redis CVE-2026-81934, at Valkey CVE-2026-56684) | 7.4.11, 8.2.9, 8.4.6, 8.6.6, 8.8.2, 8.10.1 | 7.2.14, 8.0.10, 8.1.9, 9.0.5, 9.1.1 |

Release lines that were no longer maintained then are another check's. The list ends in September 2026.

## Why it matters
Whoever may run a script, or `RESTORE`, takes over the machine. Every user may who has `@all`, the default user among them.

## How to fix
Update to the latest patch release: replicas first, then fail over. Until then take what they do not need away from users:
`ACL SETUSER … -@scripting -restore`.

## When to ignore
Packages of distributions are mended under their old number: ask the distribution whether yours is.

## References
[Redis images, October 2025](https://github.com/docker-library/official-images/pull/20011),
[Redis 7.2.14](https://github.com/redis/redis/releases/tag/7.2.14),
[Redis notes, May 2026](https://github.com/redis/docs/pull/3292),
[Redis images, July 2026](https://github.com/docker-library/official-images/pull/21922),
[CVE-2026-81934](https://www.cve.org/CVERecord?id=CVE-2026-81934);
[Valkey 8.0.6](https://github.com/valkey-io/valkey/pull/2686) and [8.1.4](https://github.com/valkey-io/valkey/releases/tag/8.1.4),
[8.1.7](https://github.com/valkey-io/valkey/pull/3633), [9.1.1](https://github.com/valkey-io/valkey/releases/tag/9.1.1).
",
    run: Run::Redis(run),
};

/// A hole, and the patch release of each line that mended it.
struct Hole {
    name: &'static str,
    what: &'static str,
    /// There is none without TLS.
    needs_tls: bool,
    redis: &'static [(u32, u32, u32)],
    valkey: &'static [(u32, u32, u32)],
}

/// From the makers' release notes and advisories, as cited above. Valkey 8.0.8 was withdrawn, so 8.0.9 stands for it.
const HOLES: &[Hole] = &[
    Hole {
        name: "CVE-2025-49844",
        what: "scripts",
        needs_tls: false,
        redis: &[(6, 2, 20), (7, 2, 11), (7, 4, 6), (8, 0, 4), (8, 2, 2)],
        valkey: &[(7, 2, 11), (8, 0, 6), (8, 1, 4)],
    },
    Hole {
        name: "CVE-2026-23479, CVE-2026-25243, CVE-2026-23631",
        what: "blocked clients, RESTORE and scripts",
        needs_tls: false,
        redis: &[(7, 2, 14), (7, 4, 9), (8, 2, 6), (8, 4, 3), (8, 6, 3)],
        valkey: &[(7, 2, 13), (8, 0, 9), (8, 1, 7), (9, 0, 4)],
    },
    Hole {
        name: "streams, July 2026",
        what: "RESTORE and dumps of streams",
        needs_tls: false,
        redis: &[(6, 2, 23), (7, 2, 15), (7, 4, 10), (8, 2, 8), (8, 4, 5), (8, 6, 5), (8, 8, 1)],
        valkey: &[(7, 2, 14), (8, 0, 10), (8, 1, 9), (9, 0, 5), (9, 1, 1)],
    },
    Hole {
        name: "CVE-2026-81934 (at Valkey CVE-2026-56684)",
        what: "TLS connections",
        needs_tls: true,
        redis: &[(7, 4, 11), (8, 2, 9), (8, 4, 6), (8, 6, 6), (8, 8, 2), (8, 10, 1)],
        valkey: &[(7, 2, 14), (8, 0, 10), (8, 1, 9), (9, 0, 5), (9, 1, 1)],
    },
];

/// The patch release of this line that mended a hole.
fn mended(hole: &Hole, flavour: &str, version: ServerVersion) -> Option<u32> {
    let lines = match flavour {
        "redis" => hole.redis,
        "valkey" => hole.valkey,
        _ => return None,
    };
    let line = |it: &&(u32, u32, u32)| (it.0, it.1) == (version.major, version.minor);
    lines.iter().find(line).map(|(_, _, patch)| *patch)
}

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (server, users) = (redis.server(), redis.users().ok());
    let version = server.version;
    let known: Vec<(&Hole, u32)> = HOLES
        .iter()
        .filter_map(|hole| Some((hole, mended(hole, &server.flavour, version)?)))
        .collect();
    if known.is_empty() {
        return Err(Skip::not_applicable("nothing is known of this line of releases"));
    }
    // Where the settings cannot be read, TLS may be on.
    let has_tls = redis.config().ok().is_none_or(|config| config.int("tls-port") != Some(0));
    let open: Vec<&(&Hole, u32)> = known
        .iter()
        .filter(|(hole, patch)| version.patch < *patch && (has_tls || !hole.needs_tls))
        .collect();
    let Some(last) = open.iter().map(|(_, patch)| *patch).max() else { return Ok(Vec::new()) };
    let names: Vec<&str> = open.iter().map(|(hole, _)| hole.name).collect();
    let ways: Vec<&str> = open.iter().map(|(hole, _)| hole.what).collect();
    let (flavour, major, minor) = (&server.flavour, version.major, version.minor);
    let finding = cx
        .finding(
            Severity::Warning,
            facts::server(redis),
            format!(
                "{flavour} {version} lets clients run code on the machine, by way of {} ({})",
                ways.join("; "),
                names.join("; ")
            ),
            format!(
                "Update to {major}.{minor}.{last} or later, replicas first. Until then deny scripts and RESTORE to \
                 users that do not need them. With a package of a distribution, ask whether it is mended there."
            ),
        )
        .with(Evidence::new("version", version.to_string(), Unit::Text, "INFO server"))
        .with(Evidence::new(
            "mended in",
            format!("{major}.{minor}.{last}"),
            Unit::Text,
            "release notes of its makers",
        ))
        .with(Evidence::new("holes", names.join("; "), Unit::Text, "advisories of its makers"));
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
    use super::*;
    use crate::{
        redis::fixture::{built_with, severity},
        testing,
    };

    fn server(
        flavour: &str,
        (major, minor, patch): (u32, u32, u32),
        tls_port: &str,
    ) -> dbvitals_model::Snapshot {
        built_with(&[], &[("tls-port", tls_port)], |redis| {
            redis.server.flavour = flavour.into();
            redis.server.version = ServerVersion::new(major, minor, patch);
        })
    }

    #[test]
    fn the_patch_release_decides() {
        let of = |flavour: &str, version| severity(&CHECK, &server(flavour, version, "0"));
        for (flavour, open, closed) in [
            ("redis", (6, 2, 22), (6, 2, 23)),
            ("redis", (7, 2, 14), (7, 2, 15)),
            ("redis", (7, 4, 9), (7, 4, 10)),
            ("redis", (8, 0, 3), (8, 0, 4)),
            ("redis", (8, 8, 0), (8, 8, 1)),
            ("valkey", (8, 1, 8), (8, 1, 9)),
            ("valkey", (9, 1, 0), (9, 1, 1)),
        ] {
            assert_eq!(of(flavour, open), Some(Severity::Warning), "{flavour} {open:?}");
            assert_eq!(of(flavour, closed), None, "{flavour} {closed:?}");
        }
    }

    #[test]
    fn every_open_hole_is_named_with_the_release_that_mends_all() {
        let finding = testing::findings(&CHECK, &server("redis", (7, 4, 5), "0")).remove(0);
        for name in ["CVE-2025-49844", "CVE-2026-23479", "streams"] {
            assert!(finding.message.contains(name), "{}", finding.message);
        }
        assert!(finding.recommendation.contains("7.4.10 or later"), "{}", finding.recommendation);
        let some = testing::findings(&CHECK, &server("valkey", (8, 0, 9), "0")).remove(0);
        assert!(!some.message.contains("CVE-2026-23479") && some.message.contains("streams"));
    }

    #[test]
    fn a_hole_in_tls_matters_where_tls_is_on() {
        let of = |port| severity(&CHECK, &server("redis", (7, 4, 10), port));
        assert_eq!((of("0"), of("6380")), (None, Some(Severity::Warning)));
    }

    #[test]
    fn later_releases_of_a_line_mend_more() {
        for flavour in ["redis", "valkey"] {
            for (one, next) in HOLES.iter().zip(HOLES.iter().skip(1)) {
                let lines = if flavour == "redis" { one.redis } else { one.valkey };
                for (major, minor, patch) in lines {
                    let version = ServerVersion::new(*major, *minor, *patch);
                    let later = mended(next, flavour, version);
                    assert!(later.is_none_or(|later| later >= *patch), "{flavour} {version}");
                }
            }
        }
    }

    #[test]
    fn of_other_lines_nothing_is_said() {
        let snapshot = built_with(&[], &[], |redis| {
            redis.server.version = ServerVersion::new(7, 0, 15);
        });
        assert!(!testing::skipped(&CHECK, &snapshot).is_gap());
    }
}
