//! Everybody shares one user that may do everything.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        reach::{self, Reach},
        security::permissions,
    },
    skip::Judged,
    view::RedisView,
};

/// The default user with all commands on all keys.
pub static CHECK: Check = Check {
    id: "redis-default-user-unrestricted",
    title: "Default user may do everything",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["users"],
    uses: &["config"],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
The default user is enabled with every command on every key. A warning where other machines can connect, information on a
server that only this machine reaches.

## Why it matters
Every application that has the password may empty the server, change its settings or stop it, and nobody can tell them
apart in a log.

## How to fix
A user for each application with the keys and commands it needs, an administrator, and the default user off (or without
`@dangerous`) when all clients have moved.

## When to ignore
Private servers of one application, and managed services that forbid ACLs.

## References
Redis documentation: ACL.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (users, config) = (redis.users(), redis.config().ok());
    let users = users?;
    let from = reach::reach(redis.server(), config);
    let Some(default) = reach::default_user(users) else { return Ok(Vec::new()) };
    if !default.is_enabled || !permissions::is_unrestricted(default) {
        return Ok(Vec::new());
    }
    let severity = if from == Reach::Network { Severity::Warning } else { Severity::Info };
    let statements = [
        "ACL SETUSER <administrator> on ><password> ~* &* +@all",
        "ACL SETUSER <application> on ><password> ~<prefix>:* &<prefix>:* +@all -@dangerous",
        "ACL SETUSER default off",
    ];
    // Before 6.2 there are no rules for channels.
    let version = redis.server().version;
    let has_channels = (version.major, version.minor) >= (6, 2);
    let statements = statements.map(|statement| {
        if has_channels {
            statement.to_owned()
        } else {
            statement.replace(" &* ", " ").replace(" &<prefix>:* ", " ")
        }
    });
    let fix = Fix::new(FixKind::Manual, statements)
        .locking("none", "clients that still connect as the default user")
        .undone_by(["ACL SETUSER default on".to_owned()]);
    let others = users.iter().filter(|user| user.is_enabled && user.name != "default").count();
    let finding = cx
        .finding(
            severity,
            Subject::new("user", "default"),
            "the default user may run every command on every key",
            "Create a user for each application with what it needs, and switch the default user off \
             when all clients have moved.",
        )
        .with(Evidence::new("rules", default.command_rules.join(" "), Unit::Text, "ACL LIST"))
        .with(Evidence::new("other users", others as f64, Unit::Count, "ACL LIST"))
        .with(Evidence::new("reachable from", from.as_str(), Unit::Text, "CONFIG GET bind"))
        .fixed_by(fix);
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{ServerVersion, Snapshot, redis::User};

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, only, severity},
        testing::edit,
    };

    fn with(rules: &[&str], all_keys: bool, bind: &str) -> Snapshot {
        built_with(&[], &[("bind", bind)], |redis| {
            let default = User {
                name: "default".into(),
                is_enabled: true,
                all_keys,
                command_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
                ..User::default()
            };
            *edit(&mut redis.users) = vec![default];
        })
    }

    #[test]
    fn only_everything_is_unrestricted() {
        assert_eq!(severity(&CHECK, &with(&["+@all"], true, "*")), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(&["+@all"], true, "127.0.0.1")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with(&["+@all"], false, "*")), None);
        assert_eq!(severity(&CHECK, &with(&["+@all", "-@dangerous"], true, "*")), None);
        let off = edited(with(&["+@all"], true, "*"), |redis| {
            edit(&mut redis.users)[0].is_enabled = false;
        });
        assert_eq!(severity(&CHECK, &off), None);
    }

    #[test]
    fn the_template_fits_the_version() {
        let seven = only(&CHECK, &with(&["+@all"], true, "*")).fix.unwrap();
        assert!(seven.statements[0].contains(" &* "));
        let six = edited(with(&["+@all"], true, "*"), |redis| {
            redis.server.version = ServerVersion::new(6, 0, 16);
        });
        assert!(!only(&CHECK, &six).fix.unwrap().statements.join(" ").contains('&'));
    }
}
