//! Tables that take much more room than their rows need.

use dbvitals_model::{Evidence, Finding, Fix, FixKind, Severity, Unit, pg::relation::Relation};

use super::{
    ordinary::{not_twice, sql_name, stored, subject},
    statistics,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    pg::bloat::{self, Bloat, Confidence, Facts, evidence},
    skip::{Judged, Skip},
    view::DatabaseView,
    words,
};

/// Estimated share and bytes of a table that a fresh copy would not take.
pub static CHECK: Check = Check {
    id: "pg-bloated-table",
    title: "Bloated table",
    topic: Topic::Tables,
    component: Component::Maintenance,
    severity: Severity::Critical,
    versions: (13, u32::MAX),
    needs: &["relations", "columns"],
    uses: &["measured"],
    thresholds: &[&WARNING, &WARNING_BYTES, &CRITICAL, &CRITICAL_BYTES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table, its TOAST table included, of which at least `warning_ratio` and `warning_wasted_bytes` (or
`critical_ratio` and `critical_wasted_bytes`) would not be needed if it were written afresh. The need is estimated
from planner statistics: widths, nulls, alignment in the order of the columns, headers, dropped columns, and what
`fillfactor` keeps free; chunks of the TOAST table are taken as full. Where `pgstattuple` is installed suspects are
measured within a budget of pages. Either number carries its error; what is below the threshold once the error is
taken off is not reported, and a low confidence is never critical.

## Why it matters
Sequential scans and caches carry the empty space along, and vacuum does not give it back to the system.

## How to fix
First stop the cause: dead rows (`pg-dead-tuples`), a held horizon (`pg-xmin-horizon-held`). The space is reused by
new rows, so a table that keeps growing needs nothing more. To shrink it, rewrite it online with an extension
such as pg_repack or pg_squeeze, or with `VACUUM FULL` in a window: Review, it blocks all reads and writes.

## When to ignore
Queues and tables refilled soon, which will use the space again.

## References
PostgreSQL documentation: Recovering Disk Space; Database Page Layout; `pgstattuple`.
",
    run: Run::Database(run),
};

pub(crate) static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: Some(0.2),
    range: (0.05, 1.0),
    why: "with a fifth of the rows dead between two vacuums, up to a quarter is an ordinary level",
};

pub(crate) static WARNING_BYTES: Threshold = Threshold {
    key: "warning_wasted_bytes",
    unit: Unit::Bytes,
    default: 209_715_200.0,
    strict: Some(104_857_600.0),
    range: (0.0, 1e15),
    why: "less than 200 MB is not worth a rewrite",
};

static CRITICAL: Threshold = Threshold {
    key: "critical_ratio",
    unit: Unit::Ratio,
    default: 0.6,
    strict: None,
    range: (0.05, 1.0),
    why: "every scan reads more than twice what it needs",
};

static CRITICAL_BYTES: Threshold = Threshold {
    key: "critical_wasted_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a gigabyte of nothing is felt in cache, backup and scans",
};

fn run(db: &DatabaseView<'_>, cx: &Context<'_>) -> Judged {
    let (relations, columns, measured) = (db.relations()?, db.columns()?, db.measured());
    not_twice(db)?;
    let server = db.server().server();
    let facts = Facts::new(server.block_size_bytes, relations, columns)
        .with_measured(measured.map_or(&[][..], Vec::as_slice));
    let mut found = Vec::new();
    let (mut seen, mut unknown) = (0, Vec::new());
    for table in stored(relations) {
        let name = table.qualified();
        let size = (table.heap_bytes + table.toast_heap_bytes) as f64;
        if size < cx.limit_for(&WARNING_BYTES, &name) || table.is_locked {
            continue;
        }
        match bloat::of_table(&facts, table) {
            Some(bloat) => {
                seen += 1;
                found
                    .extend(severity(cx, &name, &bloat).map(|s| finding(db, cx, table, &bloat, s)));
            }
            None => unknown.push(table),
        }
    }
    match unknown.first() {
        Some(first) if seen == 0 => Err(unseen(db, first)),
        _ => Ok(found),
    }
}

/// The share that is surely there decides: an error bar that reaches below the threshold swallows the finding.
fn severity(cx: &Context<'_>, name: &str, bloat: &Bloat) -> Option<Severity> {
    let beyond = |ratio: &Threshold, bytes: &Threshold| {
        bloat.at_least >= cx.limit_for(ratio, name)
            && bloat.at_least * bloat.bytes >= cx.limit_for(bytes, name)
    };
    if beyond(&CRITICAL, &CRITICAL_BYTES) && bloat.confidence > Confidence::Low {
        Some(Severity::Critical)
    } else {
        beyond(&WARNING, &WARNING_BYTES).then_some(Severity::Warning)
    }
}

/// Why no large table could be estimated, and what would open it.
fn unseen(db: &DatabaseView<'_>, table: &Relation) -> Skip {
    if table.has_statistics == Some(false) {
        return Skip::disabled(
            format!("bloat is unknown: {} has no planner statistics", table.qualified()),
            format!("ANALYZE {};", sql_name(table)),
        );
    }
    statistics::hidden(db)
}

fn finding(
    db: &DatabaseView<'_>,
    cx: &Context<'_>,
    table: &Relation,
    bloat: &Bloat,
    severity: Severity,
) -> Finding {
    let name = table.qualified();
    let (ratio, bytes) = if severity == Severity::Critical {
        (&CRITICAL, &CRITICAL_BYTES)
    } else {
        (&WARNING, &WARNING_BYTES)
    };
    let wasted = bloat.wasted_bytes();
    let rewrite = format!("VACUUM (FULL, ANALYZE) {};", sql_name(table));
    let room = words::bytes((table.total_bytes() as f64 - wasted).max(0.0));
    let fix = Fix::new(FixKind::Review, [rewrite]).locking(
        "AccessExclusiveLock",
        format!("all reads and writes of {name} during the rewrite, which needs about {room} of free disk"),
    );
    let finding = cx.finding(
        severity,
        subject(db, table),
        format!(
            "about {} of {name} ({}) is bloat, give or take {} points",
            words::percent(bloat.ratio),
            words::bytes(wasted),
            words::count((bloat.error() * 100.0).ceil())
        ),
        "Stop what causes it first. Then rewrite it online (pg_repack, pg_squeeze) or, after Review, with \
         VACUUM FULL, which blocks the table meanwhile.",
    );
    let finding = evidence::with_bloat(finding, bloat, cx.limit_for(ratio, &name)).with(
        Evidence::new("wasted", wasted, Unit::Bytes, bloat.method.as_str())
            .against(cx.limit_for(bytes, &name)),
    );
    finding
        .with(Evidence::new("size without indexes", bloat.bytes, Unit::Bytes, "pg_relation_size"))
        .with(Evidence::new("dead rows", table.dead_rows, Unit::Count, "pg_stat_all_tables"))
        .fixed_by(fix)
        .promising(format!("gives back about {}", words::bytes(wasted)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Measure, Reason, Section, Snapshot, pg::schema::Column};

    use super::*;
    use crate::pg::table::sample::{orders, within};
    use crate::testing::{self, edit, findings, skipped};

    /// Rows of 40 bytes and a pointer of 4: 185 on a page.
    fn column() -> Column {
        Column {
            table_oid: 1,
            number: 1,
            length: 16,
            alignment: "c".into(),
            null_ratio: Some(0.0),
            average_width: Some(16),
            ..Column::default()
        }
    }

    fn table(pages: i64, full_pages: i64) -> Relation {
        Relation {
            pages,
            heap_bytes: pages * 8192,
            live_rows: full_pages * 185,
            row_estimate: full_pages as f64 * 185.0,
            ..orders()
        }
    }

    fn with(table: Relation) -> Snapshot {
        within(vec![table], |db| *edit(&mut db.columns) = vec![column()])
    }

    #[test]
    fn ratio_and_bytes_have_two_sides_each() {
        let severity = |pages, full| {
            findings(&CHECK, &with(table(pages, full))).first().map(|found| found.severity)
        };
        // The error, 1.5 points of the pages that are needed, is taken off first.
        assert_eq!(severity(85_400, 58_896), Some(Severity::Warning));
        assert_eq!(severity(85_400, 58_900), None, "31.03 % ± 1.03");
        assert_eq!(severity(25_601, 1), None, "200 MB less a little");
        assert_eq!(severity(25_602, 1), Some(Severity::Warning));
        assert_eq!(severity(1_000_000, 394_000), Some(Severity::Critical));
        assert_eq!(severity(1_000_000, 394_200), Some(Severity::Warning));
        assert_eq!(severity(131_072, 1), Some(Severity::Warning), "a gigabyte less a page");
    }

    #[test]
    fn tells_the_error_and_the_confidence_and_asks_for_review() {
        let found = findings(&CHECK, &with(table(1_000_000, 390_000)));
        let value = |label: &str| {
            found[0].evidence.iter().find(|e| e.label == label).map(|e| e.value.clone()).unwrap()
        };
        assert_eq!(value("confidence"), Measure::from("high"));
        let Measure::Number(error) = value("error of the estimate, ±") else { panic!("a number") };
        assert!(error > 0.0 && error < 0.03, "{error}");
        let fix = found[0].fix.as_ref().unwrap();
        assert_eq!(fix.kind, FixKind::Review);
        assert_eq!(fix.statements, ["VACUUM (FULL, ANALYZE) app.orders;"]);
        assert!(fix.blocks.contains("all reads and writes"));
        assert!(found[0].recommendation.contains("Review"));
    }

    #[test]
    fn the_fillfactor_reserve_is_no_bloat() {
        let options = vec!["fillfactor=50".to_owned()];
        let half = Relation { options, ..table(100_000, 49_900) };
        assert!(findings(&CHECK, &with(half)).is_empty());
        assert_eq!(findings(&CHECK, &with(table(100_000, 49_900))).len(), 1);
    }

    #[test]
    fn low_confidence_is_never_critical() {
        let unsure = Relation { modified_since_analyze: i64::MAX / 2, ..table(1_000_000, 390_000) };
        let found = findings(&CHECK, &with(unsure));
        assert_eq!(found[0].severity, Severity::Warning);
    }

    #[test]
    fn counters_that_were_reset_are_not_believed() {
        let reset = Relation {
            live_rows: 3,
            last_autovacuum: None,
            last_autoanalyze: None,
            ..table(100_000, 100_000)
        };
        assert!(findings(&CHECK, &with(reset)).is_empty());
    }

    #[test]
    fn without_statistics_it_is_unknown_and_says_what_opens_it() {
        let blind = |has_statistics| {
            let table = Relation { has_statistics, ..table(100_000, 1) };
            within(vec![table], |db| {
                let hidden = Column { null_ratio: None, average_width: None, ..column() };
                *edit(&mut db.columns) = vec![hidden];
            })
        };
        let skip = skipped(&CHECK, &blind(None)).0;
        assert_eq!(skip.reason, Reason::Permission);
        assert_eq!(skip.remedy.as_deref(), Some("GRANT pg_read_all_data TO monitor;"));
        let skip = skipped(&CHECK, &blind(Some(false))).0;
        assert_eq!(skip.remedy.as_deref(), Some("ANALYZE app.orders;"));
    }

    #[test]
    fn small_and_locked_tables_need_no_statistics() {
        let small = Relation { heap_bytes: 209_715_199, ..table(100, 1) };
        let locked = Relation { is_locked: true, ..table(100_000, 1) };
        for table in [small, locked] {
            assert!(findings(&CHECK, &within(vec![table], |_| {})).is_empty());
        }
    }

    #[test]
    fn is_skipped_without_columns() {
        let snapshot = testing::database(|db| {
            db.columns = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(skipped(&CHECK, &snapshot).0.reason, Reason::Timeout);
    }
}
