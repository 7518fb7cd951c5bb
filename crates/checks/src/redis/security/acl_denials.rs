//! Commands and logins the server refused.

use std::collections::BTreeMap;

use dbvitals_model::{Evidence, Severity, Subject, Unit, redis::AclDenial};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::RedisView,
    words,
};

/// `ACL LOG`, by user and reason.
pub static CHECK: Check = Check {
    id: "redis-acl-denials",
    title: "Access is denied often",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["acl_log"],
    uses: &[],
    thresholds: &[&MIN_DENIALS, &RECENT],
    fix: None,
    explain: "\
## What it detects
At least `min_denials` refused commands, keys, channels or logins of one user within the last `max_age_seconds`. What an audit
itself was refused is left out.

## Why it matters
Either an application lacks a right and loses commands, or somebody tries what he may not.

## How to fix
Give the user the one right that is missing (`ACL SETUSER name +command`, `~key`), or find out who tries: the address is in
`ACL LOG`.

## When to ignore
Known scanners of your own.

## References
Redis documentation: ACL LOG.
",
    run: Run::Redis(run),
};

static MIN_DENIALS: Threshold = Threshold {
    key: "min_denials",
    unit: Unit::Count,
    default: 3.0,
    strict: None,
    range: (1.0, 1e9),
    why: "once or twice is a person who mistypes",
};

static RECENT: Threshold = Threshold {
    key: "max_age_seconds",
    unit: Unit::Seconds,
    default: 86_400.0,
    strict: None,
    range: (1.0, 1e9),
    why: "the log keeps entries until others push them out, which may be months",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let log = redis.acl_log()?;
    let mut groups: BTreeMap<(&str, &str), Vec<&AclDenial>> = BTreeMap::new();
    for denial in log {
        if denial.age_seconds <= cx.limit_for(&RECENT, &denial.user) {
            groups.entry((denial.user.as_str(), denial.reason.as_str())).or_default().push(denial);
        }
    }
    let mut found = Vec::new();
    for ((user, reason), denials) in groups {
        let total: i64 =
            denials.iter().map(|denial| denial.count.max(0)).fold(0, i64::saturating_add);
        let least = cx.limit_for(&MIN_DENIALS, user);
        if (total as f64) < least {
            continue;
        }
        let objects = objects(&denials);
        let newest = denials.iter().map(|denial| denial.age_seconds).fold(f64::MAX, f64::min);
        let (message, advice) = if reason == "auth" {
            (
                format!("{} logins as {user} failed", words::count(total as f64)),
                "Correct the password of the client, or find out who tries: ACL LOG has the address.",
            )
        } else {
            (
                format!(
                    "{} times {user} was denied a {reason}: {objects}",
                    words::count(total as f64)
                ),
                "Give the user the right it needs, or find out who tries what he may not.",
            )
        };
        let subject = Subject::new("user", format!("{user} ({reason})"));
        found.push(
            cx.finding(Severity::Warning, subject, message, advice)
                .with(Evidence::new("denials", total, Unit::Count, "ACL LOG").against(least))
                .with(Evidence::new("denied", objects, Unit::Text, "ACL LOG"))
                .with(
                    Evidence::new("last seen", newest, Unit::Seconds, "ACL LOG")
                        .against(cx.limit_for(&RECENT, user)),
                ),
        );
    }
    Ok(found)
}

/// The first three things that were denied, by name.
fn objects(denials: &[&AclDenial]) -> String {
    let mut names: Vec<_> = denials.iter().map(|denial| denial.object.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = if names.len() > 3 { " …" } else { "" };
    names.truncate(3);
    words::shorten(&names.join(", "), 120) + more
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, only, severity},
        testing::edit,
    };

    fn denial(count: i64, reason: &str, object: &str, age_seconds: f64) -> AclDenial {
        AclDenial {
            count,
            reason: reason.into(),
            object: object.into(),
            user: "app".into(),
            age_seconds,
            ..AclDenial::default()
        }
    }

    fn with(denials: Vec<AclDenial>) -> Snapshot {
        built_with(&[], &[], |redis| *edit(&mut redis.acl_log) = denials)
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        let of = |count, age| severity(&CHECK, &with(vec![denial(count, "command", "keys", age)]));
        assert_eq!(of(2, 5.0), None);
        assert_eq!(of(3, 5.0), Some(Severity::Warning));
        assert_eq!(of(3, 86_400.0), Some(Severity::Warning));
        assert_eq!(of(3, 86_401.0), None);
    }

    #[test]
    fn counts_by_user_and_reason() {
        let denials = vec![
            denial(1, "command", "keys", 5.0),
            denial(2, "command", "flushall", 9.0),
            denial(1, "auth", "AUTH", 5.0),
        ];
        let found = only(&CHECK, &with(denials));
        assert_eq!(found.message, "3 times app was denied a command: flushall, keys");
        assert_eq!(found.key, "redis-acl-denials@cache/user:app (command)");
    }
}
