//! The append-only file cannot be written or rewritten.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Unit};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    redis::facts,
    skip::{Judged, Skip},
    view::RedisView,
};

/// `aof_last_write_status` and `aof_last_bgrewrite_status`.
pub static CHECK: Check = Check {
    id: "redis-aof-failing",
    title: "Append-only file fails",
    topic: Topic::Redis,
    component: Component::Redis,
    severity: Severity::Critical,
    versions: (6, u32::MAX),
    needs: &["info"],
    uses: &[],
    thresholds: &[],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
The append-only file is on, and its last write or its last rewrite failed.

## Why it matters
After a failed write the server refuses writes until the disk takes them again. After a failed rewrite the file
keeps growing until the disk is full.

## How to fix
The server's log says why: mostly no room on the disk, or no memory for the fork (`vm.overcommit_memory=1`). Mend
that, then `BGREWRITEAOF`.

## When to ignore
Never.

## References
Redis documentation: Persistence, Append-only file.
",
    run: Run::Redis(run),
};

fn run(redis: &RedisView<'_>, cx: &Context<'_>) -> Judged {
    let info = redis.info()?;
    if facts::number(info, "aof_enabled")? <= 0.0 {
        return Err(Skip::not_applicable("the append-only file is off"));
    }
    let write = facts::text(info, "aof_last_write_status")?;
    let rewrite = facts::text(info, "aof_last_bgrewrite_status")?;
    if write == "ok" && rewrite == "ok" {
        return Ok(Vec::new());
    }
    let message = if write == "ok" {
        "the last rewrite of the append-only file failed: it grows until the disk is full"
    } else {
        "the append-only file cannot be written: writes are refused"
    };
    let mut finding = cx
        .finding(
            Severity::Critical,
            facts::server(redis),
            message,
            "Read the server's log: room on the disk, memory for the fork. Mend that, then rewrite \
             the file.",
        )
        .with(Evidence::new("last write", write, Unit::Text, "INFO persistence"))
        .with(Evidence::new("last rewrite", rewrite, Unit::Text, "INFO persistence"));
    if let Some(size) = info.number("aof_current_size") {
        finding = finding.with(Evidence::new("size", size, Unit::Bytes, "INFO persistence"));
    }
    let fix = Fix::new(FixKind::Manual, ["BGREWRITEAOF".to_owned()])
        .locking("none", "every command while the process forks");
    Ok(vec![finding.fixed_by(fix)])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Snapshot;

    use super::*;
    use crate::{
        redis::fixture::{built, only, severity},
        testing,
    };

    fn with(enabled: &str, write: &str, rewrite: &str) -> Snapshot {
        let info = [
            ("aof_enabled", enabled),
            ("aof_last_write_status", write),
            ("aof_last_bgrewrite_status", rewrite),
        ];
        built(&info, &[])
    }

    #[test]
    fn either_failure_is_critical() {
        assert_eq!(severity(&CHECK, &with("1", "ok", "ok")), None);
        assert!(only(&CHECK, &with("1", "err", "ok")).message.contains("writes are refused"));
        let rewrite = only(&CHECK, &with("1", "ok", "err"));
        assert_eq!(rewrite.severity, Severity::Critical);
        assert_eq!(rewrite.fix.unwrap().statements, ["BGREWRITEAOF"]);
    }

    #[test]
    fn a_file_that_is_off_cannot_fail() {
        assert!(!testing::skipped(&CHECK, &with("0", "err", "err")).is_gap());
    }
}
