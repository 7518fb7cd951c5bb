//! Tables that take much more room than their rows need.

use dbvitals_model::{
    Evidence, Finding, Fix, FixKind, Severity, Unit,
    pg::{relation::Relation, schema::Column},
};

use super::{
    bloat::{Confidence, Estimate, Heap, estimate},
    ordinary::{last_analyze, last_vacuum, not_twice, rows, sql_name, stored, subject},
    statistics,
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
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
    uses: &[],
    thresholds: &[&WARNING, &WARNING_BYTES, &CRITICAL, &CRITICAL_BYTES],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
A table of which at least `warning_ratio` and `warning_wasted_bytes` (or `critical_ratio` and
`critical_wasted_bytes`) would not be needed if it were written afresh. The need is estimated from planner
statistics: widths, nulls, alignment, headers, and what `fillfactor` keeps free. The error bar and the confidence
are part of the evidence; a low confidence is never critical. The TOAST table is not looked into.

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

static WARNING: Threshold = Threshold {
    key: "warning_ratio",
    unit: Unit::Ratio,
    default: 0.3,
    strict: Some(0.2),
    range: (0.05, 1.0),
    why: "with a fifth of the rows dead between two vacuums, up to a quarter is an ordinary level",
};

static WARNING_BYTES: Threshold = Threshold {
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
    let (relations, columns) = (db.relations()?, db.columns()?);
    not_twice(db)?;
    let page_bytes = db.server().server().block_size_bytes.max(1024) as f64;
    let mut found = Vec::new();
    let (mut seen, mut unknown) = (0, Vec::new());
    for table in stored(relations) {
        let name = table.qualified();
        let large = table.heap_bytes as f64 >= cx.limit_for(&WARNING_BYTES, &name);
        if !large || table.is_locked {
            continue;
        }
        match measured(table, columns, page_bytes) {
            Some(estimate) => {
                seen += 1;
                found.extend(
                    severity(cx, &name, &estimate).map(|s| finding(db, cx, table, &estimate, s)),
                );
            }
            None => unknown.push(table),
        }
    }
    match unknown.first() {
        Some(first) if seen == 0 => Err(unseen(db, first)),
        _ => Ok(found),
    }
}

fn measured(table: &Relation, columns: &[Column], page_bytes: f64) -> Option<Estimate> {
    let mut own: Vec<&Column> = columns.iter().filter(|c| c.table_oid == table.oid).collect();
    own.sort_by_key(|column| column.number);
    let counted = last_vacuum(table).max(last_analyze(table)).is_some();
    // Where counters were never set, the catalogue's rows and pages at least belong together.
    let (rows, rows_doubt, pages) = if counted && !table.sizes_estimated {
        (table.live_rows as f64, 0.01, main_pages(table, page_bytes))
    } else if table.row_estimate >= 0.0 {
        (table.row_estimate, 0.05, table.pages as f64)
    } else {
        return None;
    };
    estimate(&Heap {
        rows,
        rows_doubt,
        pages,
        page_bytes,
        fillfactor: table.option("fillfactor").and_then(|f| f.parse().ok()).unwrap_or(100.0),
        changed: table.modified_since_analyze.max(0) as f64 / self::rows(table).max(1.0),
        columns: &own,
    })
}

/// Pages of the main fork: the catalogue's number where it still holds, else the size less the maps.
fn main_pages(table: &Relation, page_bytes: f64) -> f64 {
    let all = table.heap_bytes as f64 / page_bytes;
    // One byte of the free space map and two bits of the visibility map stand for a page.
    let maps = all / (page_bytes / 2.0) + all / (page_bytes * 4.0) + 4.0;
    let known = table.pages as f64;
    if known <= all && all - known <= maps + 2.0 { known } else { (all - maps).max(1.0) }
}

fn severity(cx: &Context<'_>, name: &str, estimate: &Estimate) -> Option<Severity> {
    let beyond = |ratio: &Threshold, bytes: &Threshold| {
        estimate.ratio >= cx.limit_for(ratio, name)
            && estimate.wasted_bytes >= cx.limit_for(bytes, name)
    };
    if beyond(&CRITICAL, &CRITICAL_BYTES) && estimate.confidence > Confidence::Low {
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
    estimate: &Estimate,
    severity: Severity,
) -> Finding {
    let name = table.qualified();
    let (ratio, bytes) = if severity == Severity::Critical {
        (&CRITICAL, &CRITICAL_BYTES)
    } else {
        (&WARNING, &WARNING_BYTES)
    };
    let source = "estimate from pg_class and pg_stats";
    let mut trust = estimate.confidence.as_str().to_owned();
    if !estimate.reasons.is_empty() {
        trust = format!("{trust}: {}", estimate.reasons.join("; "));
    }
    let rewrite = format!("VACUUM (FULL, ANALYZE) {};", sql_name(table));
    let room = words::bytes(table.total_bytes() as f64 - estimate.wasted_bytes);
    let fix = Fix::new(FixKind::Review, [rewrite]).locking(
        "AccessExclusiveLock",
        format!("all reads and writes of {name} during the rewrite, which needs about {room} of free disk"),
    );
    cx.finding(
        severity,
        subject(db, table),
        format!(
            "about {} of {name} ({}) is bloat, give or take {} points",
            words::percent(estimate.ratio),
            words::bytes(estimate.wasted_bytes),
            words::count((estimate.error * 100.0).ceil())
        ),
        "Stop what causes it first. Then rewrite it online (pg_repack, pg_squeeze) or, after Review, with \
         VACUUM FULL, which blocks the table meanwhile.",
    )
    .with(
        Evidence::new("bloat", estimate.ratio, Unit::Ratio, source)
            .against(cx.limit_for(ratio, &name)),
    )
    .with(Evidence::new("error of the estimate", estimate.error, Unit::Ratio, source))
    .with(
        Evidence::new("wasted", estimate.wasted_bytes, Unit::Bytes, source)
            .against(cx.limit_for(bytes, &name)),
    )
    .with(Evidence::new("confidence", trust, Unit::Text, source))
    .with(Evidence::new("size without indexes and TOAST", table.heap_bytes, Unit::Bytes, "pg_relation_size"))
    .with(Evidence::new("dead rows", table.dead_rows, Unit::Count, "pg_stat_all_tables"))
    .fixed_by(fix)
    .promising(format!("gives back about {}", words::bytes(estimate.wasted_bytes)))
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Measure, Reason, Section, Snapshot};

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
        assert_eq!(severity(85_400, 59_780), Some(Severity::Warning));
        assert_eq!(severity(85_400, 59_790), None, "29.99 %");
        assert_eq!(severity(25_600, 1), None, "200 MB less a page");
        assert_eq!(severity(25_601, 1), Some(Severity::Warning));
        assert_eq!(severity(1_000_000, 400_000), Some(Severity::Critical));
        assert_eq!(severity(1_000_000, 400_001), Some(Severity::Warning));
        assert_eq!(severity(131_072, 1), Some(Severity::Warning), "a gigabyte less a page");
    }

    #[test]
    fn tells_the_error_and_the_confidence_and_asks_for_review() {
        let found = findings(&CHECK, &with(table(1_000_000, 400_000)));
        let value = |label: &str| {
            found[0].evidence.iter().find(|e| e.label == label).map(|e| e.value.clone()).unwrap()
        };
        assert_eq!(value("confidence"), Measure::from("high"));
        let Measure::Number(error) = value("error of the estimate") else { panic!("a number") };
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
