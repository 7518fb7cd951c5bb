//! Connections closed to free memory.

use dbvitals_model::Severity;

use super::lost_connections::{self, Loss};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::counted,
    skip::Judged,
    view::RedisView,
};

/// `evicted_clients`.
pub static CHECK: Check = Check {
    id: "redis-clients-evicted",
    title: "Connections closed to free memory",
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
`evicted_clients`: connections that were closed because all clients together held more than `maxmemory-clients`, in a window
or since the start; as information when that is longer ago than `recent_seconds`.

## Why it matters
The heaviest connection goes first, in the middle of its work: usually one that reads large answers slowly, or sends large
pipelines.

## How to fix
Find the heavy clients (`dbvitals redis clients`); read large values by parts, shorten pipelines, or raise
`maxmemory-clients`.

## When to ignore
A runaway client that was meant to be stopped this way.

## References
Redis documentation: Clients, Client eviction.
",
    run: Run::Redis(run),
};

static LOSS: Loss = Loss {
    counter: "evicted_clients",
    label: "closed",
    message: |count, when| {
        format!("{count} connections were closed because clients held too much memory {when}")
    },
    advice: "Find the heavy clients; read large values by parts and shorten pipelines. Raise maxmemory-clients last.",
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
        proof::recent_ones_are_a_warning_old_ones_information(&CHECK, "evicted_clients");
    }

    #[test]
    fn a_server_that_does_not_count_them_is_passed_over() {
        proof::a_server_that_does_not_count_them_is_passed_over(&CHECK);
    }
}
