//! Connections closed because they did not read their answers.

use dbvitals_model::{Evidence, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::{
        counted::{self, counted},
        facts,
    },
    skip::Judged,
    view::RedisView,
    words,
};

/// `client_output_buffer_limit_disconnections`.
pub static CHECK: Check = Check {
    id: "redis-output-buffer-disconnects",
    title: "Connections closed over unread answers",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Warning,
    versions: (7, u32::MAX),
    needs: &["info"],
    uses: &["window"],
    thresholds: &[&counted::RECENT],
    fix: None,
    explain: "\
## What it detects
`client_output_buffer_limit_disconnections` (late releases of 7 and later): connections closed because more waited to be read
than `client-output-buffer-limit` allows, in a window or since the start; as information when that is longer ago than
`recent_seconds`.

## Why it matters
Subscribers lose messages, replicas begin anew with a full copy, ordinary clients lose the answers they waited for.

## How to fix
Find out who reads too slowly (`dbvitals redis clients`): subscribers that work while they should read, replicas behind a
narrow network. Raise the limit of the class only if the memory is there.

## When to ignore
A client that was stopped in a debugger.

## References
Redis documentation: Clients, Output buffer limits.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, window) = (redis.info()?, redis.window().ok());
    facts::number(info, "client_output_buffer_limit_disconnections")?;
    let closed = counted(redis, info, window, "client_output_buffer_limit_disconnections");
    let Some(closed) = closed.filter(|closed| closed.count > 0.0) else {
        return Ok(Vec::new());
    };
    let finding = cx
        .finding(
            closed.severity(Severity::Warning, cx),
            facts::server(redis),
            format!("{} connections were closed because they did not read their answers in time {}", words::count(closed.count), closed.when()),
            "Find out who reads too slowly: subscribers, replicas behind a narrow network. Raise client-output-buffer-limit last.",
        )
        .with(Evidence::new("closed", closed.count, Unit::Count, closed.source("INFO stats")))
        .with(closed.age());
    Ok(vec![finding])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        redis::fixture::{built_with, severity, window},
        testing,
    };

    #[test]
    fn recent_ones_are_a_warning_old_ones_information() {
        let of = |closed, uptime, grown: Option<i64>| {
            let snapshot = built_with(
                &[("client_output_buffer_limit_disconnections", closed)],
                &[],
                |redis| {
                    redis.server.uptime_seconds = uptime;
                    if let Some(grown) = grown {
                        window(redis, &[("client_output_buffer_limit_disconnections", grown)]);
                    }
                },
            );
            severity(&CHECK, &snapshot)
        };
        assert_eq!(of("0", 60, None), None);
        assert_eq!(of("1", 86_400, None), Some(Severity::Warning));
        assert_eq!(of("1", 86_401, None), Some(Severity::Info));
        assert_eq!(of("9", 86_401, Some(0)), None);
        assert_eq!(of("9", 86_401, Some(1)), Some(Severity::Warning));
    }

    #[test]
    fn a_server_that_does_not_count_them_is_passed_over() {
        assert!(!testing::skipped(&CHECK, &built_with(&[], &[], |_| {})).is_gap());
    }
}
