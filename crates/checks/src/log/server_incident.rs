//! What befell the server itself.

use dbvitals_model::{Severity, Subject};

use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    log::facts,
    skip::Judged,
    view::LogView,
    words,
};

/// What befell the server itself.
pub static CHECK: Check = Check {
    id: "log-server-incident",
    title: "Server incident",
    topic: Topic::Log,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (0, u32::MAX),
    needs: &["errors"],
    uses: &[],
    thresholds: &[],
    fix: None,
    explain: "\
## What it detects
Crashes of a server process and recoveries after them, `PANIC`, damaged pages, full disks, transaction ids near their end, failed
archiving, broken replication, invalidated slots, and memory that ran out.

## Why it matters
A crash ends all sessions. Damage spreads into backups. While archiving fails, WAL fills the disk and no backup is
complete. A lost slot means a standby to build anew.

## How to fix
Crash: look at the signal (9 is the kernel's out-of-memory killer: lower memory settings, set overcommit), update the minor version. Damage:
stop, copy the data directory, restore the page from a standby or backup. Archiving: run the archive command by hand and read its
message.

## When to ignore
Restarts you made yourself are not told.

## References
PostgreSQL documentation: Managing Kernel Resources; Continuous Archiving; Reliability.
",
    run: Run::Log(run),
};

/// What is told, how seriously, and what to do.
const TOLD: &[(&str, Severity, &str, &str)] = &[
    (
        "crash",
        Severity::Critical,
        "a server process crashed",
        "Look at the signal and the kernel's log; update to the latest minor version.",
    ),
    (
        "corruption",
        Severity::Critical,
        "pages are damaged",
        "Stop writing, copy the data directory, restore from a standby or a backup.",
    ),
    (
        "wraparound",
        Severity::Critical,
        "transaction ids run out",
        "Vacuum the oldest tables at once; end what holds the horizon back.",
    ),
    (
        "disk",
        Severity::Critical,
        "the disk was full",
        "Make room; look for slots and failed archiving that hold WAL back.",
    ),
    (
        "archiver",
        Severity::Critical,
        "archiving of WAL failed",
        "Run the archive command by hand and read its message.",
    ),
    ("memory", Severity::Warning, "memory ran out", "Lower work_mem or the number of connections."),
    (
        "replication",
        Severity::Warning,
        "replication broke off",
        "Look at the network and the load between the servers; see wal_sender_timeout.",
    ),
    (
        "slot",
        Severity::Warning,
        "a replication slot was invalidated",
        "Build its standby anew, or raise max_slot_wal_keep_size.",
    ),
    (
        "recovery",
        Severity::Warning,
        "the server recovered from an unclean stop",
        "Look at what stopped it: the lines before tell.",
    ),
];

fn run(log: &LogView<'_>, cx: &Context<'_>) -> Judged {
    let errors = log.errors()?;
    let told = TOLD.iter().filter_map(|(kind, severity, what, advice)| {
        let incident = errors.incidents.iter().find(|incident| incident.kind == *kind)?;
        Some((*kind, *severity, *what, *advice, incident.count, incident.example.as_str()))
    });
    let panics = facts::of_classes(errors, &["panic"]);
    let panic = panics.first().map(|group| {
        let advice = "Look at the message; PANIC stops the whole server.";
        let count = facts::sum(&panics);
        ("panic", Severity::Critical, "the server panicked", advice, count, group.example.as_str())
    });
    let finding =
        |(kind, severity, what, advice, count, example): (&str, _, &str, &str, i64, &str)| {
            let times = if count == 1 {
                "once".to_owned()
            } else {
                format!("{} times", words::count(count as f64))
            };
            let message = format!("{what} {times}: {}", facts::short(example));
            cx.finding(severity, Subject::new("incident", kind), message, advice)
                .with(facts::number("times", count))
                .with(facts::text("last message", example))
        };
    Ok(told.chain(panic).map(finding).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::log::Incident;

    use super::*;
    use crate::testing::{self, edit};

    #[test]
    fn incidents_are_told_and_restarts_are_not() {
        let found = |kind: &str| {
            testing::findings(
                &CHECK,
                &testing::log(|log| {
                    edit(&mut log.errors).incidents =
                        vec![Incident { kind: kind.into(), count: 1, ..Incident::default() }];
                }),
            )
            .first()
            .map(|found| found.severity)
        };
        assert_eq!(found("crash"), Some(Severity::Critical));
        assert_eq!(found("slot"), Some(Severity::Warning));
        assert_eq!((found("start"), found("shutdown")), (None, None));
    }
}
