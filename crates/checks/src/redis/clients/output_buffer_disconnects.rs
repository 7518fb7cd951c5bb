//! Connections closed because they did not read their answers.

use dbvitals_model::Severity;

use super::lost_connections::{self, Loss};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::counted,
    skip::Judged,
    view::RedisView,
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

static LOSS: Loss = Loss {
    counter: "client_output_buffer_limit_disconnections",
    label: "closed",
    message: |count, when| {
        format!(
            "{count} connections were closed because they did not read their answers in time {when}"
        )
    },
    advice: "Find out who reads too slowly: subscribers, replicas behind a narrow network. Raise client-output-buffer-limit last.",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    Ok(lost_connections::finding(redis, cx, &LOSS)?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::clients::lost_connections::proof;

    #[test]
    fn recent_ones_are_a_warning_old_ones_information() {
        proof::recent_ones_are_a_warning_old_ones_information(
            &CHECK,
            "client_output_buffer_limit_disconnections",
        );
    }

    #[test]
    fn a_server_that_does_not_count_them_is_passed_over() {
        proof::a_server_that_does_not_count_them_is_passed_over(&CHECK);
    }
}
