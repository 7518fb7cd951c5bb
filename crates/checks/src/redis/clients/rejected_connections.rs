//! Connections refused for want of room.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use super::lost_connections::{self, Loss};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{config_fix, counted},
    skip::Judged,
    view::RedisView,
};

/// `rejected_connections`.
pub static CHECK: Check = Check {
    id: "redis-rejected-connections",
    title: "Connections were refused",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config", "window"],
    thresholds: &[&counted::RECENT],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
Connections refused because `maxclients` was reached, in a window or since the start; as information when that is longer
ago than `recent_seconds`.

## Why it matters
Each was a client that could not work.

## How to fix
Find out who opens so many connections; pools that are too large, or none at all. Then raise `maxclients`.

## When to ignore
A storm whose cause is known and gone.

## References
Redis documentation: Clients, Maximum concurrent connected clients.
",
    run: Run::Redis(run),
};

static LOSS: Loss = Loss {
    counter: "rejected_connections",
    label: "refused",
    message: |count, when| {
        format!("{count} connections were refused {when}: maxclients was reached")
    },
    advice: "Find out who opens so many connections, and shrink or add pools; raise maxclients last.",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let Some(finding) = lost_connections::finding(redis, cx, &LOSS)? else { return Ok(Vec::new()) };
    let Some(limit) = info.number("maxclients").filter(|limit| *limit > 0.0) else {
        return Ok(vec![finding]);
    };
    let finding = finding.with(Evidence::new("maxclients", limit, Unit::Count, "INFO clients"));
    let wanted = format!("{:.0}", limit * 2.0);
    let changes = [("maxclients", wanted.as_str())];
    Ok(vec![config_fix::set(finding, FixKind::Review, Some(info), config, &changes)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::{
        clients::lost_connections::proof,
        fixture::{built, fix},
    };

    #[test]
    fn recent_ones_are_a_warning_old_ones_information() {
        proof::recent_ones_are_a_warning_old_ones_information(&CHECK, "rejected_connections");
    }

    #[test]
    fn a_server_that_does_not_count_them_is_passed_over() {
        proof::a_server_that_does_not_count_them_is_passed_over(&CHECK);
    }

    #[test]
    fn the_fix_doubles_the_limit_and_has_a_way_back() {
        let info = [("rejected_connections", "1"), ("maxclients", "50")];
        let (statements, undo) = fix(&CHECK, &built(&info, &[("maxclients", "50")]));
        assert_eq!(statements, ["CONFIG SET maxclients 100", "CONFIG REWRITE"]);
        assert_eq!(undo, ["CONFIG SET maxclients 50", "CONFIG REWRITE"]);
    }
}
