//! Applications that may stop, empty or take over the server.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Subject, Unit,
    redis::{Config, User},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::{
        config_fix, facts,
        security::permissions::{dangerous, is_unrestricted},
    },
    skip::Judged,
    view::RedisView,
};

/// Users with dangerous commands besides the administrator, and settings that open more of them.
pub static CHECK: Check = Check {
    id: "redis-dangerous-commands",
    title: "Applications may run dangerous commands",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["users"],
    uses: &["config"],
    thresholds: &[&ADMINISTRATORS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Users that may run commands such as `FLUSHALL`, `KEYS`, `CONFIG`, `DEBUG` or `SHUTDOWN`. Users with no restriction at all are
taken for administrators, of whom there may be `administrators` besides the default user, which has a check of its own.
Also the settings `enable-debug-command`, `enable-module-command` and `enable-protected-configs` when they are `yes`.

## Why it matters
A bug, or a stolen password of an application, then empties the server or takes over its machine.

## How to fix
`-@dangerous` as the last rule of the user, and the few commands that are needed added after it. The settings can only be
changed in redis.conf.

## When to ignore
Users of tools that administer the server.

## References
Redis documentation: ACL, Command categories.
",
    run: Run::Redis(run),
};

static ADMINISTRATORS: Threshold = Threshold {
    key: "administrators",
    unit: Unit::Count,
    default: 1.0,
    strict: None,
    range: (0.0, 100.0),
    why: "one user that may do everything is needed to administer the server; each further one is a risk",
};

/// Settings that open commands which are closed for good reason (7.0 and later).
const OPENERS: &[&str] =
    &["enable-debug-command", "enable-module-command", "enable-protected-configs"];

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (users, config) = (redis.users(), redis.config().ok());
    let users = users?;
    let named = || users.iter().filter(|user| user.is_enabled && user.name != "default");
    let administrators = named().filter(|user| is_unrestricted(user)).count() as f64;
    let too_many = administrators > cx.limit(&ADMINISTRATORS);
    let is_suspect =
        |user: &&User| !dangerous(user).is_empty() && (too_many || !is_unrestricted(user));
    let mut found: Vec<_> =
        named().filter(is_suspect).map(|user| of_user(cx, user, administrators)).collect();
    // The default user without restriction has a check of its own.
    let default = users.iter().find(|user| user.name == "default" && user.is_enabled);
    if let Some(user) = default.filter(|user| !is_unrestricted(user) && !dangerous(user).is_empty())
    {
        found.push(of_user(cx, user, administrators));
    }
    found.extend(config.into_iter().flat_map(|config| of_settings(cx, config)));
    Ok(found)
}

fn of_user(cx: &Context<'_>, user: &User, administrators: f64) -> Finding {
    let may = dangerous(user).join(", ");
    let name = config_fix::quoted(&user.name);
    // The rules in their order give back what was there before.
    let before = user.command_rules.join(" ");
    let fix = Fix::new(FixKind::Review, [format!("ACL SETUSER {name} -@dangerous")])
        .locking("none", format!("{} for that user", may.to_uppercase()));
    let fix = if before.is_empty() {
        fix
    } else {
        fix.undone_by([format!("ACL SETUSER {name} {before}")])
    };
    cx.finding(
        Severity::Warning,
        Subject::new("user", &user.name),
        format!("user {} may run {may}", user.name),
        "Take the dangerous commands away, and add the few that are needed after that. Save it with \
         ACL SAVE or CONFIG REWRITE, whichever the server uses.",
    )
    .with(Evidence::new("dangerous commands", may, Unit::Text, "ACL LIST"))
    .with(Evidence::new("rules", before, Unit::Text, "ACL LIST"))
    .with(
        Evidence::new("users without restriction", administrators, Unit::Count, "ACL LIST")
            .against(cx.limit(&ADMINISTRATORS)),
    )
    .fixed_by(fix)
}

fn of_settings(cx: &Context<'_>, config: &Config) -> Vec<Finding> {
    let is_open = |name: &&&str| config.is_yes(name) == Some(true);
    let found = OPENERS.iter().filter(is_open).map(|name| {
        cx.finding(
            Severity::Warning,
            facts::of_setting(name),
            format!("{name} is yes: these commands are open to other machines, too"),
            format!("Set {name} to no (or local) in redis.conf and restart: it cannot be changed at run time."),
        )
        .with(Evidence::new(*name, "yes", Unit::Text, "CONFIG GET"))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, only, severity},
        testing::{self, edit},
    };

    fn user(name: &str, rules: &[&str]) -> User {
        User {
            name: name.into(),
            is_enabled: true,
            all_keys: true,
            command_rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            ..User::default()
        }
    }

    fn with(users: Vec<User>) -> Snapshot {
        built_with(&[], &[], |redis| *edit(&mut redis.users) = users)
    }

    #[test]
    fn an_application_with_dangerous_commands_is_found() {
        let app = user("shop app", &["+@all", "-@admin"]);
        let found = only(&CHECK, &with(vec![user("default", &["+@all"]), app.clone()]));
        assert_eq!(found.message, "user shop app may run flushall, flushdb, keys, swapdb");
        let (statements, undo) = fix(&CHECK, &with(vec![app]));
        assert_eq!(statements, ["ACL SETUSER \"shop app\" -@dangerous"]);
        assert_eq!(undo, ["ACL SETUSER \"shop app\" +@all -@admin"]);
    }

    #[test]
    fn one_administrator_is_needed_and_safe_users_are_fine() {
        let safe = user("app", &["+@all", "-@dangerous"]);
        let off = User { is_enabled: false, ..user("old", &["+@all"]) };
        let monitor = user("monitor", &["-@all", "+info", "+config|get"]);
        let users = vec![user("admin", &["+@all"]), safe, off, monitor];
        assert_eq!(severity(&CHECK, &with(users)), None);
        let two = with(vec![user("admin", &["+@all"]), user("app", &["+@all"])]);
        assert_eq!(testing::findings(&CHECK, &two).len(), 2);
    }

    #[test]
    fn a_default_user_with_some_of_them_is_found_here() {
        assert_eq!(severity(&CHECK, &with(vec![user("default", &["+@all"])])), None);
        let some = with(vec![user("default", &["+@all", "-@admin"])]);
        assert_eq!(severity(&CHECK, &some), Some(Severity::Warning));
    }

    #[test]
    fn settings_that_open_commands_are_found() {
        let config = [("enable-debug-command", "yes"), ("enable-module-command", "local")];
        let found = only(&CHECK, &built_with(&[], &config, |_| {}));
        assert_eq!(found.subject.name, "enable-debug-command");
    }
}
