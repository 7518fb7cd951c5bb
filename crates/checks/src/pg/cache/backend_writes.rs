//! Queries that have to write dirty buffers themselves.

use dbvitals_model::{
    Evidence, Finding, FixKind, Severity, Subject, Unit,
    pg::{
        counters::{Checkpoints, Io},
        instance::Settings,
    },
};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::{
        cache::background_writer,
        counted::{Counted, counted},
    },
    skip::Judged,
    view::PgView,
    words,
};

/// Share of buffers written by the sessions that needed their place.
pub static CHECK: Check = Check {
    id: "pg-backend-writes",
    title: "Queries write dirty buffers",
    topic: Topic::Cache,
    component: Component::Cache,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["checkpoints"],
    uses: &["io", "settings", "window"],
    thresholds: &[&RATIO, &MIN_WRITES, &MIN_FSYNCS],
    fix: Some(FixKind::Safe),
    explain: "\
## What it detects
Of at least `min_buffers_written` buffers, more than `max_backend_ratio` were written by client sessions
that needed a free one, not by the checkpointer or the background writer. Up to version 15 the server
counts growing a table among them. A warning, up to version 16, when sessions also had to sync files
themselves at least `min_backend_fsyncs` times, since the checkpointer's queue was full.

## Why it matters
A query that wanted to read waits for a write first.

## How to fix
Let the background writer work more; look whether shared buffers are too small for what is changed.

## When to ignore
Bulk loads, which write through a small ring of their own.

## References
PostgreSQL documentation: The Cumulative Statistics System, `pg_stat_io`, `pg_stat_bgwriter`.
",
    run: Run::Postgres(run),
};

static RATIO: Threshold = Threshold {
    key: "max_backend_ratio",
    unit: Unit::Ratio,
    default: 0.5,
    strict: Some(0.2),
    range: (0.0, 1.0),
    why: "when sessions write most of it, the processes made for it are behind",
};

static MIN_WRITES: Threshold = Threshold {
    key: "min_buffers_written",
    unit: Unit::Count,
    default: 100_000.0,
    strict: None,
    range: (1.0, 1e12),
    why: "a single load into a new table writes some hundred megabytes",
};

static MIN_FSYNCS: Threshold = Threshold {
    key: "min_backend_fsyncs",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "the queue overflows only under writes the checkpointer cannot take in",
};

/// Both views that may tell: the background writer's, and `pg_stat_io` (empty before 16).
type Sources<'a> = (Option<&'a Checkpoints>, &'a [Io]);

/// Who wrote how many buffers.
#[derive(Clone, Copy)]
struct Writes {
    by_sessions: f64,
    all: f64,
    view: &'static str,
}

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let checkpoints = pg.checkpoints()?;
    let (io, settings, window) = (pg.io().ok(), pg.settings().ok(), pg.window().ok());
    let since_reset = (Some(checkpoints), io.map_or(&[][..], Vec::as_slice));
    let recent = window.map(|window| (window.checkpoints.as_ref(), window.io.as_slice()));
    let reset = io.and_then(|rows| rows.first()?.stats_reset).or(checkpoints.stats_reset);
    let age = pg.seconds_since(reset.or(pg.server().started_at));
    let enough = cx.limit(&MIN_WRITES);
    let seen = counted(window.zip(recent.as_ref()), &since_reset, age, |seen| {
        writes(*seen.counters).is_some_and(|writes| writes.all >= enough)
    });
    let judged = seen.and_then(|seen| finding(pg, cx, settings, seen));
    Ok(judged.into_iter().collect())
}

/// From `pg_stat_io` where there is one (it tells growing a table from making room), else from the
/// counters of the background writer.
fn writes((checkpoints, io): Sources<'_>) -> Option<Writes> {
    let ordinary = |row: &&Io| row.object == "relation" && row.context == "normal";
    if io.iter().any(|row| ordinary(&row)) {
        let sum = |backend: Option<&str>| -> i64 {
            let wanted = |row: &&Io| backend.is_none_or(|kind| row.backend_type == kind);
            io.iter().filter(ordinary).filter(wanted).map(|row| row.writes.max(0)).sum()
        };
        return Some(Writes {
            by_sessions: sum(Some("client backend")) as f64,
            all: sum(None) as f64,
            view: "pg_stat_io.writes",
        });
    }
    let by_sessions = checkpoints?.buffers_backend?.max(0);
    let others = checkpoints?.buffers_checkpoint.max(0) + checkpoints?.buffers_clean.max(0);
    Some(Writes {
        by_sessions: by_sessions as f64,
        all: (by_sessions + others) as f64,
        view: "pg_stat_bgwriter",
    })
}

fn finding(
    pg: &PgView<'_>,
    cx: &Context<'_>,
    settings: Option<&Settings>,
    seen: Counted<'_, Sources<'_>>,
) -> Option<Finding> {
    let writes = writes(*seen.counters)?;
    let ratio = writes.by_sessions / writes.all.max(1.0);
    if ratio <= cx.limit(&RATIO) {
        return None;
    }
    let fsyncs = seen.counters.0.and_then(|counters| counters.buffers_backend_fsync);
    let fsyncs = fsyncs.unwrap_or(0).max(0) as f64;
    let overflows = fsyncs >= cx.limit(&MIN_FSYNCS);
    let severity = if overflows { Severity::Warning } else { Severity::Info };
    let source = seen.source(writes.view);
    let found = cx
        .finding(
            severity,
            Subject::new("server", pg.name()),
            format!("sessions wrote {} of all dirty buffers {}", words::percent(ratio), seen.when()),
            "Let the background writer work more. Look whether shared_buffers is too small for what \
             is changed.",
        )
        .with(
            Evidence::new("written by sessions", ratio, Unit::Ratio, source.clone())
                .against(cx.limit(&RATIO)),
        )
        .with(Evidence::new("buffers written", writes.all, Unit::Count, source))
        .with(
            Evidence::new(
                "files synced by sessions",
                fsyncs,
                Unit::Count,
                "pg_stat_bgwriter.buffers_backend_fsync",
            )
            .against(cx.limit(&MIN_FSYNCS)),
        )
        .with(seen.time());
    Some(match settings.and_then(background_writer::quickened) {
        Some(fix) => found.fixed_by(fix),
        None => found,
    })
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot};

    use super::*;
    use crate::testing::{self, edit, set};

    fn old(backend: i64, others: i64, fsyncs: i64) -> Snapshot {
        testing::pg(|pg| {
            set(pg, "bgwriter_delay", "200", Some("ms"));
            set(pg, "bgwriter_lru_maxpages", "100", None);
            *edit(&mut pg.checkpoints) = Checkpoints {
                buffers_backend: Some(backend),
                buffers_backend_fsync: Some(fsyncs),
                buffers_checkpoint: others,
                ..Checkpoints::default()
            };
        })
    }

    #[test]
    fn thresholds_have_two_sides() {
        let severity = |backend, others, fsyncs| {
            testing::findings(&CHECK, &old(backend, others, fsyncs)).first().map(|f| f.severity)
        };
        assert_eq!(severity(50_001, 49_999, 9), Some(Severity::Info));
        assert_eq!(severity(50_001, 49_999, 10), Some(Severity::Warning));
        assert_eq!(severity(50_000, 50_000, 99), None, "ratio");
        assert_eq!(severity(99_999, 0, 0), None, "too few");
    }

    #[test]
    fn where_pg_stat_io_exists_only_making_room_counts() {
        let row = |backend: &str, context: &str, writes| Io {
            backend_type: backend.into(),
            object: "relation".into(),
            context: context.into(),
            writes,
            ..Io::default()
        };
        let with = |rows: Vec<Io>| {
            let mut snapshot = old(1_000_000, 0, 0);
            let dbvitals_model::TargetData::Postgres(pg) = &mut snapshot.targets[0].data else {
                unreachable!()
            };
            *edit(&mut pg.io) = rows;
            testing::findings(&CHECK, &snapshot)
        };
        let bulk = vec![
            row("client backend", "bulkwrite", 1_000_000),
            row("checkpointer", "normal", 100_000),
        ];
        assert!(with(bulk).is_empty(), "a bulk load writes through its own ring");
        let busy =
            vec![row("client backend", "normal", 90_000), row("checkpointer", "normal", 10_000)];
        let found = with(busy);
        assert_eq!(found[0].fix.as_ref().unwrap().kind, FixKind::Safe);
    }

    #[test]
    fn is_skipped_without_counters() {
        let hidden =
            testing::pg(|pg| pg.checkpoints = Section::unavailable(Reason::Failed, "lost"));
        assert_eq!(testing::skipped(&CHECK, &hidden).0.reason, Reason::Failed);
    }
}
