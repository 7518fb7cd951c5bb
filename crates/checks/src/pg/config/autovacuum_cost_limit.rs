//! Vacuums throttled for disks of the past.

use dbvitals_model::{Evidence, FixKind, Severity, Unit};

use crate::pg::{config::advice, setting_change::change};
use crate::{
    check::{Check, Component, Run, Threshold, Topic},
    context::Context,
    skip::{Judged, Skip},
    view::PgView,
    words,
};

/// The pace autovacuum is allowed.
pub static CHECK: Check = Check {
    id: "pg-autovacuum-cost-limit",
    title: "Autovacuum is throttled",
    topic: Topic::Configuration,
    component: Component::Configuration,
    severity: Severity::Warning,
    versions: (13, u32::MAX),
    needs: &["settings", "databases"],
    uses: &[],
    thresholds: &[&PACE, &DATA],
    fix: Some(FixKind::Review),
    explain: "\
## What it detects
All autovacuum workers together may dirty less than `min_bytes_per_second` (cost limit and delay, a
dirtied page costing `vacuum_cost_page_dirty`), with at least `min_data_bytes` of data.

## Why it matters
Vacuums of large tables take so long that dead rows come faster than they go, and old transaction ids
are frozen too late.

## How to fix
Set `autovacuum_vacuum_cost_delay` to 2 ms, the default, and the limit to 200 or, on flash, 2000; a
reload is enough.

## When to ignore
A disk that cannot bear more.

## References
PostgreSQL documentation: Automatic Vacuuming; Cost-based Vacuum Delay.
",
    run: Run::Postgres(run),
};

static PACE: Threshold = Threshold {
    key: "min_bytes_per_second",
    unit: Unit::BytesPerSecond,
    default: 20_971_520.0,
    strict: None,
    range: (0.0, 1e12),
    why: "the defaults since 12 allow about 40 MB/s of dirtied pages; half of that takes hours for a table of 100 GB",
};

static DATA: Threshold = Threshold {
    key: "min_data_bytes",
    unit: Unit::Bytes,
    default: 10_737_418_240.0,
    strict: None,
    range: (0.0, 1e16),
    why: "below 10 GB of data any pace is fast enough",
};

fn run(pg: &PgView<'_>, cx: &Context<'_>) -> Judged {
    let (settings, data) = (pg.settings()?, advice::data_bytes(pg)?);
    let own = |name: &str, shared: &str| {
        let own = settings.number(name).filter(|value| *value >= 0.0);
        own.or_else(|| settings.number(shared))
    };
    let limit = own("autovacuum_vacuum_cost_limit", "vacuum_cost_limit");
    let own_delay = settings.millis("autovacuum_vacuum_cost_delay").filter(|delay| *delay >= 0.0);
    let delay = own_delay.or_else(|| settings.millis("vacuum_cost_delay"));
    let (Some(limit), Some(delay)) = (limit, delay) else {
        return Err(Skip::not_applicable("the cost limit of autovacuum is not known"));
    };
    let page = settings.number("vacuum_cost_page_dirty").unwrap_or(20.0);
    if delay <= 0.0 || page <= 0.0 || advice::all_data_below(data, cx.limit(&DATA)) {
        return Ok(Vec::new());
    }
    let pace = limit * 1000.0 / delay / page * pg.server().block_size_bytes as f64;
    let least = cx.limit(&PACE);
    if pace >= least {
        return Ok(Vec::new());
    }
    let changes = [
        ("autovacuum_vacuum_cost_delay", "2ms".to_owned()),
        ("autovacuum_vacuum_cost_limit", format!("{:.0}", limit.max(200.0))),
    ];
    let found = advice::about(
        cx,
        Severity::Warning,
        settings,
        "autovacuum_vacuum_cost_limit",
        format!("all autovacuum workers together may dirty {} a second", words::bytes(pace)),
        "Set the delay to 2 ms and the limit to 200; on flash 2000.",
    )
    .with(
        Evidence::new(
            "pace",
            pace,
            Unit::BytesPerSecond,
            "limit / delay / vacuum_cost_page_dirty × block size",
        )
        .against(least),
    )
    .with(Evidence::new("cost limit", limit, Unit::Count, "pg_settings"))
    .with(Evidence::new("delay", delay, Unit::Ms, "pg_settings"))
    .fixed_by(change(settings, FixKind::Review, &changes));
    Ok(vec![found])
}

#[cfg(test)]
mod tests {
    use dbvitals_model::Finding;

    use super::*;
    use crate::testing::{self, edit, set};

    fn found(limit: &str, delay: &str, data: i64) -> Vec<Finding> {
        testing::findings(
            &CHECK,
            &testing::pg(|pg| {
                set(pg, "autovacuum_vacuum_cost_limit", "-1", None);
                set(pg, "vacuum_cost_limit", limit, None);
                set(pg, "autovacuum_vacuum_cost_delay", delay, Some("ms"));
                set(pg, "vacuum_cost_page_dirty", "20", None);
                edit(&mut pg.databases)[0].size_bytes = Some(data << 30);
            }),
        )
    }

    #[test]
    fn the_pace_has_two_sides() {
        assert!(found("200", "2", 10).is_empty());
        // 20 MB/s are 2,560 pages, 51,200 of cost a second.
        assert!(found("512", "10", 10).is_empty());
        let slow = found("511", "10", 10).remove(0);
        assert_eq!(
            slow.fix.unwrap().statements[..2],
            [
                "ALTER SYSTEM SET autovacuum_vacuum_cost_delay = '2ms';",
                "ALTER SYSTEM SET autovacuum_vacuum_cost_limit = '511';"
            ]
        );
    }

    #[test]
    fn little_data_and_no_delay_are_silent() {
        assert!(found("200", "20", 9).is_empty());
        assert!(found("200", "0", 10).is_empty());
    }

    #[test]
    fn is_skipped_when_unknown() {
        testing::skipped(&CHECK, &testing::pg(|_| {}));
    }
}
