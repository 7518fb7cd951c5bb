//! Data that exists once.

use dbvitals_model::{Evidence, FixKind, Severity, Subject, Unit};

use super::worth::{self, MIN_DATA};
use crate::{
    check::{Check, Component, Run, Topic},
    context::Context,
    pg::setting_change,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// Neither an archive nor a receiver of WAL.
pub static CHECK: Check = Check {
    id: "pg-no-archiving",
    title: "No archive and no standby",
    topic: Topic::Replication,
    component: Component::Replication,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings", "replicas", "databases"],
    uses: &[],
    thresholds: &[&MIN_DATA],
    fix: Some(FixKind::Manual),
    explain: "\
## What it detects
A primary with at least `min_data_bytes` of data that archives no WAL and has neither a standby nor any
other receiver connected.

## Why it matters
Everything since the last dump is lost with the disk, and nothing can be restored to a moment before a
mistake.

## How to fix
Use a backup tool that takes base backups and archives WAL, and test a restore. `archive_mode` needs a
restart. A standby protects against the loss of the machine, not against a mistaken `DELETE`.

## When to ignore
Where storage snapshots of the whole machine are taken and tested, or the provider keeps backups out of
sight, and data that can be made again.

## References
PostgreSQL documentation: Backup and Restore, Continuous Archiving.
",
    run: Run::Postgres(run),
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, replicas, databases) = (pg.settings()?, pg.replicas()?, pg.databases()?);
    if pg.server().in_recovery {
        return Err(Skip::not_applicable("a standby is a copy itself"));
    }
    let Some(mode) = settings.text("archive_mode") else {
        return Err(Skip::not_applicable("archive_mode is not known"));
    };
    let data = worth::data_bytes(databases);
    let has_copy = replicas.iter().any(|receiver| !receiver.is_logical)
        || pg.siblings().any(|node| node.server().in_recovery);
    if mode != "off" || has_copy || data < cx.limit(&MIN_DATA) {
        return Ok(Vec::new());
    }
    let change = [
        ("archive_mode", "on".to_owned()),
        (
            "archive_command",
            "test ! -f /path/to/archive/%f && cp %p /path/to/archive/%f".to_owned(),
        ),
    ];
    let found = cx
        .finding(
            Severity::Warning,
            Subject::new("server", pg.name()),
            format!(
                "{} of data exist once: no WAL is archived and no standby is connected",
                words::bytes(data)
            ),
            "Set up a backup tool that takes base backups and archives WAL to another machine, and \
             test a restore.",
        )
        .with(Evidence::new("archive_mode", mode, Unit::Text, "pg_settings").against("on"))
        .with(Evidence::new("standbys", 0.0, Unit::Count, "pg_stat_replication").against(1.0))
        .with(
            Evidence::new("data", data, Unit::Bytes, "pg_database_size")
                .against(cx.limit(&MIN_DATA)),
        )
        .fixed_by(setting_change::change(settings, FixKind::Manual, &change));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{
        Reason, Section, Snapshot,
        pg::{PgSnapshot, replication::Replica},
    };

    use super::*;
    use crate::testing::{self, edit, set};

    fn with(bytes: i64, change: impl FnOnce(&mut PgSnapshot)) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "archive_mode", "off", None);
            edit(&mut pg.databases)[0].size_bytes = Some(bytes);
            change(pg);
        })
    }

    #[test]
    fn data_without_any_copy_is_reported() {
        let found = testing::findings(&CHECK, &with(1 << 30, |_| {}));
        assert_eq!(found[0].fix.as_ref().unwrap().kind, FixKind::Manual);
        assert!(testing::findings(&CHECK, &with((1 << 30) - 1, |_| {})).is_empty(), "size");
    }

    #[test]
    fn an_archive_or_any_receiver_of_wal_suffices() {
        let archive = with(1 << 40, |pg| set(pg, "archive_mode", "on", None));
        assert!(testing::findings(&CHECK, &archive).is_empty());
        let receiver = Replica { state: Some("streaming".into()), ..Replica::default() };
        let received = with(1 << 40, |pg| *edit(&mut pg.replicas) = vec![receiver]);
        assert!(testing::findings(&CHECK, &received).is_empty());
    }

    #[test]
    fn is_skipped_on_standbys_and_where_nothing_is_known() {
        let standby = with(1 << 40, |pg| pg.server.in_recovery = true);
        assert!(!testing::skipped(&CHECK, &standby).is_gap());
        assert!(!testing::skipped(&CHECK, &testing::pg(|_| {})).is_gap());
        let lost = testing::pg(|pg| pg.settings = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &lost).0.reason, Reason::Failed);
    }
}
