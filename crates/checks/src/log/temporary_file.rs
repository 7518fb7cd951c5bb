//! Statements that spill to disk.

use dbvitals_model::{Evidence, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// Statements that spill to disk.
pub static CHECK: Check = Check {
    id: "log-temporary-file",
    title: "Temporary files",
    topic: Topic::Log,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (0, u32::MAX),
    needs: &["temp_files"],
    uses: &[],
    thresholds: &[&PER_HOUR, &FILE],
    fix: None,
    explain: "\
## What it detects
A statement whose temporary files have at least `warning_bytes_per_hour`, or one file of the log with at least
`warning_file_bytes` where the statement is not known.

## Why it matters
Sorts and hashes that do not fit `work_mem` are written to disk and read back: many times slower, and in competition with
everybody else's reads.

## How to fix
Let the statement touch less (an index in the order wanted, an earlier filter); else raise `work_mem` for its role or
transaction alone: `ALTER ROLE … SET work_mem`. A server-wide raise counts once for every sort of every session.

## When to ignore
Nightly reports and index builds (`maintenance_work_mem`).

## References
PostgreSQL documentation: log_temp_files; work_mem; hash_mem_multiplier.
",
    run: Run::Log(run),
};

static PER_HOUR: Threshold = Threshold {
    key: "warning_bytes_per_hour",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (1.0, 1e15),
    why: "a gigabyte an hour is felt by whoever shares the disk",
};

static FILE: Threshold = Threshold {
    key: "warning_file_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (1.0, 1e15),
    why: "one file of a gigabyte is a sort or hash far from its memory",
};

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let files = log.temp_files()?;
    let hours = facts::hours(log.log());
    let mut found = Vec::new();
    for user in files.users.iter().take(facts::LISTED) {
        let per_hour = user.bytes as f64 / hours.max(1.0);
        let limit = cx.limit_for(&PER_HOUR, &user.fingerprint);
        if per_hour < limit {
            continue;
        }
        let message = format!(
            "writes {} of temporary files an hour, {} a file: {}",
            words::bytes(per_hour),
            words::bytes(user.bytes as f64 / user.files.max(1) as f64),
            facts::short(&user.text)
        );
        found.push(
            cx.finding(Severity::Warning, facts::statement(&user.fingerprint), message, ADVICE)
                .with(
                    Evidence::new("temporary files an hour", per_hour, Unit::Bytes, facts::SOURCE)
                        .against(limit),
                )
                .with(facts::number("files", user.files))
                .with(facts::text("statement", &user.text)),
        );
    }
    let limit = cx.limit(&FILE);
    if found.is_empty() && files.largest_bytes as f64 >= limit {
        let message = format!(
            "{} temporary files of up to {}",
            words::count(files.files as f64),
            words::bytes(files.largest_bytes as f64)
        );
        let subject = Subject::new("server", log.name());
        found.push(
            cx.finding(Severity::Warning, subject, message, ADVICE)
                .with(
                    Evidence::new("largest file", files.largest_bytes, Unit::Bytes, facts::SOURCE)
                        .against(limit),
                )
                .with(Evidence::new("files in all", files.bytes, Unit::Bytes, facts::SOURCE)),
        );
    }
    Ok(found)
}

const ADVICE: &str =
    "Let the statement touch less, or raise work_mem for its role or transaction alone.";

#[cfg(test)]
mod tests {
    use dbvitals_model::log::TempUser;

    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn heavy_users_and_huge_files_are_told() {
        let found = |bytes, largest| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    let files = edit(&mut log.temp_files);
                    files.users = vec![TempUser { bytes, files: 1, ..TempUser::default() }];
                    files.largest_bytes = largest;
                }),
            )
        };
        assert_eq!(found(1 << 30, 0).len(), 1);
        assert!(found((1 << 30) - 1, (1 << 30) - 1).is_empty());
        assert_eq!(found(0, 1 << 30)[0].subject.kind, "server");
    }
}
