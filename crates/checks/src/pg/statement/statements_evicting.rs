//! `pg_stat_statements` throwing out statements for lack of room.

use dbvitals_model::{Evidence, Fix, FixKind, Severity, Subject, Unit};

use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    sql,
    view::PgView,
    words,
};

/// Entries against `pg_stat_statements.max`, and evictions per hour.
pub static CHECK: Check = Check {
    id: "pg-statements-evicting",
    title: "Statement statistics are evicted",
    topic: Topic::Statements,
    component: Component::Queries,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["statements_status"],
    uses: &[],
    thresholds: &[&FILL_RATIO, &EVICTIONS],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
More than `max_fill_ratio` of the entries `pg_stat_statements.max` allows are taken, or entries were
evicted more than `max_evictions_per_hour` times an hour and more than four fifths are taken still.

## Why it matters
Evicted statements start again from zero: totals are too small, and a statement that runs seldom but
long is never seen. Evicting also holds an exclusive lock that every statement waits for.

## How to fix
Find what makes so many different statements: lists of varying length, names of temporary tables, ids
written into the text. Then raise `pg_stat_statements.max`, which needs a restart.

## When to ignore
Servers whose statements are generated anew each time, when the leaders are known.

## References
PostgreSQL documentation: pg_stat_statements, `pg_stat_statements_info.dealloc`.
",
    run: Run::Postgres(run),
};

static FILL_RATIO: Threshold = Threshold {
    key: "max_fill_ratio",
    unit: Unit::Ratio,
    default: 0.9,
    strict: None,
    range: (0.1, 1.0),
    why: "eviction begins at the limit and frees a twentieth; above nine tenths it is a matter of time",
};

static EVICTIONS: Threshold = Threshold {
    key: "max_evictions_per_hour",
    unit: Unit::PerHour,
    default: 0.0,
    strict: None,
    range: (0.0, 1e6),
    why: "every eviction loses a twentieth of all statements",
};

/// Below this fill nothing is being evicted now, whatever the counter says of the past: an eviction
/// leaves nineteen of twenty entries.
const HAS_ROOM: f64 = 0.8;

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let status = pg.statements_status()?;
    let fill = match (status.entries, status.max_entries) {
        (Some(entries), Some(max)) if max > 0 => Some(entries as f64 / max as f64),
        _ => None,
    };
    // The first seconds after a reset would make an hour's rate out of one eviction: at least an hour.
    let hours = pg.seconds_since(status.stats_reset).map(|seconds| seconds.max(3600.0) / 3600.0);
    let rate = status.deallocations.zip(hours).map(|(count, hours)| count as f64 / hours);
    if fill.is_none() && rate.is_none() {
        return Err(Skip::not_applicable("pg_stat_statements is not at work here"));
    }
    let name = "pg_stat_statements";
    let (max_fill, max_rate) = (cx.limit_for(&FILL_RATIO, name), cx.limit_for(&EVICTIONS, name));
    let evicting = rate.filter(|rate| *rate > max_rate && fill.is_none_or(|fill| fill >= HAS_ROOM));
    let full = fill.filter(|fill| *fill > max_fill);
    let message = match (evicting, full) {
        (Some(rate), _) => format!(
            "pg_stat_statements threw out statements {} times per hour",
            words::count(rate.max(1.0))
        ),
        (None, Some(fill)) => {
            format!("pg_stat_statements is {} full", words::percent(fill))
        }
        (None, None) => return Ok(Vec::new()),
    };
    let mut found = cx.finding(
        Severity::Warning,
        Subject::new("extension", name),
        message,
        "Find what makes so many different statements, then raise pg_stat_statements.max.",
    );
    if let Some(fill) = fill {
        let source = "count of pg_stat_statements / pg_stat_statements.max";
        found =
            found.with(Evidence::new("entries taken", fill, Unit::Ratio, source).against(max_fill));
    }
    if let Some(rate) = rate {
        let source = "pg_stat_statements_info.dealloc since stats_reset";
        found =
            found.with(Evidence::new("evictions", rate, Unit::PerHour, source).against(max_rate));
    }
    if let Some(max) = status.max_entries.filter(|max| *max > 0) {
        let set =
            |value: i64| sql::alter_system("pg_stat_statements.max", &value.to_string(), true);
        let fix = Fix::new(FixKind::Review, set(max.saturating_mul(2)))
            .locking("none", "everything during the restart it needs")
            .undone_by(set(max));
        found = found.fixed_by(fix);
    }
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::{Reason, Section, Snapshot, pg::statement::Status};

    use super::*;
    use crate::testing::{self, ago, edit};

    fn with(entries: i64, deallocations: i64, age_seconds: i64) -> Snapshot {
        testing::pg(|pg| {
            *edit(&mut pg.statements_status) = Status {
                entries: Some(entries),
                max_entries: Some(5000),
                deallocations: Some(deallocations),
                stats_reset: ago(age_seconds),
                ..Status::default()
            };
        })
    }

    #[test]
    fn fill_has_two_sides() {
        let found = |entries| testing::findings(&CHECK, &with(entries, 0, 86_400));
        assert!(found(4500).is_empty(), "90 % exactly");
        let full = found(4501).remove(0);
        assert_eq!(full.message, "pg_stat_statements is 90 % full");
        let fix = full.fix.unwrap();
        assert_eq!(fix.statements, ["ALTER SYSTEM SET pg_stat_statements.max = '10000';"]);
        assert_eq!(fix.undo, ["ALTER SYSTEM SET pg_stat_statements.max = '5000';"]);
    }

    #[test]
    fn evictions_count_while_there_is_no_room() {
        let found = |entries, evicted| testing::findings(&CHECK, &with(entries, evicted, 7200));
        assert!(found(4000, 0).is_empty());
        let evicting = found(4000, 6).remove(0);
        assert_eq!(evicting.message, "pg_stat_statements threw out statements 3 times per hour");
        assert!(found(3999, 6).is_empty(), "the limit was raised since: evictions of the past");
    }

    #[test]
    fn is_skipped_when_not_at_work_or_unknown() {
        let absent = testing::pg(|pg| *edit(&mut pg.statements_status) = Status::default());
        assert_eq!(testing::skipped(&CHECK, &absent).0.reason, Reason::NotApplicable);
        let unknown = testing::pg(|pg| {
            pg.statements_status = Section::unavailable(Reason::Timeout, "took too long");
        });
        assert_eq!(testing::skipped(&CHECK, &unknown).0.reason, Reason::Timeout);
    }
}
