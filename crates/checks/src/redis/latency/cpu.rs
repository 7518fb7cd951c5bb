//! The thread that runs all commands is busy.

use dbvitals_model::{Evidence, Severity, Unit, redis::Window};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
    words,
};

/// Share of one core over the window.
pub static CHECK: Check = Check {
    id: "redis-cpu",
    title: "CPU near the limit of one core",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["window"],
    uses: &[],
    thresholds: &[&WARNING, &CRITICAL],
    fix: None,
    explain: "\
## What it detects
Over the window the thread that runs commands was busy for `warning_ratio` (or `critical_ratio`) of the time of one
core. Versions before 6.2 tell only the whole process.

## Why it matters
All commands run in one thread. More cores do not help it: near one full core every further command waits.

## How to fix
The commands that took most of the time are in the evidence. Make those cheaper, read from replicas, send commands in
pipelines, or split the data over several servers or a cluster. `io-threads` helps when large answers are the load.

## When to ignore
Short bulk jobs.

## References
Redis documentation: Benchmarks; INFO, section cpu.
",
    run: Run::Redis(run),
};

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.7,
    strict: None,
    range: (0.05, 1.0),
    why: "beyond seven tenths waiting times grow faster than load",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.05, 1.0),
    why: "nothing is left for a burst, a fork or an expiry cycle",
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let window = facts::window(redis)?;
    let Some(busy) = window.cpu_ratio.filter(|ratio| ratio.is_finite()) else {
        return Err(Skip::not_applicable("INFO has no CPU times"));
    };
    let name = redis.name();
    let Some(severity) = cx.above(busy, &WARNING, &CRITICAL, name) else { return Ok(Vec::new()) };
    let threshold = if severity == Severity::Critical { &CRITICAL } else { &WARNING };
    let mut finding = cx
        .finding(
            severity,
            facts::server(redis),
            format!(
                "the command thread was busy {} of {}",
                words::percent(busy),
                words::seconds(window.seconds)
            ),
            "Make the commands that take most of the time cheaper, read from replicas, or split the \
             data over several servers.",
        )
        .with(
            Evidence::new("share of one core", busy, Unit::Ratio, "INFO cpu, over the window")
                .against(cx.limit_for(threshold, name)),
        )
        .with(Evidence::new("window", window.seconds, Unit::Seconds, "two looks"));
    for (command, share) in costliest(window) {
        let label = format!("time of {command}");
        finding = finding.with(Evidence::new(label, share, Unit::Ratio, "INFO commandstats"));
    }
    Ok(vec![finding])
}

/// The three commands that took most of the window, as shares of it.
fn costliest(window: &Window) -> Vec<(&str, f64)> {
    let micros = (window.seconds * 1e6).max(1.0);
    let share = |stat: &'_ dbvitals_model::redis::CommandStat| stat.total_us as f64 / micros;
    let mut all: Vec<_> =
        window.commands.iter().map(|stat| (stat.name.as_str(), share(stat))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    all.truncate(3);
    all
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Snapshot, redis::CommandStat};

    use super::*;
    use crate::{
        redis::fixture::{built, built_with, only, severity, window},
        testing::{self, edit},
    };

    fn with(cpu_ratio: Option<f64>) -> Snapshot {
        built_with(&[], &[], |redis| {
            window(redis, &[]);
            let stat = |name: &str, total_us| CommandStat {
                name: name.into(),
                total_us,
                ..CommandStat::default()
            };
            let window = edit(&mut redis.window);
            window.cpu_ratio = cpu_ratio;
            window.commands =
                vec![stat("get", 1), stat("sort", 5_000_000), stat("a", 0), stat("b", 0)];
        })
    }

    #[test]
    fn both_thresholds_have_two_sides() {
        assert_eq!(severity(&CHECK, &with(Some(0.699))), None);
        assert_eq!(severity(&CHECK, &with(Some(0.7))), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(Some(0.899))), Some(Severity::Warning));
        assert_eq!(severity(&CHECK, &with(Some(0.9))), Some(Severity::Critical));
    }

    #[test]
    fn names_what_took_the_time() {
        let found = only(&CHECK, &with(Some(0.8)));
        assert_eq!(found.evidence[2].label, "time of sort");
        assert_eq!(found.evidence[2].value, 0.5.into());
        assert_eq!(found.evidence.len(), 5);
    }

    #[test]
    fn needs_two_looks() {
        assert_eq!(testing::skipped(&CHECK, &built(&[], &[])), Skip::needs_window());
        assert!(!testing::skipped(&CHECK, &with(None)).is_gap());
    }
}
