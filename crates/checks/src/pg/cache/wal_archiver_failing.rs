//! WAL that does not reach the archive.

use dbvitals_model::{
    Evidence, Finding, Severity, Subject, Unit,
    pg::{counters::Archiver, instance::Settings},
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// The archiver's last result and its backlog.
pub static CHECK: Check = Check {
    id: "pg-wal-archiver-failing",
    title: "WAL archiver failing",
    topic: Topic::Cache,
    component: Component::Replication,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["archiver", "settings"],
    uses: &["wal_directory"],
    thresholds: &[&BACKLOG],
    fix: None,
    explain: "\
## What it detects
Critical: the archiver's last failure is newer than its last success, or it never had one. Warning: it
works, but at least `max_ready_files` finished WAL files wait for it, or archiving is on and nothing
does the archiving.

## Why it matters
Backups cannot be restored to a point the archive has not reached; and since a file stays until it is
archived, the disk fills and the server stops.

## How to fix
Run the archive command by hand as the server's user; look for a full or unreachable target, changed
credentials, a file of that name that exists already. The server's log holds the command's output. The
archiver tries again by itself.

## When to ignore
Never, while backups rely on the archive. An archiver that failed long ago and works now is silent.

## References
PostgreSQL documentation: Continuous Archiving and Point-in-Time Recovery; `pg_stat_archiver`.
",
    run: Run::Postgres(run),
};

static BACKLOG: Threshold = Threshold {
    key: "max_ready_files",
    unit: Unit::Count,
    default: 100.0,
    strict: Some(10.0),
    range: (1.0, 1e6),
    why: "at 16 MB each a hundred files are 1.6 GB that would be lost with the machine",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (archiver, settings) = (pg.archiver()?, pg.settings()?);
    let directory = pg.wal_directory().ok();
    let mode = settings.text("archive_mode").unwrap_or("off");
    if mode == "off" {
        return Err(Skip::not_applicable("archive_mode is off"));
    }
    if pg.server().in_recovery && mode != "always" {
        return Err(Skip::not_applicable("a standby archives only with archive_mode = always"));
    }
    let ready = directory.and_then(|directory| directory.ready_to_archive);
    let is_failing = archiver
        .last_failed_at
        .is_some_and(|failed| archiver.last_archived_at.is_none_or(|worked| failed > worked));
    let limit = cx.limit(&BACKLOG);
    let is_behind = ready.is_some_and(|files| files as f64 >= limit);
    let idle = has_no_command(settings) && ready.is_none_or(|files| files > 0);
    let found = if is_failing {
        failing(pg, cx, archiver)
    } else if idle {
        finding(
            pg,
            cx,
            Severity::Warning,
            "archiving is on, but neither archive_command nor archive_library is set".to_owned(),
            "Set archive_command or archive_library, or turn archive_mode off: WAL files pile up.",
        )
    } else if is_behind {
        finding(
            pg,
            cx,
            Severity::Warning,
            format!("{} WAL files wait for the archiver", words::count(ready.unwrap_or(0) as f64)),
            "Make the archive command faster (compress less, archive in parallel) or the target \
             quicker.",
        )
    } else {
        return Ok(Vec::new());
    };
    let found = match ready {
        Some(files) => found.with(
            Evidence::new("files waiting", files, Unit::Count, "pg_ls_archive_statusdir()")
                .against(limit),
        ),
        None => found,
    };
    let source = "pg_stat_archiver";
    Ok(vec![
        found
            .with(Evidence::new("failures", archiver.failed, Unit::Count, source))
            .with(Evidence::new("archived", archiver.archived, Unit::Count, source)),
    ])
}

fn has_no_command(settings: &Settings) -> bool {
    ["archive_command", "archive_library"].iter().all(|name| {
        // The server hides an empty command behind this word when archiving is off.
        settings.text(name).is_none_or(|value| value.is_empty() || value == "(disabled)")
    }) && settings.get("archive_command").is_some()
}

fn failing(pg: &PgView<'_>, cx: &Context<'_>, archiver: &Archiver) -> Finding {
    let since = pg.seconds_since(archiver.last_failed_at).unwrap_or(0.0);
    let worked = pg.seconds_since(archiver.last_archived_at);
    let file = archiver.last_failed_wal.as_deref().unwrap_or("a WAL file");
    let last = match worked {
        Some(seconds) => format!("the last success was {} ago", words::seconds(seconds)),
        None => "it never succeeded".to_owned(),
    };
    let message = format!(
        "archiving {file} failed {} ago and has not worked since; {last}",
        words::seconds(since)
    );
    let found = finding(
        pg,
        cx,
        Severity::Critical,
        message,
        "Read the command's error in the server's log, run it by hand as the server's user, mend \
         the target. The archiver tries again by itself.",
    );
    let source = "pg_stat_archiver";
    let found = found.with(Evidence::new("time since the failure", since, Unit::Seconds, source));
    match worked {
        Some(seconds) => {
            found.with(Evidence::new("time since a success", seconds, Unit::Seconds, source))
        }
        None => found,
    }
}

fn finding(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    severity: Severity,
    message: String,
    advice: &str,
) -> Finding {
    cx.finding(severity, Subject::new("server", pg.name()), message, advice)
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::{PgSnapshot, counters::WalDirectory},
    };

    use super::*;
    use crate::testing::{self, ago, edit, set};

    fn with(change: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "archive_mode", "on", None);
            set(pg, "archive_command", "backup %p", None);
            change(pg);
        })
    }

    fn archiver(failed: Option<i64>, worked: Option<i64>) -> Snapshot {
        with(|pg| {
            *edit(&mut pg.archiver) = Archiver {
                last_failed_at: failed.and_then(ago),
                last_archived_at: worked.and_then(ago),
                ..Archiver::default()
            };
        })
    }

    fn severity(snapshot: &Snapshot) -> Option<Severity> {
        testing::findings(&CHECK, snapshot).first().map(|f| f.severity)
    }

    #[test]
    fn the_newer_of_failure_and_success_decides() {
        assert_eq!(severity(&archiver(Some(10), Some(11))), Some(Severity::Critical));
        assert_eq!(severity(&archiver(Some(10), None)), Some(Severity::Critical));
        assert_eq!(severity(&archiver(None, None)), None);
    }

    #[test]
    fn an_archiver_that_failed_last_year_and_works_now_is_fine() {
        assert_eq!(severity(&archiver(Some(365 * 86_400), Some(60))), None);
    }

    #[test]
    fn the_backlog_has_two_sides() {
        let waiting = |files| {
            with(|pg| {
                *edit(&mut pg.wal_directory) =
                    WalDirectory { ready_to_archive: Some(files), ..WalDirectory::default() };
            })
        };
        assert_eq!(severity(&waiting(99)), None);
        assert_eq!(severity(&waiting(100)), Some(Severity::Warning));
    }

    #[test]
    fn archiving_without_a_command_is_named() {
        let empty = with(|pg| {
            set(pg, "archive_command", "", None);
            edit(&mut pg.wal_directory).ready_to_archive = Some(1);
        });
        assert!(testing::findings(&CHECK, &empty)[0].message.contains("neither"));
    }

    #[test]
    fn is_skipped_where_nothing_is_archived() {
        let off = testing::pg(|pg| set(pg, "archive_mode", "off", None));
        assert!(!testing::skipped(&CHECK, &off).is_gap());
        let standby = with(|pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        let hidden = with(|pg| pg.archiver = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
