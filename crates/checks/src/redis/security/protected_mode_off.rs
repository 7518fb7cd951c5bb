//! Protected mode is off where it would be needed.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        config_fix, facts,
        reach::{self, Reach},
    },
    skip::Judged,
    view::RedisView,
};

/// `protected-mode no` on a server that other machines reach and that asks for no password.
pub static CHECK: Check = Check {
    id: "redis-protected-mode-off",
    title: "Protected mode is off",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["config", "users"],
    uses: &["info"],
    thresholds: &[],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
`protected-mode no`, while the default user needs no password and the server listens on more than this machine's loopback.
With a password, or on loopback only, the setting changes nothing.

## Why it matters
Protected mode is the last guard of a server that was opened by mistake: it refuses other machines while there is no
password.

## How to fix
Set a password; until then switch protected mode on. Clients on other machines are refused from then on.

## When to ignore
Closed networks where every machine is trusted with everything.

## References
Redis documentation: Security, Protected mode.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (config, users, info) = (redis.config(), redis.users(), redis.info().ok());
    let (config, users) = (config?, users?);
    let mode = facts::setting(config, "protected-mode")?;
    let is_open =
        reach::default_user(users).is_some_and(|user| user.is_enabled && user.no_password);
    let from = reach::reach(redis.server(), Some(config));
    if mode != "no" || !is_open || from != Reach::Network {
        return Ok(Vec::new());
    }
    let bind = config.text("bind").unwrap_or("not known");
    let finding = cx
        .finding(
            Severity::Critical,
            facts::of_setting("protected-mode"),
            "protected mode is off although other machines can connect without a password",
            "Set a password; until then switch protected mode on, which refuses other machines.",
        )
        .with(Evidence::new("protected-mode", mode, Unit::Text, "CONFIG GET"))
        .with(Evidence::new("bind", bind, Unit::Text, "CONFIG GET"))
        .with(Evidence::new("password of the default user", "none", Unit::Text, "ACL LIST"));
    let changes = [("protected-mode", "yes")];
    Ok(vec![config_fix::set(finding, FixKind::Review, info, Some(config), &changes)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::User};

    use super::*;
    use crate::{
        redis::fixture::{built_with, fix, severity},
        testing::edit,
    };

    fn with(mode: &str, bind: &str, no_password: bool) -> Snapshot {
        let config = [("protected-mode", mode), ("bind", bind), ("port", "6379")];
        built_with(&[], &config, |redis| {
            let name = "default".to_owned();
            let default = User { name, is_enabled: true, no_password, ..User::default() };
            *edit(&mut redis.users) = vec![default];
        })
    }

    #[test]
    fn matters_only_without_a_password_and_off_loopback() {
        assert_eq!(severity(&CHECK, &with("no", "*", true)), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with("yes", "*", true)), None);
        assert_eq!(severity(&CHECK, &with("no", "*", false)), None);
        assert_eq!(severity(&CHECK, &with("no", "127.0.0.1", true)), None);
        let (statements, undo) = fix(&CHECK, &with("no", "*", true));
        assert_eq!(statements, ["CONFIG SET protected-mode yes", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET protected-mode no", "CONFIG REWRITE"]);
    }
}
