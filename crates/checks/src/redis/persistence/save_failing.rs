//! The last snapshot failed.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::Judged,
    view::RedisView,
};

/// `rdb_last_bgsave_status`.
pub static CHECK: Check = Check {
    id: "redis-save-failing",
    title: "Snapshots fail",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &["config"],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
The last background save did not end well.

## Why it matters
What changed since the last good snapshot is lost with the process. With `stop-writes-on-bgsave-error yes` (the
default) the server refuses every write until a snapshot succeeds.

## How to fix
The server's log says why: no room on the disk, no right to write the folder, no memory for the fork
(`vm.overcommit_memory=1`). Mend that, then `BGSAVE`.

## When to ignore
Never; switch snapshots off if they are not wanted.

## References
Redis documentation: Persistence.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let (info, config) = (redis.info()?, redis.config().ok());
    let status = facts::text(info, "rdb_last_bgsave_status")?;
    if status == "ok" {
        return Ok(Vec::new());
    }
    let stops = config.and_then(|config| config.is_yes("stop-writes-on-bgsave-error"));
    let refusing =
        if stops == Some(false) { "" } else { "; writes are refused until one succeeds" };
    let mut finding = cx
        .finding(
            Severity::Critical,
            facts::server(redis),
            format!("the last snapshot failed{refusing}"),
            "Read the server's log: room on the disk, rights on the folder, memory for the fork. Mend \
             that, then take a snapshot.",
        )
        .with(Evidence::new("last background save", status, Unit::Text, "INFO persistence"));
    if let Some(age) = age_of_last_save(redis, info) {
        let label = "age of the last good snapshot";
        finding = finding.with(Evidence::new(label, age, Unit::Seconds, "INFO persistence"));
    }
    if let Some(changes) = info.number("rdb_changes_since_last_save") {
        let label = "changes since";
        finding = finding.with(Evidence::new(label, changes, Unit::Count, "INFO persistence"));
    }
    let fix = Fix::new(FixKind::Manual, ["BGSAVE".to_owned()])
        .locking("none", "every command while the process forks");
    Ok(vec![finding.fixed_by(fix)])
}

/// Seconds since the last good snapshot, by the server's clock.
pub fn age_of_last_save(redis: &RedisView<'_>, info: &dbvitals_model::redis::Info) -> Option<f64> {
    let saved = jiff::Timestamp::from_second(info.int("rdb_last_save_time")?).ok()?;
    redis.seconds_since(Some(saved))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::fixture::{built, only, severity};

    #[test]
    fn ok_is_silent_and_anything_else_critical() {
        let of = |status| severity(&CHECK, &built(&[("rdb_last_bgsave_status", status)], &[]));
        assert_eq!(of("ok"), None);
        assert_eq!(of("err"), Some(Severity::Critical));
    }

    #[test]
    fn says_whether_writes_are_refused() {
        let of = |stops| {
            let config = [("stop-writes-on-bgsave-error", stops)];
            only(&CHECK, &built(&[("rdb_last_bgsave_status", "err")], &config))
        };
        assert!(of("yes").message.ends_with("writes are refused until one succeeds"));
        assert_eq!(of("no").message, "the last snapshot failed");
        assert_eq!(of("no").fix.unwrap().statements, ["BGSAVE"]);
    }
}
