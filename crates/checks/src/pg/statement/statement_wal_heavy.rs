//! Statements that write much WAL.

use dbvitals_model::{Evidence, Severity, Unit};

use super::{
    command,
    load::{self, LISTED, Load, per_call},
};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::Judged,
    view::PgView,
    words,
};

/// WAL per call, and share of all WAL.
pub static CHECK: Check = Check {
    id: "pg-statement-wal-heavy",
    title: "WAL-heavy statement",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Info,
    versions: (13, u32::MAX),
    needs: &["statements"],
    uses: &["window"],
    thresholds: &[&PER_CALL, &CALLS, &SHARE, &MIN_WAL],
    fix: None,
    explain: "\
## What it detects
Statements with at least `min_calls` calls that write more than `max_wal_bytes` of WAL per call, or that
write more than `max_wal_ratio` of all WAL while they wrote at least `min_wal_bytes`. The former is not held
against statements that write no more than `max_wal_row_bytes` per row: many rows at once are a load, and
done well.

## Why it matters
WAL is written, flushed, sent to every standby and archived: it is what replication lag, checkpoints
and backups are made of.

## How to fix
Update only rows and columns that change (`WHERE value IS DISTINCT FROM …`), drop indexes nobody uses,
let updates be heap-only (`fillfactor`), write in batches, use `wal_compression`, and unlogged tables for
what can be rebuilt.

## When to ignore
Bulk loads. DDL, vacuum and copies are never reported.

## References
PostgreSQL documentation: pg_stat_statements; Write Ahead Log.
",
    run: Run::Postgres(run),
};

static PER_CALL: Threshold = Threshold {
    key: "max_wal_bytes",
    unit: Unit::Bytes,
    default: 1_048_576.0,
    strict: None,
    range: (0.0, 1e13),
    why: "1 MB is thousands of rows: more than one user's action changes",
};

static CALLS: Threshold = Threshold {
    key: "min_calls",
    unit: Unit::Count,
    default: 10.0,
    strict: None,
    range: (1.0, 1e9),
    why: "a statement run a few times by hand is not part of the workload",
};

static SHARE: Threshold = Threshold {
    key: "max_wal_ratio",
    unit: Unit::Ratio,
    default: 0.2,
    strict: None,
    range: (0.0, 1.0),
    why: "a fifth of all WAL is a fifth of what standbys and archive have to take",
};

static MIN_WAL: Threshold = Threshold {
    key: "min_wal_bytes",
    unit: Unit::Bytes,
    default: 1_073_741_824.0,
    strict: None,
    range: (0.0, 1e15),
    why: "a share of little is little: 1 GB is the default max_wal_size, one checkpoint's worth",
};

static PER_ROW: Threshold = Threshold {
    key: "max_wal_row_bytes",
    unit: Unit::Bytes,
    default: 1024.0,
    strict: None,
    range: (0.0, 1e9),
    why: "a row with its index entries takes some hundred bytes; beyond 1 kB pages are written whole, or rows are wide",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (statements, window) = (pg.statements()?, pg.window().ok());
    let load = Load::of(pg, statements, window)?;
    let found = load.by(|s| s.wal_bytes as f64).filter_map(|statement| {
        let name = load::name(statement);
        let wal = statement.wal_bytes as f64;
        let each = per_call(statement, wal);
        let ratio = if load.wal_bytes > 0.0 { wal / load.wal_bytes } else { 0.0 };
        let per_call = each > cx.limit_for(&PER_CALL, &name)
            && statement.calls as f64 >= cx.limit_for(&CALLS, &name);
        let is_load = statement.rows > 0
            && wal / statement.rows as f64 <= cx.limit_for(&PER_ROW, &name);
        let per_call = per_call && !is_load;
        let much =
            ratio > cx.limit_for(&SHARE, &name) && wal >= cx.limit_for(&MIN_WAL, &name);
        let maintenance = statement.text.as_deref().is_some_and(command::is_maintenance);
        ((per_call || much) && !maintenance).then(|| {
            let problem = format!(
                "writes {} of WAL per call, {} of all WAL",
                words::bytes(each),
                words::percent(ratio)
            );
            let advice = "Change only rows and columns that differ, keep updates heap-only, and drop \
                          indexes nobody uses.";
            load.finding(cx, Severity::Info, statement, &problem, advice)
                .with(
                    Evidence::new("WAL per call", each, Unit::Bytes, load.source("wal_bytes"))
                        .against(cx.limit_for(&PER_CALL, &name)),
                )
                .with(
                    Evidence::new("share of all WAL", ratio, Unit::Ratio, load.source("wal_bytes"))
                        .against(cx.limit_for(&SHARE, &name)),
                )
                .with(Evidence::new("WAL", wal, Unit::Bytes, load.source("wal_bytes")))
        })
    });
    Ok(found.take(LISTED).collect())
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{TargetData, pg::statement::Statement};

    use super::*;
    use crate::{
        pg::statement::sample::{statement, with, without_statements},
        testing,
    };

    fn found(wal_bytes: i64, calls: i64, total: i64) -> usize {
        found_of(wal_bytes, calls, total, 1000)
    }

    fn found_of(wal_bytes: i64, calls: i64, total: i64, rows: i64) -> usize {
        let mut snapshot = with(vec![Statement { wal_bytes, calls, rows, ..statement() }]);
        if let TargetData::Postgres(pg) = &mut snapshot.targets[0].data {
            testing::edit(&mut pg.statements).total_wal_bytes = total;
        }
        testing::findings(&CHECK, &snapshot).len()
    }

    #[test]
    fn wal_per_call_has_two_sides() {
        assert_eq!(found(10 << 20, 10, 1 << 40), 0, "1 MB exactly");
        assert_eq!(found((10 << 20) + 1, 10, 1 << 40), 1);
        assert_eq!(found(10 << 20, 9, 1 << 40), 0, "too few calls");
    }

    #[test]
    fn a_load_of_many_rows_is_done_well() {
        let wal = 20 << 20;
        assert_eq!(found_of(wal, 10, 1 << 40, 20 << 10), 0, "1 kB a row exactly");
        assert_eq!(found_of(wal, 10, 1 << 40, (20 << 10) - 1), 1);
        assert_eq!(found_of(wal, 10, 1 << 40, 0), 1, "no rows to speak of");
    }

    #[test]
    fn the_share_has_two_sides_and_a_floor() {
        let million = 1_000_000;
        assert_eq!(found(1 << 30, million, 5 << 30), 0, "20 % exactly");
        assert_eq!(found((1 << 30) + 1, million, 5 << 30), 1);
        assert_eq!(found((1 << 30) - 1, million, 1 << 30), 0, "below 1 GB");
    }

    #[test]
    fn is_skipped_without_statements() {
        testing::skipped(&CHECK, &without_statements());
    }
}
