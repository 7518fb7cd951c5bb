//! Anybody who reaches the server may use it.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::reach::{self, Reach},
    skip::Judged,
    view::RedisView,
};

/// The default user without a password.
pub static CHECK: Check = Check {
    id: "redis-no-authentication",
    title: "No password is needed",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["users"],
    uses: &["config"],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
The default user, as whom every connection begins, is enabled and needs no password. Critical where other machines can
connect; information where only this machine can, or where protected mode turns the others away.

## Why it matters
Whoever reaches the port reads, changes and deletes everything, and with `CONFIG` and `MODULE` can often take over the
machine. Open servers are found by scanners within hours.

## How to fix
Set a password (`requirepass`), or better: users of their own by ACL, and the default user off. Clients must be given the
password at the same time.

## When to ignore
Servers on the loopback of a machine whose every user is trusted.

## References
Redis documentation: Security; ACL.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (users, config) = (redis.users(), redis.config().ok());
    let users = users?;
    let Some(default) = reach::default_user(users) else { return Ok(Vec::new()) };
    if !default.is_enabled || !default.no_password {
        return Ok(Vec::new());
    }
    let server = redis.server();
    let from = reach::reach(server, config);
    // Protected mode cannot be on where we came in from elsewhere without a password.
    let is_shielded = server.is_local && reach::is_shielded(server, config, default);
    let (severity, message) = match from {
        Reach::Network if !is_shielded => {
            (Severity::Critical, "anybody on the network may do anything: no password is needed")
        }
        Reach::Network => {
            (Severity::Info, "no password is needed; only protected mode turns other machines away")
        }
        Reach::Loopback | Reach::Unknown => {
            (Severity::Info, "no password is needed: every process on this machine may do anything")
        }
    };
    let bind = config.and_then(|config| config.text("bind")).unwrap_or("not known");
    let fix = Fix::new(FixKind::Manual, ["CONFIG SET requirepass <password>".to_owned()])
        .locking("none", "clients that connect without the password from then on")
        .undone_by(["CONFIG SET requirepass \"\"".to_owned()]);
    let finding = cx
        .finding(
            severity,
            Subject::new("user", "default"),
            message,
            "Set a password, or create users by ACL and switch the default user off. Give clients the \
             password at the same time.",
        )
        .with(Evidence::new("reachable from", from.as_str(), Unit::Text, "CONFIG GET bind"))
        .with(Evidence::new("bind", bind, Unit::Text, "CONFIG GET bind"))
        .with(Evidence::new(
            "protected mode turns others away",
            if is_shielded { "yes" } else { "no" },
            Unit::Text,
            "CONFIG GET protected-mode",
        ))
        .fixed_by(fix);
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::User};

    use super::*;
    use crate::{
        redis::fixture::{built_with, edited, only, severity},
        testing::edit,
    };

    fn with(no_password: bool, bind: &str, protected: &str) -> Snapshot {
        let config = [("bind", bind), ("protected-mode", protected), ("port", "6379")];
        built_with(&[], &config, |redis| {
            redis.server.is_local = true;
            let default =
                User { name: "default".into(), is_enabled: true, no_password, ..User::default() };
            *edit(&mut redis.users) = vec![default];
        })
    }

    #[test]
    fn an_open_server_on_the_network_is_critical() {
        assert_eq!(severity(&CHECK, &with(true, "*", "no")), Some(Severity::Critical));
        assert_eq!(severity(&CHECK, &with(false, "*", "no")), None);
        let fix = only(&CHECK, &with(true, "*", "no")).fix.unwrap();
        assert_eq!(fix.statements, ["CONFIG SET requirepass <password>"]);
        assert_eq!(fix.kind, FixKind::Manual);
    }

    #[test]
    fn loopback_and_protected_mode_are_not_critical() {
        assert_eq!(severity(&CHECK, &with(true, "127.0.0.1 -::1", "no")), Some(Severity::Info));
        assert_eq!(severity(&CHECK, &with(true, "*", "yes")), Some(Severity::Info));
        let came_from_elsewhere =
            edited(with(true, "*", "yes"), |redis| redis.server.is_local = false);
        assert_eq!(severity(&CHECK, &came_from_elsewhere), Some(Severity::Critical));
    }

    #[test]
    fn a_default_user_that_is_off_lets_nobody_in() {
        let off = edited(with(true, "*", "no"), |redis| {
            edit(&mut redis.users)[0].is_enabled = false;
        });
        assert_eq!(severity(&CHECK, &off), None);
    }
}
